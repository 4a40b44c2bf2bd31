"""Nothing personal in clear: canaries through every input, then every byte of every folder is searched."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from appliance.access import operators
from appliance.access.operators import NewOperator, SignInRefused
from appliance.access.session import Role
from appliance.journal.errors import SanadError
from appliance.sealing import slotfile, slots
from appliance.store.layout import Layout
from appliance.store.store import Store
from tests.support import canaries
from tests.support import casework as applications
from tests.support.casework import Person
from tests.support.commands import PATIENCE_S, Place, free_port
from tests.support.nodes import halt, real_clock

PASSPHRASE = "canarypassphrase seven quiet rivers"
NAMES = """
    passphrase supervisor operator operatorname password typedlogin typedpassword counter person native
    identitykind identitynumber service fieldname fieldvalue due paper label remark reason erased broken
"""
WORDS = {name: f"canary{name}" for name in NAMES.split()} | {"born": "1913-04-19"}


def plant(store: Store) -> None:
    """Use every verb with canaries, the refused ways too."""
    w = WORDS
    supervisor = operators.sign_in(
        store, login=w["supervisor"], password=PASSPHRASE, role=Role.SUPERVISOR, counter=w["counter"]
    )
    password = w["password"] + " and more"
    for login in (w["operator"], "officer"):
        new = NewOperator(login, w["operatorname"], (Role.OPERATOR, Role.OFFICER), password)
        operators.add_operator(store, supervisor, new, os.urandom)
    for login, typed in ((w["typedlogin"], password), (w["operator"], w["typedpassword"])):
        with pytest.raises(SignInRefused):
            operators.sign_in(store, login=login, password=typed, role=Role.OPERATOR, counter=w["counter"])
    operator = operators.sign_in(
        store, login=w["operator"], password=password, role=Role.OPERATOR, counter=w["counter"]
    )
    officer = operators.sign_in(store, login="officer", password=password, role=Role.OFFICER, counter="2")
    person = Person(w["person"], w["native"] + " نمونہ", w["born"], w["identitykind"], w["identitynumber"])
    for last in ("remark", "reason", "erased"):
        citizen = applications.add_person(store, operator, person)
        submitted = applications.submit_application(
            store,
            operator,
            service=w["service"],
            applicant=citizen,
            fields={w["fieldname"]: w["fieldvalue"]},
            due=w["due"],
        )
        content = b"%PDF-1.7 " + w["paper"].encode() * 50
        applications.add_paper(
            store, operator, submitted.application, label=w["label"], media_type="application/pdf", content=content
        )
        if last == "remark":
            applications.approve(store, officer, submitted.application, w["remark"])
        elif last == "reason":
            applications.send_back(store, officer, submitted.application, w["reason"])
        else:
            applications.erase(store, supervisor, submitted.application, w["erased"])
    # What is refused may be said to the person who typed it, but in words that hold nothing of it.
    for refused in (
        lambda: applications.add_person(store, operator, Person(w["broken"] + "\x00")),
        lambda: applications.approve(store, operator, citizen, w["broken"]),
        lambda: operators.add_operator(
            store, supervisor, NewOperator("x y" + w["broken"], "n", (Role.OFFICER,), password), os.urandom
        ),
    ):
        with pytest.raises(SanadError) as raised:
            refused()
        assert w["broken"] not in str(raised.value)


def test_nothing_that_was_typed_lies_anywhere_in_clear(tmp_path: Path) -> None:
    place = Place(tmp_path / "place", passphrase=PASSPHRASE)
    place.make_central(free_port())
    with place.central_served():
        invite = place.folder / "invite"
        place.run("central", "invite", "PEW01", "Centre", "--out", invite, home=place.central)
        place.run(
            "enrol", invite, "--supervisor", WORDS["supervisor"], "--name", WORDS["operatorname"], home=place.node
        )
        (key,) = slots.unlock_with_passphrase(slotfile.load(place.node), PASSPHRASE).keys
        with (
            Store(Layout(place.node), key, clock=real_clock, random=os.urandom, halt=halt).closing() as store,
            contextlib.ExitStack() as service,
        ):
            service.enter_context(place.node_served())
            plant(store)
            place.run("journal", "export", place.folder / "export", home=place.node)
            place.run("sync", "now", home=place.node)
            # While everything is open: the write-ahead logs and whatever else there is are searched as well.
            open_search = canaries.search(folders(place), list(WORDS.values()))
        closed_search = canaries.search(folders(place), list(WORDS.values()))
    for search in (open_search, closed_search):
        assert search.found == []
        assert search.octets > 100_000
    said = "".join(place.said)
    assert not [word for word in WORDS.values() if word in said]


def folders(place: Place) -> list[Path]:
    """Everything but the folder of secrets, which the person who runs it keeps."""
    return [place.node, place.central, place.temporary, place.folder / "export"]


def test_a_fault_of_ours_says_where_and_never_what(tmp_path: Path) -> None:
    """A tracebacks's message and its locals hold a canary; neither is shown."""
    place = Place(tmp_path / "place")
    broken = tmp_path / "sitecustomize.py"
    broken.write_text(
        "import provisioning.journalcommands as j\n"
        "def fail(*_, **__):\n    typed = 'canarylocal'\n    raise ValueError('canarymessage ' + typed)\n"
        "j.node_store = fail\n"
    )
    python_path = {"PYTHONPATH": f"{tmp_path}:{place.environment()['PYTHONPATH']}"}
    process = place.start("journal", "show", home=place.node, environment=python_path)
    said = "".join(process.communicate(timeout=PATIENCE_S))
    assert process.returncode == 70
    assert "ValueError" in said
    assert "canary" not in said

"""`sanad certificates` as people use it: one asks, another does it, and the old one says so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from appliance.access import operators
from appliance.access.operators import NewOperator
from appliance.access.session import Role
from appliance.casework import issuing
from appliance.sealing import slotfile, slots
from appliance.store.layout import Layout
from appliance.store.store import Store
from provisioning.centre import open_centre
from tests.support import casework as applications
from tests.support.casework import Person
from tests.support.certificates import photograph
from tests.support.commands import PASSPHRASE, Place, free_port
from tests.support.nodes import halt

FIELDS = {"district": "Peshawar", "tehsil": "Peshawar City"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    found = Place(tmp_path_factory.mktemp("certificates") / "place")
    found.make_central(free_port())
    with found.central_served():
        found.enrol()
        found.answer("sync", "now", home=found.node)
        with opened(found).closing() as store:
            staff(store)
        yield found


def opened(place: Place) -> Store:
    (key,) = slots.unlock_with_passphrase(slotfile.load(place.node), PASSPHRASE).keys
    return Store(Layout(place.node), key, clock=lambda: datetime.now(UTC), random=os.urandom, halt=halt)


def staff(store: Store) -> None:
    supervisor = operators.sign_in(store, login="sana", password=PASSPHRASE, role=Role.SUPERVISOR, counter="1")
    for login in ("omar", "rabia", "zara"):
        new = NewOperator(login, login.title(), (Role.OPERATOR, Role.OFFICER), PASSPHRASE)
        operators.add_operator(store, supervisor, new, os.urandom)


def issued(place: Place) -> str:
    """The number of a certificate that omar took in and rabia approved."""
    with opened(place).closing() as store:
        omar, rabia = (
            operators.sign_in(store, login=login, password=PASSPHRASE, role=role, counter="1")
            for login, role in (("omar", Role.OPERATOR), ("rabia", Role.OFFICER))
        )
        person = applications.add_person(store, omar, Person("Gul Specimen"))
        taken = applications.submit_application(store, omar, service="domicile", applicant=person, fields=FIELDS)
        applications.add_paper(
            store,
            omar,
            taken.application,
            label="Photograph",
            media_type="image/jpeg",
            content=photograph(),
            rule="photograph",
        )
        applications.approve(store, rabia, taken.application)
        return issuing.issue(open_centre(place.node, store), rabia, taken.application).number


def test_a_certificate_is_revoked_by_two_and_shown_as_such(place: Place) -> None:
    number = issued(place)
    assert place.answer("certificates", "show", number.lower(), home=place.node)["state"] == "valid"
    asked = ("--code", "fraud", "--reason", "a forged deed", "--as", "rabia")
    place.answer("certificates", "ask-revocation", number, *asked, home=place.node)
    (waiting,) = place.answer("certificates", "list", "--asked", home=place.node)["requests"]
    assert (waiting["number"], waiting["reason_code"], waiting["asked_by"]) == (number, "fraud", "Rabia")
    for login, role in (("rabia", "officer"), ("omar", "officer")):
        refused = place.answer("certificates", "revoke", number, "--as", login, "--role", role, home=place.node, code=1)
        assert refused["error"] == "SameEyes"
    place.answer("certificates", "revoke", number, "--as", "sana", home=place.node)
    shown = place.answer("certificates", "show", number, home=place.node)
    assert (shown["state"], shown["reason_code"], shown["reason"]) == ("revoked", "fraud", "a forged deed")
    assert "REVOKED ON" in place.run("certificates", "show", number, home=place.node)
    listed = place.answer("certificates", "list", "--state", "revoked", home=place.node)["certificates"]
    assert number in [each["number"] for each in listed]
    again = place.answer(
        "certificates", "reprint", number, "x.pdf", "--reason", "lost", "--as", "zara", home=place.node, code=1
    )
    assert again["error"] == "NotValid"


def test_the_signed_file_is_saved_and_a_copy_is_marked(place: Place) -> None:
    number = issued(place)
    saved = place.answer("certificates", "save", number, "one.pdf", home=place.node)
    assert saved["number"] == number
    signed = (place.folder / "one.pdf").read_bytes()
    first = place.answer("certificates", "reprint", number, "first.pdf", "--as", "zara", home=place.node)
    assert first["copy"] == 1
    assert (place.folder / "first.pdf").read_bytes() == signed
    refused = place.answer("certificates", "reprint", number, "no.pdf", "--as", "zara", home=place.node, code=1)
    assert refused["error"] == "AlreadyPrinted"
    assert not (place.folder / "no.pdf").exists()
    place.answer("certificates", "reprint", number, "two.pdf", "--reason", "lost", "--as", "zara", home=place.node)
    assert b"/ByteRange" not in (place.folder / "two.pdf").read_bytes()


def test_a_number_that_is_mistyped_is_told_so(place: Place) -> None:
    refused = place.answer("certificates", "show", "PEW01-000001-0", home=place.node, code=1)
    assert refused["error"] == "UnknownCertificate"
    assert "character is wrong" in refused["sentence"]

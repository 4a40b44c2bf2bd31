"""The command line as people use it: a central, a node, acts, sync, journal, keys."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.access import operators
from appliance.access.operators import NewOperator
from appliance.access.session import Role
from appliance.journal.notes import Signer
from appliance.journal.trust import format_trust
from appliance.sealing import slotfile, slots
from appliance.store.keys import AGE_IDENTITY
from appliance.store.layout import Layout
from appliance.store.store import Store
from tests.support import casework as applications
from tests.support.casework import Person
from tests.support.commands import PASSPHRASE, Place, free_port
from tests.support.nodes import halt


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    found = Place(tmp_path_factory.mktemp("commands") / "place")
    found.make_central(free_port())
    with found.central_served():
        found.enrol()
        yield found


def opened(place: Place) -> Store:
    (key,) = slots.unlock_with_passphrase(slotfile.load(place.node), PASSPHRASE).keys
    return Store(Layout(place.node), key, clock=lambda: datetime.now(UTC), random=os.urandom, halt=halt)


def act(place: Place, paper: bytes = b"%PDF-1.7 specimen") -> str:
    """A case with one paper; answers the digest of the sealed paper."""
    with opened(place).closing() as store:
        login = f"op{store.head().size}"
        supervisor = operators.sign_in(store, login="sana", password=PASSPHRASE, role=Role.SUPERVISOR, counter="1")
        new = NewOperator(login, "Omar", (Role.OPERATOR,), PASSPHRASE)
        operators.add_operator(store, supervisor, new, os.urandom)
        session = operators.sign_in(store, login=login, password=PASSPHRASE, role=Role.OPERATOR, counter="1")
        person = applications.add_person(store, session, Person("Gul Specimen"))
        submitted = applications.submit_application(store, session, service="domicile", applicant=person, fields={})
        return applications.add_paper(
            store, session, submitted.application, label="CNIC", media_type="application/pdf", content=paper
        )


def test_both_sides_show_the_same_fingerprints(place: Place) -> None:
    (node,) = place.answer("central", "nodes", home=place.central)["nodes"]
    said = "".join(place.said)
    assert node["fingerprint"] in said
    assert said.count(place.said[0].split("compare: ")[1].splitlines()[0]) >= 2


def test_what_was_done_is_countersigned_and_the_paper_is_at_central(place: Place) -> None:
    digest = act(place, b"%PDF-1.7 paper one")
    done = place.answer("sync", "now", home=place.node)
    assert done["complete"]
    assert done["size"] == done["cosigned_size"]
    assert place.run("central", "fetch", digest, home=place.central) == "%PDF-1.7 paper one"
    assert place.answer("sync", "status", home=place.node)["waiting"] == 0


def test_debians_age_opens_a_blob_with_the_nodes_key_and_with_no_other(place: Place) -> None:
    digest = act(place, b"%PDF-1.7 for age")
    with opened(place).closing() as store:
        identity = place.write_secret("identity", store.secret(AGE_IDENTITY).decode())
    blob = place.node / "blobs" / digest[:2] / digest
    opened_blob = subprocess.run(["age", "-d", "-i", identity, blob], capture_output=True, check=True)
    assert opened_blob.stdout == b"%PDF-1.7 for age"
    other = place.secrets / "other"
    subprocess.run(["age-keygen", "-o", other], check=True, capture_output=True)
    assert subprocess.run(["age", "-d", "-i", other, blob], capture_output=True, check=False).returncode != 0


def test_a_running_service_hands_the_key_to_other_commands_and_carries_new_entries(place: Place) -> None:
    nothing = place.write_secret("nothing", "not the passphrase at all")
    wrong = {"SANAD_PASSPHRASE_FILE": str(nothing)}
    place.run("sync", "status", home=place.node, code=1, environment=wrong)
    with place.node_served():
        assert stat.S_IMODE((place.node / "node.sock").stat().st_mode) == 0o600
        place.run("sync", "status", home=place.node, environment=wrong)
        place.run("operators", "list", home=place.node, environment=wrong)


def test_an_export_verifies_without_a_home_and_says_whether_its_signer_is_known(place: Place) -> None:
    act(place)
    place.run("sync", "now", home=place.node)
    export = place.folder / "export.txt"
    place.run("journal", "export", export, home=place.node)
    assert "Gul Specimen" not in export.read_text()
    unknown = place.answer("journal", "verify", export)
    assert unknown["consistent"]
    assert not unknown["signer_known"]
    assert "consistent, signer unknown" in place.run("journal", "verify", export).lower()
    assert place.answer("journal", "verify", export, "--trust", place.node / "trust")["signer_known"]
    assert place.answer("journal", "verify", export, "--trust", place.central / "trust")["signer_known"]
    damaged = export.read_bytes().replace(b"person.added", b"person.addee", 1)
    export.write_bytes(damaged)
    assert not place.answer("journal", "verify", export, code=1)["consistent"]


def test_a_home_is_known_by_the_same_trust_files_as_its_export(place: Place) -> None:
    place.run("sync", "now", home=place.node)
    assert "signed by this home's own key" in place.answer("journal", "verify", home=place.node)["sentence"]
    for trust in (place.node / "trust", place.central / "trust"):
        known = place.answer("journal", "verify", "--trust", trust, home=place.node)
        assert known["signer_known"], trust
        assert "countersigned by" in known["standing"]
    stranger = place.folder / "stranger"
    stranger.write_bytes(format_trust([Signer("stranger", bytes(32)).verifier]))
    found = place.answer("journal", "verify", "--trust", stranger, home=place.node)
    assert found["consistent"]
    assert not found["signer_known"]
    assert "signer unknown" in found["sentence"]


def test_an_export_replaces_no_file_of_the_home_and_no_stranger(place: Place) -> None:
    store = (place.node / "store.db").read_bytes()
    for file in (place.node / "store.db", place.node / "new", place.folder / "secrets" / "passphrase"):
        place.run("journal", "export", file, home=place.node, code=1)
    place.run("journal", "export", place.node / "store.db", "--force", home=place.node, code=1)
    assert (place.node / "store.db").read_bytes() == store
    refused = place.answer("journal", "export", "/nonexist/x", home=place.node, code=1)
    assert refused["sentence"].startswith("/nonexist/x cannot be written: ")


def test_an_export_goes_through_a_pipe_into_verify(place: Place) -> None:
    exported = place.run("journal", "export", "/dev/stdout", home=place.node)
    pipe = [sys.executable, "-m", "provisioning", "journal", "verify", "-"]
    found = subprocess.run(pipe, input=exported, env=place.environment(), text=True, capture_output=True, check=False)
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith("Consistent")


def test_a_proof_can_be_had_as_json(place: Place) -> None:
    found = place.answer("journal", "proof", "0", home=place.node)
    assert found["seq"] == 0
    assert found["proof"] == place.run("journal", "proof", "0", home=place.node)


def test_show_takes_dates_and_refuses_other_words(place: Place) -> None:
    assert place.run("journal", "show", "--until", "2020-01-01", home=place.node) == ""
    assert place.run("journal", "show", "--since", "2020-01-01T09:00Z", "--last", "0", home=place.node)
    assert place.answer("journal", "show", "--since", "yesterday", home=place.node, code=1)["sentence"]


def test_a_proof_of_one_entry_is_checked_by_sanad_and_by_a_program_that_knows_nothing_of_it(place: Place) -> None:
    proof = place.folder / "proof.txt"
    proof.write_text(place.run("journal", "proof", "0", home=place.node))
    assert place.answer("journal", "verify", proof, "--trust", place.node / "trust")["signer_known"]
    checker = Path(__file__).parents[3] / "docs" / "check_proof.py"
    found = subprocess.run(["python3", checker, proof], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    place.run("journal", "proof", "100000", home=place.node, code=1)


def test_show_says_who_did_what_to_what_and_when(place: Place) -> None:
    act(place)
    shown = place.run("journal", "show", "--last", "0", home=place.node)
    assert "opened the journal of PEW01" in shown
    assert "sana" in shown
    assert "took in the application PEW01-" in shown
    only = place.run("journal", "show", "--kind", "person", "--json", "--last", "1", home=place.node).splitlines()
    assert [json.loads(line)["kind"] for line in only] == ["person.added"]
    assert place.run("journal", "show", "--by", "nobody", home=place.node) == ""


def test_the_homes_journal_verifies_and_a_changed_store_does_not(place: Place, tmp_path: Path) -> None:
    assert place.answer("journal", "verify", home=place.node)["consistent"]
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-a", place.node, copy], check=True)
    data = bytearray((copy / "store.db").read_bytes())
    data[len(data) // 2] ^= 1
    (copy / "store.db").write_bytes(data)
    place.run("journal", "verify", home=copy, code=1)


def test_an_invite_is_good_for_one_node(place: Place) -> None:
    place.run("enrol", place.folder / "invite", "--supervisor", "sana", "--name", "S", home=place.folder / "b", code=1)


def test_central_away_is_said_in_words_and_loses_nothing(tmp_path: Path) -> None:
    place = Place(tmp_path / "place")
    place.make_central(free_port())
    with place.central_served():
        place.enrol()
    refused = place.answer("sync", "now", home=place.node, code=69)
    assert refused["sentence"]
    assert refused["next_step"]
    status = place.answer("sync", "status", home=place.node)
    assert status["waiting"] > 0
    assert status["trouble"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("journal", "verify", "no-such-file"), 2),
        (("journal", "verify", "."), 2),
        (("enrol", "not-an-invite", "--supervisor", "s", "--name", "n"), 1),
        (("central", "fetch", "abc"), 1),
        (("sync", "now", "--home", "nowhere"), 1),
        (("run", "--scan", "no-such-file"), 1),
        (("nonsense",), 2),
    ],
)
def test_a_wrong_command_is_answered_with_a_sentence_and_never_a_traceback(
    place: Place, words: tuple[str, ...], code: int
) -> None:
    before = len(place.said)
    place.run(*words, code=code)
    said = "".join(place.said[before:])
    assert "Traceback" not in said
    assert "fault in Sanad" not in said
    assert said.strip()

"""The public lists by the command line, at central and at a node."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.certificates.listsfile import read_lists
from appliance.journal.trust import parse_trust
from tests.support.commands import Place, free_port


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    found = Place(tmp_path_factory.mktemp("lists") / "place")
    found.make_central(free_port())
    with found.central_served():
        found.enrol()
        yield found


def centre_key(place: Place) -> dict[str, object]:
    answer = place.answer("central", "lists", home=place.central)
    (found,) = [each for each in answer["signers"] if each["kind"] == "centre"]
    return dict(found)


def test_both_homes_hold_the_lists_and_the_key_to_check_them_by(place: Place) -> None:
    for home in (place.central, place.node):
        keys = parse_trust((home / "trust").read_bytes())
        assert read_lists((home / "lists").read_bytes(), keys).trust.signers


def test_the_lists_are_written_to_a_file_that_stands_by_itself(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "trust-lists"
    answer = place.answer("central", "lists", file, home=place.central)
    assert file.read_bytes() == (place.central / "lists").read_bytes()
    assert read_lists(file.read_bytes(), None).number == answer["number"]
    # Newer ones may take their place; another file may not be lost to them.
    place.run("central", "lists", file, home=place.central)
    file.write_text("something else")
    place.run("central", "lists", file, home=place.central, code=1)


def test_a_node_says_how_old_its_lists_are(place: Place) -> None:
    status = place.answer("sync", "status", home=place.node)
    assert status["lists"]["trouble"] is None
    assert 0 <= status["lists"]["age_s"] < 3600
    assert "made today" in place.run("sync", "status", home=place.node)


def test_a_revoked_key_is_shown_at_central_and_reaches_the_node(place: Place) -> None:
    kid = str(centre_key(place)["kid"])
    place.run("central", "revoke-key", kid, "--reason", "a whim", home=place.central, code=1)
    place.run("central", "revoke-key", "0" * 16, "--reason", "lost", home=place.central, code=1)
    told = place.run("central", "revoke-key", kid, "--reason", "compromised", home=place.central)
    assert kid in told
    assert "stays good only" in told
    assert centre_key(place)["reason"] == "compromised"
    assert "REVOKED" in place.run("central", "lists", home=place.central)
    place.run("central", "revoke-key", kid, "--reason", "left", home=place.central, code=1)
    place.run("sync", "now", home=place.node)
    keys = parse_trust((place.node / "trust").read_bytes())
    signers = read_lists((place.node / "lists").read_bytes(), keys).trust.signers
    assert [each.reason for each in signers if each.kind == "centre"] == ["compromised"]


def test_lists_that_were_put_back_show_at_the_node(place: Place, tmp_path: Path) -> None:
    file = place.node / "lists"
    place.run("sync", "now", home=place.node)
    newest = file.read_bytes()
    older = newest.replace(b"number ", b"number 1", 1)
    file.write_bytes(older)
    assert "cannot be used" in place.answer("sync", "status", home=place.node)["lists"]["trouble"]
    file.unlink()
    assert "taken" in place.run("sync", "status", home=place.node)
    answer = json.loads(place.run("sync", "now", "--json", home=place.node))
    assert answer["lists_trouble"] is None
    assert file.read_bytes() == newest

"""Refusals cross the wire under their names, and nothing else of central's does."""

from __future__ import annotations

import msgspec
import pytest

from appliance.journal.entry import BadEntry
from appliance.journal.errors import BugError, IntegrityError, NetworkError, SanadError
from appliance.records.failures import StorageFull
from sync.frames import BadFrame
from sync.refusals import REFUSALS, CentralCannotStore, CentralFault, Refusal, from_wire, to_wire


def across(error: SanadError) -> SanadError | None:
    status, answer = to_wire(error)
    return from_wire(status, msgspec.json.encode(answer))


@pytest.mark.parametrize("kind", REFUSALS.values())
def test_a_refusal_arrives_as_the_same_error(kind: type[Refusal]) -> None:
    found = across(kind("What happened.", "What to do."))
    assert type(found) is kind
    assert found.sentence == "What happened."
    assert found.next_step == "What to do."


@pytest.mark.parametrize("error", [BadFrame("Bad frame."), BadEntry("Bad entry.")])
def test_bad_data_arrives_as_broken_integrity(error: SanadError) -> None:
    assert isinstance(across(error), IntegrityError)


def test_a_full_disk_at_central_arrives_as_try_later() -> None:
    assert isinstance(across(StorageFull()), CentralCannotStore)


def test_a_bug_at_central_is_not_described() -> None:
    found = across(BugError("secret detail"))
    assert isinstance(found, CentralFault)
    assert "secret" not in str(found)


def test_a_refusal_of_a_later_version_is_judged_by_its_status() -> None:
    body = b'{"error":"new","sentence":"S.","next_step":"N."}'
    assert isinstance(from_wire(503, body), NetworkError)
    assert isinstance(from_wire(422, body), IntegrityError)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error":1}', b"[" * 100_000, b'{"error":"\xff"}'])
def test_what_is_no_refusal_is_none(body: bytes) -> None:
    assert from_wire(502, body) is None


def test_a_sentence_cannot_play_with_the_terminal() -> None:
    found = from_wire(
        409, msgspec.json.encode({"error": "fork", "sentence": "a\x1b[31m" + "b" * 1000, "next_step": ""})
    )
    assert found is not None
    assert "\x1b" not in found.sentence
    assert len(found.sentence) <= 500

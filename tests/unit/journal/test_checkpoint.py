"""Checkpoints and cosignatures against those of running logs and witnesses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.journal import checkpoint, notes, tree
from appliance.journal.checkpoint import BadCheckpoint, Checkpoint
from appliance.journal.errors import BugError
from appliance.journal.notes import COSIGNATURE, Note, Signature, Signer, VerifierKey
from tests.unit.journal import build
from tests.vectors import VECTORS

PUBLISHED: list[dict[str, Any]] = json.loads((VECTORS / "notes.json").read_text(encoding="utf-8"))["checkpoints"]
SIGNER = build.journal_signer()
CENTRAL = build.cosigner()
ROOT = build.number("root")
HEAD = Checkpoint(SIGNER.name, 5, ROOT)
SIGNED = checkpoint.sign_checkpoint(HEAD, SIGNER)
COSIGNED = checkpoint.cosign(SIGNED, CENTRAL, build.AT_S)


def published_note(vector: dict[str, Any]) -> bytes:
    if "note_in" in vector:
        return (VECTORS / str(vector["note_in"])).read_bytes().partition(b"\n\n")[2]
    return str(vector["note"]).encode()


@pytest.mark.parametrize("vector", PUBLISHED, ids=lambda vector: vector["name"])
def test_published_checkpoints_and_cosignatures_verify(vector: dict[str, Any]) -> None:
    note = published_note(vector)
    found = checkpoint.parse_text(notes.parse_note(note).text)
    assert (found.origin, found.size) == (vector["origin"], vector["size"])
    assert checkpoint.encode_text(found) == notes.parse_note(note).text
    for text in vector["log_keys"]:
        assert checkpoint.open_checkpoint(note, VerifierKey.parse(text)) == found
    keys = [VerifierKey.parse(text) for text in vector["cosigners"]]
    assert {key.name: checkpoint.open_cosignature(note, key) for key in keys} == vector["times"]
    other = note.replace(str(found.size).encode(), str(found.size + 1).encode(), 1)
    for key in keys:
        with pytest.raises(BadCheckpoint, match="false"):
            checkpoint.open_cosignature(other, key)


def test_the_time_in_the_example_of_the_standard_is_where_we_look_for_it() -> None:
    vector = PUBLISHED[0]
    ((name, at_s),) = vector["unverified_times"].items()
    (found,) = (each for each in notes.parse_note(published_note(vector)).signatures if each.name == name)
    assert int.from_bytes(found.value[:8], "big") == at_s
    assert len(found.value) == 72


def test_what_is_signed_opens_and_names_its_journal() -> None:
    assert checkpoint.open_checkpoint(SIGNED, SIGNER.verifier) == HEAD
    assert checkpoint.open_checkpoint(COSIGNED, SIGNER.verifier) == HEAD
    assert checkpoint.open_cosignature(COSIGNED, CENTRAL.verifier) == build.AT_S
    assert COSIGNED.startswith(SIGNED)


def test_a_checkpoint_of_another_journal_or_key_is_refused() -> None:
    other = build.journal_signer("other")
    same_name = Signer(SIGNER.name, other.seed)
    for key in (other.verifier, same_name.verifier):
        with pytest.raises(BadCheckpoint):
            checkpoint.open_checkpoint(SIGNED, key)
    with pytest.raises(BugError):
        checkpoint.sign_checkpoint(HEAD, other)


def test_a_key_that_signed_a_checkpoint_of_another_origin_does_not_open_it() -> None:
    text = checkpoint.encode_text(Checkpoint("sanad/journal/other", 5, ROOT))
    with pytest.raises(BadCheckpoint, match="another journal"):
        checkpoint.open_checkpoint(text + b"\n" + SIGNER.sign(text), SIGNER.verifier)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"o\n1\n",
        b"o\n1\n" + notes.to_base64(ROOT).encode(),
        b"o\n1\n" + notes.to_base64(ROOT).encode() + b"\nextension\n",
        b"o\n1\n" + notes.to_base64(ROOT).encode() + b"\n\n",
        b"\n1\n" + notes.to_base64(ROOT).encode() + b"\n",
        b"two words\n1\n" + notes.to_base64(ROOT).encode() + b"\n",
        b"o\n01\n" + notes.to_base64(ROOT).encode() + b"\n",
        b"o\n+1\n" + notes.to_base64(ROOT).encode() + b"\n",
        b"o\n-1\n" + notes.to_base64(ROOT).encode() + b"\n",
        b"o\n1 \n" + notes.to_base64(ROOT).encode() + b"\n",
        b"o\n1_0\n" + notes.to_base64(ROOT).encode() + b"\n",
        "o\n١\n".encode() + notes.to_base64(ROOT).encode() + b"\n",
        b"o\n\n" + notes.to_base64(ROOT).encode() + b"\n",
        b"o\n9007199254740993\n" + notes.to_base64(ROOT).encode() + b"\n",
        b"o\n" + b"9" * 5000 + b"\n" + notes.to_base64(ROOT).encode() + b"\n",
        b"o\n0\n" + notes.to_base64(ROOT).encode() + b"\n",
        b"o\n1\n" + notes.to_base64(ROOT[:-1]).encode() + b"\n",
        b"o\n1\n" + notes.to_base64(ROOT).encode()[:-1] + b"\n",
        b"o\n1\n" + notes.to_base64(ROOT).encode() + b"=\n",
        b"o\r\n1\r\n" + notes.to_base64(ROOT).encode() + b"\r\n",
        b"cosignature/v1\ntime 1\no\n1\n" + notes.to_base64(ROOT).encode() + b"\n",
    ],
    ids=range(22),
)
def test_a_text_that_is_not_exactly_a_checkpoint_is_refused(text: bytes) -> None:
    with pytest.raises(BadCheckpoint):
        checkpoint.parse_text(text)
    with pytest.raises(BadCheckpoint):
        checkpoint.open_cosignature(text + b"\n" + SIGNER.line(bytes(64)), CENTRAL.verifier)


def test_only_a_checkpoint_that_can_be_read_is_signed() -> None:
    for wrong in [
        Checkpoint("", 1, ROOT),
        Checkpoint("a b", 1, ROOT),
        Checkpoint("o\n2", 1, ROOT),
        Checkpoint("o", -1, ROOT),
        Checkpoint("o", 2**53 + 1, ROOT),
        Checkpoint("o", 1, ROOT[1:]),
        Checkpoint("o", 0, ROOT),
    ]:
        with pytest.raises(BugError):
            checkpoint.encode_text(wrong)
    assert checkpoint.parse_text(checkpoint.encode_text(Checkpoint("o", 0, tree.EMPTY_ROOT))).size == 0


def test_a_cosigner_adds_itself_once() -> None:
    again = checkpoint.cosign(COSIGNED, CENTRAL, build.AT_S + 60)
    assert checkpoint.open_cosignature(again, CENTRAL.verifier) == build.AT_S + 60
    assert len(notes.parse_note(again).signatures) == 2
    second = build.cosigner("second")
    both = checkpoint.cosign(again, second, build.AT_S)
    assert [each.name for each in notes.parse_note(both).signatures] == [SIGNER.name, CENTRAL.name, second.name]
    assert checkpoint.is_cosigned(both, CENTRAL.verifier)
    assert not checkpoint.is_cosigned(again, second.verifier)


def test_of_two_cosignatures_by_one_key_the_later_counts_and_both_must_be_true() -> None:
    first, later = (notes.parse_note(checkpoint.cosign(SIGNED, CENTRAL, at_s)) for at_s in (100, 200))
    true = (later.signatures[1], first.signatures[1])
    assert checkpoint.open_cosignature(Note(first.text, true).encode(), CENTRAL.verifier) == 200
    false = Signature(true[0].name, true[0].key_id, true[0].value[:-1] + b"\0")
    for signatures in [(true[1], false), (false, true[1])]:
        with pytest.raises(BadCheckpoint, match="false"):
            checkpoint.open_cosignature(Note(first.text, signatures).encode(), CENTRAL.verifier)


def test_a_moved_time_makes_a_cosignature_false() -> None:
    note = notes.parse_note(COSIGNED)
    mine = note.signatures[1]
    for at_s in (build.AT_S + 1, 0, 2**63, 2**64 - 1):
        moved = Signature(mine.name, mine.key_id, at_s.to_bytes(8, "big") + mine.value[8:])
        with pytest.raises(BadCheckpoint, match="false"):
            checkpoint.open_cosignature(Note(note.text, (moved,)).encode(), CENTRAL.verifier)


@pytest.mark.parametrize("value", [b"\0", bytes(7), bytes(8), bytes(64), bytes(71), bytes(73)])
def test_a_cosignature_of_another_length_is_false(value: bytes) -> None:
    key = CENTRAL.verifier
    note = Note(notes.parse_note(SIGNED).text, (Signature(key.name, key.key_id, value),)).encode()
    with pytest.raises(BadCheckpoint, match="false"):
        checkpoint.open_cosignature(note, key)


def test_a_note_signature_is_no_cosignature_and_the_other_way_round() -> None:
    text = notes.parse_note(SIGNED).text
    as_note = Signer(CENTRAL.name, CENTRAL.seed)
    key = CENTRAL.verifier
    plain = Note(text, (Signature(key.name, key.key_id, as_note.raw(text)),)).encode()
    with pytest.raises(BadCheckpoint, match="false"):
        checkpoint.open_cosignature(plain, key)
    with pytest.raises(BadCheckpoint, match="not countersigned"):
        checkpoint.open_cosignature(SIGNED, Signer(SIGNER.name, SIGNER.seed, COSIGNATURE).verifier)
    with pytest.raises(BugError):
        checkpoint.open_cosignature(COSIGNED, SIGNER.verifier)
    with pytest.raises(BugError):
        checkpoint.open_checkpoint(COSIGNED, CENTRAL.verifier)
    with pytest.raises(BugError):
        checkpoint.cosign(SIGNED, SIGNER, build.AT_S)


@pytest.mark.parametrize("at_s", [-1, 2**63])
def test_a_time_out_of_bounds_is_not_signed(at_s: int) -> None:
    with pytest.raises(BugError):
        checkpoint.cosign(SIGNED, CENTRAL, at_s)


def test_only_checkpoints_are_cosigned() -> None:
    text = b"any other text\n"
    for wrong in (b"", b"no note", text + b"\n" + SIGNER.sign(text)):
        with pytest.raises(BadCheckpoint):
            checkpoint.cosign(wrong, CENTRAL, build.AT_S)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_changed_note_is_refused_or_says_the_same_under_the_same_signatures(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(COSIGNED)))
    cut = data.draw(st.integers(0, 2))
    changed = COSIGNED[:at] + data.draw(st.binary(max_size=2)) + COSIGNED[at + cut :]
    try:
        # Both signatures together pin every byte but the names and key ids of lines that nobody asked for.
        found = checkpoint.open_checkpoint(changed, SIGNER.verifier)
        at_s = checkpoint.open_cosignature(changed, CENTRAL.verifier)
    except BadCheckpoint:
        return
    assert changed == COSIGNED
    assert (found, at_s) == (HEAD, build.AT_S)

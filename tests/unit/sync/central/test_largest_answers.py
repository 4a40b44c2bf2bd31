"""The largest of each answer that central may give fits what a node reads of it, whatever came before."""

from __future__ import annotations

import hashlib

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from appliance.journal import kinds as k
from appliance.journal.entry import MAX_BODY
from appliance.journal.ids import BlobDigest
from sync import courierfile, refusals, wire
from sync.central.sessions import NodeSession
from sync.courierfile import LACKING_DIGESTS, MAX_RECORD, Lacking
from sync.frames import MAX_BLOB
from sync.session import MAX_WANTED, CentralState, Wanted
from sync.signatures import MAX_NONCE

HUGE = 1 << 53


def digest(number: int) -> BlobDigest:
    return BlobDigest(hashlib.sha256(number.to_bytes(8, "big")).hexdigest())


def answer(spoilt: int) -> wire.StateAnswer:
    session = NodeSession("s" * 64, 2)
    for number in range(spoilt):
        session.came_spoilt(digest(number))
    wanted = tuple(Wanted(digest(number), MAX_BLOB) for number in range(MAX_WANTED))
    state = CentralState(HUGE, HUGE, b"\xff" * wire.MAX_NOTE, wanted, HUGE)
    most = "c" * MAX_NONCE
    return wire.StateAnswer.of(state, most, version=2, session="s" * 64, spoilt=tuple(session.spoilt), spare=most)


@given(st.integers(0, 5000))
def test_a_state_fits_however_many_files_came_spoilt(spoilt: int) -> None:
    said = answer(spoilt)
    encoded = msgspec.json.encode(said)
    assert len(encoded) <= wire.MAX_ANSWER
    assert msgspec.json.decode(encoded, type=wire.StateAnswer) == said
    assert len(said.spoilt) == min(spoilt, wire.MAX_SPOILT)


@given(st.lists(st.integers(0, 400), max_size=2000))
def test_the_last_that_came_spoilt_are_named(came: list[int]) -> None:
    session = NodeSession("s", 2)
    for number in came:
        session.came_spoilt(digest(number))
    last = list(dict.fromkeys(reversed(came)))[: wire.MAX_SPOILT]
    assert list(session.spoilt) == [digest(number) for number in reversed(last)]


def test_a_refusal_of_any_length_is_cut_to_what_a_node_reads() -> None:
    _, said = refusals.to_wire(refusals.BadRequest("ü" * 100_000, "€" * 100_000))
    assert len(msgspec.json.encode(said)) < wire.MAX_ANSWER


def test_the_longest_lists_in_orders_and_entries_fit_their_bodies() -> None:
    digests = tuple(digest(number) for number in range(k.MAX_LACKING))
    made = "2026-11-22T09:00:00.000Z"
    backed_up = k.BlobsBackedUp(backup="b" * 100, made_at=made, size=HUGE - 1, lacking=digests)
    freed = k.BlobsFreed(backup="b" * 100, digests=digests[:200])
    assert max(len(k.encode_body(each)) for each in (backed_up, freed)) <= MAX_BODY


def test_the_largest_records_of_a_receipt_fit_one() -> None:
    lacking = Lacking.of([digest(number) for number in range(LACKING_DIGESTS)])
    lists = courierfile.Lists(bytes(courierfile.LISTS_PIECE))
    for record in (lacking, lists):
        assert len(msgspec.msgpack.encode(record)) <= MAX_RECORD

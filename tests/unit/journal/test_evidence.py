"""Entries against one checkpoint, and the order before which none of the later ones was there."""

from __future__ import annotations

from typing import Final

import pytest

from appliance.journal import evidence, ids
from appliance.journal.checkpoint import Checkpoint, sign_checkpoint
from appliance.journal.entry import Entry, make_entry
from appliance.journal.errors import BugError, IntegrityError
from appliance.journal.evidence import BadEvidence, Order
from appliance.journal.ids import JournalId, Kind
from appliance.journal.notes import Signer
from appliance.journal.tree import root_at
from tests.unit.journal import build

WHOLE: Final = build.journal(11)
CENTRAL: Final = build.cosigner()
KEYS: Final = (WHOLE.key, CENTRAL.verifier)
NOTE: Final = WHOLE.cosigned(CENTRAL, size=9)
ORDERS_JOURNAL: Final = ids.orders_of(WHOLE.id)
ORDERS_KEY: Final = Signer(ids.origin(ORDERS_JOURNAL), build.number("orders key"))


def order_at(journal: JournalId, seq: int) -> Entry:
    return make_entry(
        journal=journal,
        seq=seq,
        at=f"2026-02-01T10:00:{seq:02}.000Z",
        by=ids.CENTRAL,
        kind=Kind("numbers.leased"),
        about=ids.NOBODY,
        body=b"{}",
        salt=bytes(16),
    )


ORDERS: Final = build.journal_of([order_at(ORDERS_JOURNAL, seq) for seq in range(7)], ORDERS_KEY)


def order_of(size_then: int, *, last: int | None = None) -> Order:
    entry = ORDERS.entries[size_then - 1 if last is None else last]
    return evidence.prove_order(entry, size_then, ORDERS.head(), ORDERS_KEY.verifier, ORDERS.read)


def root_of(size: int) -> bytes:
    return root_at(size, ORDERS.read)


@pytest.mark.parametrize("seq", range(9))
def test_an_entry_is_proved_and_read(seq: int) -> None:
    witness = evidence.open_witness(NOTE, KEYS)
    (proved,) = evidence.prove([WHOLE.entries[seq]], 9, WHOLE.read)
    entry = proved.entry
    read = evidence.read_proved(entry.header_bytes, entry.salt, entry.body, proved.path, witness)
    assert read == proved
    assert evidence.read_proved(entry.header_bytes, None, None, proved.path, witness).entry.body is None


def test_a_path_leads_from_its_own_entry_only() -> None:
    witness = evidence.open_witness(NOTE, KEYS)
    first, second = evidence.prove(WHOLE.entries[2:4], 9, WHOLE.read)
    larger = evidence.prove(WHOLE.entries[2:3], 11, WHOLE.read)[0]
    for path in (second.path, larger.path, first.path[:-1], (*first.path, bytes(32)), ()):
        with pytest.raises(IntegrityError):
            evidence.read_proved(first.entry.header_bytes, None, None, path, witness)


def test_an_entry_of_another_journal_is_refused() -> None:
    other = build.journal(9, "other")
    witness = evidence.open_witness(NOTE, KEYS)
    (proved,) = evidence.prove(other.entries[:1], 9, other.read)
    with pytest.raises(BadEvidence, match="another journal"):
        evidence.read_proved(proved.entry.header_bytes, None, None, proved.path, witness)


def test_an_entry_behind_the_checkpoint_is_not_proved() -> None:
    with pytest.raises(BugError):
        evidence.prove(WHOLE.entries[9:10], 9, WHOLE.read)


def test_a_witness_says_who_signed_and_when() -> None:
    witness = evidence.open_witness(NOTE, KEYS)
    assert (witness.journal, witness.checkpoint.size, witness.key) == (WHOLE.id, 9, WHOLE.key)
    assert [(each.key, each.at_s) for each in witness.cosigned] == [(CENTRAL.verifier, build.AT_S)]
    assert evidence.open_witness(WHOLE.head(), KEYS[:1]).cosigned == ()


def test_the_keys_are_exactly_those_that_signed() -> None:
    other = build.cosigner("other")
    twice = WHOLE.cosigned(CENTRAL, other, size=9)
    orders = Signer(ids.origin(ORDERS_JOURNAL), WHOLE.signer.seed)
    of_orders = sign_checkpoint(Checkpoint(orders.name, 1, bytes(32)), orders)
    for note, keys in (
        (NOTE, KEYS[:1]),
        (NOTE, (*KEYS, other.verifier)),
        (NOTE, KEYS[::-1]),
        (NOTE, (WHOLE.key, other.verifier)),
        (NOTE, ()),
        (NOTE, (WHOLE.key, CENTRAL.verifier, CENTRAL.verifier)),
        (twice, KEYS),
        (of_orders, (orders.verifier,)),
    ):
        with pytest.raises(IntegrityError):
            evidence.open_witness(note, keys)
    assert evidence.keys_note(twice, KEYS) == NOTE
    with pytest.raises(BugError):
        evidence.keys_note(NOTE, (other.verifier,))


@pytest.mark.parametrize("size_then", range(1, 8))
def test_the_last_order_that_a_node_had_taken_says_when(size_then: int) -> None:
    at = evidence.order_time(order_of(size_then), size_then, root_of(size_then), WHOLE.id)
    assert at == f"2026-02-01T10:00:{size_then - 1:02}.000Z"


def test_another_order_says_nothing() -> None:
    good = order_of(4)
    later, earlier = order_of(5), order_of(4, last=2)
    for order, size, root in (
        (good, 5, root_of(5)),
        (good, 4, root_of(5)),
        (later, 4, root_of(4)),
        (earlier, 4, root_of(4)),
        (Order(later.header, good.note, good.key, good.path, good.path_then), 4, root_of(4)),
        (Order(good.header, good.note, good.key, later.path, good.path_then), 4, root_of(4)),
    ):
        with pytest.raises(IntegrityError):
            evidence.order_time(order, size, root, WHOLE.id)
    with pytest.raises(BadEvidence, match="for the node"):
        evidence.order_time(good, 4, root_of(4), build.journal(1, "other").id)


def test_an_order_that_another_key_signed_says_nothing() -> None:
    good = order_of(4)
    stranger = Signer(ORDERS_KEY.name, build.number("stranger"))
    note = sign_checkpoint(Checkpoint(stranger.name, 7, root_of(7)), stranger)
    with pytest.raises(IntegrityError):
        evidence.order_time(Order(good.header, note, good.key, good.path, good.path_then), 4, root_of(4), WHOLE.id)

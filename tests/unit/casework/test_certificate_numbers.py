"""Certificate numbers: each once, whatever blocks central leases and however they lie over each other."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from appliance.casework.certificate_numbers import (
    NoNumbers,
    certificate_number,
    is_certificate_number,
    next_certificate_number,
    numbers_left,
)
from appliance.casework.tracking import is_tracking_number
from appliance.journal import kinds as k
from appliance.journal.ids import journal_id
from appliance.records import tables as t
from appliance.records.database import Database, Tx

JOURNAL = journal_id(bytes(32))
BLOCKS = st.lists(
    st.tuples(st.sampled_from(["PEW01-", "PEW02-"]), st.integers(0, 30), st.integers(0, 6)), min_size=1, max_size=5
).map(lambda drawn: [(prefix, first, first + more) for prefix, first, more in drawn])
ADD_BLOCK = sa.insert(t.number_blocks).prefix_with("OR IGNORE")
ADD_TALLY = sa.insert(t.tallies)
CLEAR = sa.delete(t.tallies)


def leased(blocks: Sequence[tuple[str, int, int]]) -> Tx:
    tx = Database.in_memory((t.FOLDED,))
    for order, (prefix, first, last) in enumerate(blocks):
        tx.run(ADD_BLOCK, {"journal": JOURNAL, "prefix": prefix, "first": first, "last": last, "leased": order})
    return tx


def give(tx: Tx, written: int) -> None:
    tx.run(CLEAR)
    tx.run(ADD_TALLY, {"journal": JOURNAL, "kind": k.ApplicationIssued.KIND, "period": "", "written": written})


def all_numbers(tx: Tx) -> list[str]:
    found: list[str] = []
    while True:
        give(tx, len(found))
        try:
            found.append(next_certificate_number(tx, JOURNAL))
        except NoNumbers:
            return found


@given(BLOCKS)
def test_every_leased_number_is_given_out_once(blocks: list[tuple[str, int, int]]) -> None:
    # A block under the same first number is the same block: the first lease of it counts.
    kept = {(prefix, first): last for prefix, first, last in reversed(blocks)}
    leases = {(prefix, n) for (prefix, first), last in kept.items() for n in range(first, last + 1)}
    given_out = all_numbers(leased(blocks))
    assert len(given_out) == len(set(given_out))
    assert set(given_out) == {certificate_number(prefix, n) for prefix, n in leases}


@given(BLOCKS, st.tuples(st.just("PEW01-"), st.integers(0, 30), st.integers(30, 40)))
def test_a_block_that_comes_later_moves_no_number(
    blocks: list[tuple[str, int, int]], more: tuple[str, int, int]
) -> None:
    before = all_numbers(leased(blocks))
    assert all_numbers(leased([*blocks, more]))[: len(before)] == before


def test_what_is_left_counts_down_and_ends_with_what_to_do() -> None:
    tx = leased([("PEW01-", 1, 3)])
    assert numbers_left(tx, JOURNAL) == 3
    give(tx, 3)
    assert numbers_left(tx, JOURNAL) == 0
    with pytest.raises(NoNumbers) as caught:
        next_certificate_number(tx, JOURNAL)
    assert "sync" in caught.value.next_step


@given(st.integers(0, 10**7), st.data())
def test_a_mistyped_certificate_number_is_noticed(number: int, data: st.DataObject) -> None:
    text = certificate_number("PEW01-", number)
    assert is_certificate_number(text)
    assert not is_tracking_number(text)
    places = [place for place, char in enumerate(text) if char != "-"]
    place = data.draw(st.sampled_from(places))
    wrong = data.draw(st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ").filter(lambda char: char != text[place]))
    assert not is_certificate_number(text[:place] + wrong + text[place + 1 :])

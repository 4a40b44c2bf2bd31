"""Checking a stored journal: whatever is changed, the first bad entry is named."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.journal import ids
from appliance.journal.entry import Entry, make_entry
from appliance.journal.erasure import Owed
from appliance.journal.errors import BugError, IntegrityError
from appliance.journal.notes import Signer
from appliance.journal.verify import PROGRESS_EVERY, Row, Verdict, verify_entries
from tests.unit.journal import build
from tests.unit.journal.build import Journal

CENTRAL = build.cosigner()
SIZE = 13


def check(whole: Journal, rows: Iterable[Row] | None = None, **changed: Any) -> Verdict:
    arguments: dict[str, Any] = {
        "key": whole.key,
        "head": whole.head(),
        "cosigned": whole.cosigned(CENTRAL, size=min(8, len(whole.rows))),
        "cosigners": [CENTRAL.verifier],
        **changed,
    }
    return verify_entries(whole.rows if rows is None else rows, **arguments)


@pytest.mark.parametrize("size", [0, 1, 2, 7, 8, 9, 33])
def test_a_good_journal_is_consistent(size: int) -> None:
    whole = build.journal(size)
    found = check(whole, cosigned=whole.cosigned(CENTRAL))
    assert (found.consistent, found.bad_seq, found.size) == (True, None, size)
    assert check(whole, cosigned=None).consistent


WHOLE = build.journal(SIZE)


@pytest.mark.parametrize("seq", range(SIZE))
def test_a_dropped_entry_is_found_where_it_was(seq: int) -> None:
    found = check(WHOLE, WHOLE.rows[:seq] + WHOLE.rows[seq + 1 :])
    assert (found.consistent, found.bad_seq) == (False, seq)


@pytest.mark.parametrize(("one", "two"), [(0, 1), (3, 9), (11, 12), (0, 12)])
def test_swapped_entries_are_found_at_the_first(one: int, two: int) -> None:
    rows = list(WHOLE.rows)
    rows[one], rows[two] = rows[two], rows[one]
    assert check(WHOLE, rows).bad_seq == one


@pytest.mark.parametrize("seq", [0, 5, 12])
def test_a_doubled_entry_is_found_at_its_second_place(seq: int) -> None:
    found = check(WHOLE, [*WHOLE.rows[: seq + 1], *WHOLE.rows[seq:]])
    assert (found.consistent, found.bad_seq) == (False, seq + 1)


def test_rows_beyond_and_short_of_the_checkpoint_are_found() -> None:
    longer = build.journal(SIZE + 2)
    found = check(longer, head=longer.head(SIZE))
    assert (found.bad_seq, found.sentence) == (
        SIZE,
        f"Entry {SIZE} and those after it are not covered by the checkpoint.",
    )
    found = check(longer, longer.rows[:SIZE])
    assert (found.bad_seq, "missing" in found.sentence) == (SIZE, True)


def test_a_store_rolled_back_behind_what_was_countersigned_is_found() -> None:
    longer = build.journal(SIZE + 2)
    found = check(longer, longer.rows[:SIZE], head=longer.head(SIZE), cosigned=longer.cosigned(CENTRAL))
    assert (found.consistent, found.bad_seq) == (False, SIZE)
    assert "rolled back" in found.sentence


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_flipped_bit_of_any_column_is_found_in_its_entry(data: st.DataObject) -> None:
    seq = data.draw(st.integers(0, SIZE - 1))
    column = data.draw(st.integers(0, 3))
    rows: list[Any] = list(WHOLE.rows)
    spoilt = bytearray(rows[seq][column])
    at = data.draw(st.integers(0, len(spoilt) - 1))
    spoilt[at] ^= 1 << data.draw(st.integers(0, 7))
    rows[seq] = (*rows[seq][:column], bytes(spoilt), *rows[seq][column + 1 :])
    found = check(WHOLE, rows)
    assert (found.consistent, found.bad_seq, found.size) == (False, seq, seq)


@pytest.mark.parametrize("column", [1, 2, 3])
def test_an_emptied_or_lengthened_column_is_found(column: int) -> None:
    for value in (b"", WHOLE.rows[4][column] + b"\0" if WHOLE.rows[4][column] is not None else b"", bytes(64)):  # type: ignore[operator]
        rows: list[Any] = list(WHOLE.rows)
        rows[4] = (*rows[4][:column], value, *rows[4][column + 1 :])
        assert check(WHOLE, rows).bad_seq == 4


def altered(whole: Journal, seq: int) -> Entry:
    """The entry with another body: good in itself, and not what was signed."""
    was = whole.entries[seq]
    return build.entry_at(whole.id, seq, was.header.kind, was.header.about, {"fee_paisa": 1})


@pytest.mark.parametrize("seq", range(SIZE))
def test_an_entry_written_anew_is_found_by_the_stored_nodes(seq: int) -> None:
    entry = altered(WHOLE, seq)
    rows = list(WHOLE.rows)
    rows[seq] = (entry.header_bytes, entry.salt, entry.body, rows[seq][3])
    found = check(WHOLE, rows)
    assert (found.consistent, found.bad_seq) == (False, seq)


@pytest.mark.parametrize(("seq", "between"), [(0, "0 to 7"), (7, "0 to 7"), (8, "8 to 12"), (12, "8 to 12")])
def test_a_journal_rewritten_whole_is_found_between_two_checkpoints(seq: int, between: str) -> None:
    entries = [*WHOLE.entries[:seq], altered(WHOLE, seq), *WHOLE.entries[seq + 1 :]]
    rewritten = build.journal_of(entries, WHOLE.signer)
    found = check(WHOLE, rewritten.rows)
    assert (found.consistent, found.bad_seq) == (False, None)
    assert f"entries {between} was changed" in found.sentence


def test_a_journal_rewritten_and_signed_anew_is_found_by_what_was_countersigned() -> None:
    rewritten = build.journal_of([*WHOLE.entries[:3], altered(WHOLE, 3), *WHOLE.entries[4:]], WHOLE.signer)
    found = check(WHOLE, rewritten.rows, head=rewritten.head())
    assert not found.consistent
    assert "0 to 7" in found.sentence


def test_an_entry_of_another_journal_is_found() -> None:
    other = build.journal(SIZE, "other")
    found = check(WHOLE, [*WHOLE.rows[:6], other.rows[6], *WHOLE.rows[7:]])
    assert (found.bad_seq, "another journal" in found.sentence) == (6, True)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda note: note.replace(b"\n13\n", b"\n12\n"),
        lambda note: note[:-10] + b"AAAAAAAA=\n",
        lambda note: b"",
        lambda note: note[:-1],
        lambda note: WHOLE.cosigned(CENTRAL).partition(b"\n\n")[0] + b"\n\n" + CENTRAL.line(bytes(72)),
    ],
)
def test_a_head_that_the_journal_did_not_sign_is_found_after_the_entries(spoil: Callable[[bytes], bytes]) -> None:
    head = spoil(WHOLE.head())
    found = check(WHOLE, head=head)
    assert (found.consistent, found.bad_seq, found.size) == (False, None, SIZE)
    assert check(WHOLE, WHOLE.rows[:4] + WHOLE.rows[5:], head=head).bad_seq == 4


def test_a_countersigned_checkpoint_must_be_signed_by_a_known_cosigner_and_the_journal() -> None:
    assert not check(WHOLE, cosigners=[build.cosigner("other").verifier]).consistent
    assert not check(WHOLE, cosigners=[]).consistent
    assert not check(WHOLE, cosigned=WHOLE.head()).consistent
    other = build.journal(SIZE, "other")
    assert not check(WHOLE, cosigned=other.cosigned(CENTRAL)).consistent
    impostor = Signer(CENTRAL.name, CENTRAL.seed[::-1], CENTRAL.algorithm)
    assert not check(WHOLE, cosigned=WHOLE.cosigned(impostor)).consistent


def test_an_erased_body_needs_a_later_erasing_entry_about_its_subject() -> None:
    whole = build.erased(WHOLE, 4)
    assert check(whole).consistent
    rows = list(whole.rows)
    rows[6] = (rows[6][0], None, None, rows[6][3])
    found = check(whole, rows)
    assert (found.consistent, found.bad_seq) == (False, 6)


def test_an_erasing_entry_does_not_excuse_what_comes_after_it_nor_itself() -> None:
    whole = build.erased(WHOLE, 4)
    again = build.entry_at(whole.id, SIZE + 1, about=whole.entries[4].header.about)
    later = build.journal_of([*whole.entries, Entry(again.header, again.header_bytes, None, None)], whole.signer)
    assert check(later).bad_seq == SIZE + 1
    rows = list(whole.rows)
    rows[SIZE] = (rows[SIZE][0], None, None, rows[SIZE][3])
    assert check(whole, rows).bad_seq == SIZE


def test_a_body_about_nobody_cannot_be_missing() -> None:
    whole = build.erased(build.journal(3, make=lambda journal, seq: build.entry_at(journal, seq, about=ids.NOBODY)), 1)
    assert check(whole, cosigned=None).bad_seq == 0


def test_owed_bodies_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.journal.erasure.MAX_OWED", 2)
    owed = Owed()
    bare = [Entry(each.header, each.header_bytes, None, None) for each in WHOLE.entries]
    owed.take(bare[5])
    owed.take(bare[6])
    assert owed.first == 5
    with pytest.raises(IntegrityError):
        owed.take(bare[7])


def test_progress_is_told_now_and_then_and_at_the_end() -> None:
    told: list[int] = []
    whole = build.journal(2 * PROGRESS_EVERY + 5)
    assert check(whole, progress=told.append).consistent
    assert told == [PROGRESS_EVERY, 2 * PROGRESS_EVERY, 2 * PROGRESS_EVERY + 5]


def test_a_key_that_is_not_named_after_its_journal_is_our_mistake() -> None:
    for signer in (Signer("somebody", WHOLE.signer.seed), Signer(WHOLE.signer.name, build.number("another"))):
        with pytest.raises(BugError):
            check(WHOLE, key=signer.verifier)


def test_rows_that_can_no_longer_be_read_are_reported_where_they_end() -> None:
    def broken() -> Iterator[Row]:
        yield from WHOLE.rows[:5]
        raise IntegrityError("A page of the store is broken.")

    found = check(WHOLE, broken())
    assert (found.consistent, found.bad_seq, "page" in found.sentence) == (False, 5, True)


def test_rows_may_come_from_a_generator_and_are_read_once() -> None:
    assert check(WHOLE, (row for row in WHOLE.rows)).consistent


def test_an_old_row_put_back_after_an_erasure_still_verifies_but_only_with_its_own_body() -> None:
    whole = build.erased(WHOLE, 4)
    rows = list(whole.rows)
    rows[4] = WHOLE.rows[4]
    assert check(whole, rows).consistent
    rows[4] = (WHOLE.rows[4][0], *WHOLE.rows[5][1:3], WHOLE.rows[4][3])
    assert check(whole, rows).bad_seq == 4


@pytest.mark.parametrize("seed", range(20))
def test_random_damage_is_always_found(seed: int) -> None:
    chance = random.Random(seed)
    rows: list[Any] = list(WHOLE.rows)
    for _ in range(chance.randint(1, 4)):
        seq = chance.randrange(len(rows))
        act = chance.choice(["drop", "copy", "swap", "graft"])
        other = chance.randrange(len(rows))
        if act == "drop":
            del rows[seq]
        elif act == "copy":
            rows.insert(other, rows[seq])
        elif act == "swap":
            rows[seq], rows[other] = rows[other], rows[seq]
        else:
            column = chance.randrange(4)
            rows[seq] = (*rows[seq][:column], rows[other][column], *rows[seq][column + 1 :])
    assert check(WHOLE, rows).consistent == (rows == WHOLE.rows)


def test_every_entry_made_here_is_one_that_anybody_could_make() -> None:
    one = WHOLE.entries[5]
    assert one.body is not None
    assert one.salt is not None
    again = make_entry(
        journal=one.header.journal, seq=one.header.seq, at=one.header.at, by=one.header.by, kind=one.header.kind,
        about=one.header.about, body=one.body, salt=one.salt, blobs=one.header.blobs,
    )  # fmt: skip
    assert again == one

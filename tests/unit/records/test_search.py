"""The index of words: behind by so much and no more, one for many journals, and the same after folding again."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from appliance.journal import kinds as k
from appliance.journal.entry import Entry, make_entry
from appliance.journal.ids import EntityId, JournalId, Kind, entity_id, journal_id
from appliance.journal.tree import EMPTY
from appliance.records import folding, search
from appliance.records import tables as t
from appliance.records.database import Database, Tx
from appliance.records.log import Log
from appliance.records.words import asked

ONE, OTHER = journal_id(bytes(32)), journal_id(bytes(31) + b"1")


def entry(journal: JournalId, seq: int, body: k.Body, about: str | None = None) -> Entry:
    return make_entry(
        journal=journal,
        seq=seq,
        at="2026-11-22T09:00:00.000Z",
        by="node",
        kind=Kind(body.KIND),
        about=EntityId(about or subject(seq)),
        body=k.encode_body(body),
        salt=bytes(16),
    )


def subject(seq: int) -> EntityId:
    return entity_id(seq.to_bytes(16, "big"))


def people(journal: JournalId, *names: str) -> list[Entry]:
    return [entry(journal, seq, k.PersonAdded(name=name)) for seq, name in enumerate(names)]


def logged(*journals: Sequence[Entry]) -> Tx:
    tx = Database.in_memory((t.LOG, t.FOLDED))
    for entries in journals:
        log = Log(tx, entries[0].header.journal)
        log.set_head(log.append(entries, EMPTY), b"a note")
    return tx


def follow(tx: Tx, journal: JournalId, *steps: int) -> None:
    """Fold and stamp as commits do, up to each of these sizes."""
    start = 0
    for stop in steps:
        folding.fold_range(tx, tx, journal, start, stop)
        folding.stamp(tx, journal, stop)
        start = stop


def found(tx: Tx, journal: JournalId, text: str, limit: int = 100) -> list[int]:
    return [each.seq for each in search.find(tx, journal, asked(text), limit=limit)]


def indexed(tx: Tx) -> int:
    (count,) = tx._connection.execute("SELECT count(*) FROM folded_words WHERE folded_words MATCH 'gul'").fetchone()
    return int(count)


def test_words_go_into_the_index_so_many_entries_at_once_and_are_found_before() -> None:
    many = search.INDEXED_EVERY
    tx = logged(people(ONE, *["Gul"] * (many + 3)))
    follow(tx, ONE, *range(1, many))
    assert indexed(tx) == 0
    assert found(tx, ONE, "gul") == list(range(many - 1))[::-1]
    folding.fold_range(tx, tx, ONE, many - 1, many)
    folding.stamp(tx, ONE, many)
    assert indexed(tx) == many
    folding.fold_range(tx, tx, ONE, many, many + 3)
    folding.stamp(tx, ONE, many + 3)
    assert indexed(tx) == many
    assert found(tx, ONE, "gul") == list(range(many + 3))[::-1]
    assert found(tx, ONE, "gul", 5) == list(range(many - 2, many + 3))[::-1]
    search.check(tx)


def test_journals_beside_each_other_are_searched_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "INDEXED_EVERY", 2)
    tx = logged(people(ONE, "Gul Khan", "Zarmina", "Gul Bibi"), people(OTHER, "Gul Jan", "Gul Shah", "Palwasha"))
    follow(tx, ONE, 1, 2, 3)
    follow(tx, OTHER, 1, 2, 3)
    for _ in range(2):
        assert found(tx, ONE, "gul") == [2, 0]
        assert found(tx, OTHER, "gul") == [1, 0]
        assert found(tx, OTHER, "zarmina") == []
        search.check(tx)
        folding.refold(tx, tx, [OTHER, ONE])


def test_an_erasing_in_one_journal_leaves_the_same_subject_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Identifiers are random, but a journal may name any."""
    monkeypatch.setattr(search, "INDEXED_EVERY", 1)
    erasing = entry(ONE, 1, k.SubjectErased(reason="x"), subject(0))
    tx = logged([*people(ONE, "Gul Khan"), erasing], people(OTHER, "Gul Khan"))
    follow(tx, ONE, 1, 2)
    follow(tx, OTHER, 1)
    assert found(tx, ONE, "gul") == []
    assert found(tx, OTHER, "gul") == [0]
    search.check(tx)


def test_folding_again_makes_the_same_index_whatever_came_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "INDEXED_EVERY", 3)
    entries = people(ONE, "Gul Khan", "Zarmina", "Gul Bibi", "Palwasha")
    entries.append(entry(ONE, 4, k.PersonCorrected(changes={"name": "Gulab"}, reason="x"), subject(1)))
    entries.append(entry(ONE, 5, k.SubjectErased(reason="x"), subject(0)))
    entries.append(entry(ONE, 6, k.PersonAdded(name="Gul Again"), subject(3)))
    tx = logged(entries)
    follow(tx, ONE, *range(1, len(entries) + 1))
    before = [found(tx, ONE, text) for text in ("gul", "gulab", "zarmina", "palwasha", "again")]
    assert before == [[6, 2, 1], [1], [], [3], [6]], "who is written down twice, which no verb does, is found twice"
    folding.refold(tx, tx, [ONE])
    assert [found(tx, ONE, text) for text in ("gul", "gulab", "zarmina", "palwasha", "again")] == before
    search.check(tx)


def test_every_word_of_a_query_is_bounded_and_an_empty_one_finds_nothing() -> None:
    tx = logged(people(ONE, "Gul"))
    follow(tx, ONE, 1)
    assert found(tx, ONE, "") == []
    assert found(tx, ONE, "gul", 0) == []
    assert found(tx, ONE, "gul " * 500) == [0]
    assert found(tx, ONE, "x" * 5000) == []
    assert found(tx, JournalId("a" * 26), "gul") == []

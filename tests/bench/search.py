"""Figures of search: over many people, in their encrypted tables, as the counter asks; and what it costs a commit."""

from __future__ import annotations

import os
import random
import statistics
from typing import Final

from appliance.access.session import Role
from appliance.casework.search import search, search_forgiving
from appliance.journal import kinds as k
from appliance.journal.ids import EntityId
from appliance.records.words import words
from appliance.store.commit import Draft
from tests.bench.figures import Figure, timed_ms
from tests.bench.store import fill
from tests.support.nodes import Node

DOCUMENTS: Final = int(os.environ.get("SANAD_BENCH_DOCUMENTS", "100000"))
QUERIES: Final = 400
FORGIVING: Final = 60
COMMITS: Final = 512
_SYLLABLES: Final = ("za", "mi", "na", "gu", "la", "ra", "sha", "bi", "wa", "kha", "no", "fa", "ri", "hu", "sse", "di")
_COMMON: Final = ("Muhammad", "Khan", "Gul", "Bibi", "Ahmad", "Shah", "Fatima", "Ali", "Zarmina", "Hussain")
_NATIVE: Final = ("محمد", "خان", "گل", "بی بی", "احمد", "شاہ", "فاطمہ", "علی", "زرمینہ", "حسین")


class Names:
    """Names as a centre has them: some are everywhere, most are rare. The same ones for the same seed."""

    def __init__(self, seed: int = 7) -> None:
        self._drawn = random.Random(seed)
        drawn = self._drawn
        rare = {"".join(drawn.choices(_SYLLABLES, k=drawn.randint(2, 4))).title() for _ in range(8000)}
        self._all = [*_COMMON, *sorted(rare)]

    def name(self) -> str:
        """One name; the first of a hundred that are drawn are in half of all people."""
        return self._all[min(int(self._drawn.paretovariate(0.6)) - 1, len(self._all) - 1)]

    def native(self) -> str:
        """One name in Urdu."""
        return self._drawn.choice(_NATIVE)

    def person(self) -> k.PersonAdded:
        """A person with everything that is searched."""
        drawn = self._drawn
        number = f"{drawn.randint(10000, 69999)}-{drawn.randint(0, 9_999_999):07d}-{drawn.randint(0, 9)}"
        return k.PersonAdded(
            name=f"{self.name()} {self.name()}",
            name_native=f"{self.native()} {self.native()}",
            born=f"{drawn.randint(1940, 2020)}-{drawn.randint(1, 12):02d}-{drawn.randint(1, 28):02d}",
            identity_kind="cnic",
            identity_number=number,
            father_name=f"{self.name()} {self.name()}",
            father_name_native=f"{self.native()} {self.native()}",
            phone=f"0300{drawn.randint(0, 9_999_999):07d}",
        )

    def query(self) -> str:
        """What somebody types: one to three beginnings of words, long and short, or of a number."""
        drawn = self._drawn
        turn = drawn.random()
        if turn < 0.2:
            return str(drawn.randint(10000, 69999)) + (f"-{drawn.randint(0, 9_999_999):07d}" if turn < 0.1 else "")
        if turn < 0.3:
            return f"{drawn.randint(1, 28):02d}-{drawn.randint(1, 12):02d}-{drawn.randint(1940, 2020)}"
        if turn < 0.4:
            return f"{self.native()} {self.native()[:2]}"
        return " ".join(self.name()[: drawn.randint(1, 9)] for _ in range(drawn.randint(1, 3)))


def quickly(node: Node) -> list[Figure]:
    """The 95th of a hundred searches, while the newest people are not in the index yet."""
    names = Names()
    fill(node, DOCUMENTS, lambda seq: names.person())
    size = _size_mb(node)
    asked = [names.query() for _ in range(QUERIES)]
    ours = _percentiles([timed_ms(lambda text=text: search(node.store, text)) for text in asked])  # type: ignore[misc]
    hits = statistics.mean(len(search(node.store, text)) for text in asked)
    misspelled = [_misspelled(f"{names.name()} {names.name()}") for _ in range(FORGIVING)]
    slower = _percentiles(
        [timed_ms(lambda text=text: search_forgiving(node.store, text)) for text in misspelled]  # type: ignore[misc]
    )
    conditions = f"{DOCUMENTS:,} people, 50 newest hits wanted; the whole store {size:.0f} MB"
    return [
        Figure(
            "search, newest first, p95",
            ours[1],
            "ms",
            None,
            None,
            None,
            "≤ 10 ms at a million",
            ours[1] <= 10,
            f"{conditions}; {QUERIES} queries, {hits:.0f} hits each on average, median {ours[0]:.2f} ms",
        ),
        Figure(
            "search that forgives misspelling, p95",
            slower[1],
            "ms",
            None,
            None,
            None,
            None,
            None,
            f"{conditions}; {FORGIVING} names of two words, one letter wrong in each, median {slower[0]:.1f} ms",
        ),
    ]


def what_a_commit_pays(node: Node) -> list[Figure]:
    """A commit of a person with everything that is searched; the words of 64 go into the index with one of them."""
    names = Names(8)
    session = node.session("omar", Role.OPERATOR)

    def act() -> float:
        draft = Draft(names.person(), EntityId(node.store.new_id()))
        return timed_ms(lambda: node.store.commit(session, lambda _: [draft]))

    times = [act() for _ in range(COMMITS)]
    median, p95 = _percentiles(times)
    slowest = sorted(times)[-COMMITS // 64 :]
    return [
        Figure(
            "one act that is searched: a person with names, parents, number and telephone",
            median,
            "ms",
            None,
            None,
            None,
            None,
            None,
            f"median of {COMMITS}; p95 {p95:.2f} ms; the slowest 1 of 64, in which words are indexed, "
            f"{statistics.median(slowest):.1f} ms; mean {statistics.mean(times):.2f} ms",
        )
    ]


def _misspelled(name: str) -> str:
    """One letter of each word left out, where it has more than three."""
    return " ".join(word[:2] + word[3:] if len(word) > 3 else word for word in words(name))


def _percentiles(times: list[float]) -> tuple[float, float]:
    ordered = sorted(times)
    return statistics.median(ordered), ordered[int(len(ordered) * 0.95)]


def _size_mb(node: Node) -> float:
    node.store._database.checkpoint()
    return node.store.layout.database.stat().st_size / 1e6

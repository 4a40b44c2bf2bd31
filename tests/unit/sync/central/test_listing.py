"""Which nodes a page shows, in what order, and what a query may say."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.journal.ids import JournalId
from sync.central.fleet import FleetView, NodeView
from sync.central.pages.listing import PAGE_NODES, SHOWN, SORTS, Asked, listing, read_asked
from sync.central.sightings import Sighting
from sync.central.troubles import Trouble

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def node(place: int, *troubles: str, lag: int = 0) -> NodeView:
    found = tuple(Trouble(code, "Sentence.", "Step.") for code in troubles)
    sighting = Sighting(seen_at="2026-11-22T12:00:00.000Z", offered=place + lag)
    return NodeView(
        JournalId(f"{place:026d}"), f"C{place:04d}", f"Centre {place}", "", place, place, sighting, None, found
    )


def view(*nodes: NodeView) -> FleetView:
    return FleetView(NOW, nodes, (), (), 1)


def test_the_gravest_trouble_comes_first_and_the_rest_by_centre() -> None:
    found = listing(view(node(0), node(1, "clock"), node(2, "quarantined"), node(3, "long_silent")), Asked())
    assert [each.centre for each in found.nodes] == ["C0002", "C0003", "C0001", "C0000"]


def test_a_page_holds_a_hundred_and_the_last_page_is_shown_for_any_after_it() -> None:
    whole = view(*map(node, range(250)))
    assert len(listing(whole, Asked(sort="centre")).nodes) == PAGE_NODES
    last = listing(whole, Asked(sort="centre", page=99))
    assert (last.asked.page, last.pages, last.first, len(last.nodes)) == (3, 3, 201, 50)
    assert listing(view(), Asked(page=7)).pages == 1


def test_a_search_finds_centres_by_code_and_name_and_journal() -> None:
    whole = view(*map(node, range(20)))
    assert [each.centre for each in listing(whole, Asked(search="centre 7")).nodes] == ["C0007"]
    assert [each.centre for each in listing(whole, Asked(search="c0013")).nodes] == ["C0013"]
    assert listing(whole, Asked(search="<script>")).found == 0


def test_only_what_is_asked_for_is_shown() -> None:
    whole = view(node(0), node(1, "clock"), node(2, "quarantined"), node(3, lag=4), node(4, "silent"))
    shown = {name: [each.centre for each in listing(whole, Asked(show=name, sort="centre")).nodes] for name in SHOWN}
    assert shown["trouble"] == ["C0001", "C0002", "C0004"]
    assert shown["alarm"] == ["C0002"]
    assert shown["silent"] == ["C0004"]
    assert shown["waiting"] == ["C0003"]


@pytest.mark.parametrize("sort", SORTS)
def test_every_column_sorts(sort: str) -> None:
    whole = view(*(node(place, lag=place % 3) for place in range(9)))
    assert len(listing(whole, Asked(sort=sort)).nodes) == 9


@given(st.dictionaries(st.sampled_from(["show", "sort", "search", "page", "other"]), st.text(max_size=120)))
def test_any_query_asks_for_something(query: dict[str, str]) -> None:
    asked = read_asked(query)
    assert asked.show in SHOWN
    assert asked.sort in SORTS
    assert asked.page >= 1
    again = {name: values[0] for name, values in parse_qs(asked.query(page=asked.page)).items()}
    assert read_asked(again) == asked

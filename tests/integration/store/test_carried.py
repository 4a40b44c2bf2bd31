"""One line says whether all is well with carrying the journal, and if not, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance.records.moment import at_text
from appliance.store import carried
from appliance.store.carried import Carried, Hindrance, Stuck
from appliance.store.carrying import carrying, is_carried
from appliance.store.quarantine import Held
from appliance.store.store import Store
from tests.support.nodes import SteadyClock, new_node


@pytest.fixture
def clock() -> SteadyClock:
    return SteadyClock()


@pytest.fixture
def idle(tmp_path: Path, clock: SteadyClock) -> Store:
    """The store of a node that nothing carries for."""
    return new_node(tmp_path / "home", clock).store


@pytest.fixture
def store(idle: Store) -> Iterator[Store]:
    """The store of a node whose service runs."""
    with carrying(idle.layout.home):
        yield idle


def words(store: Store) -> str:
    return carried.carried(store).words(store.clock())


def standing(*, waiting: int = 0, **changes: Any) -> Carried:
    """A node of 1,234 entries, or as many as wait."""
    size = max(1234, waiting)
    nothing: dict[str, Any] = {"enrolled": True, "trouble": "", "hindrance": None, "last_complete_contact": None}
    nothing |= {"paused_at": None, "skew_s": None, "sent_today": 0, "stuck": ()}
    return Carried(size=size, cosigned_size=size - waiting, **nothing | changes)


def is_well(store: Store) -> bool:
    return carried.carried(store).well(store.clock())


def heard_now(store: Store, hindrance: Hindrance | None = None) -> None:
    store.remember(
        **{carried.LAST_AT: store.now(), **carried.hindered(hindrance, "What somebody said." if hindrance else "")}
    )


def test_a_node_that_is_not_enrolled_says_how_to_enrol(store: Store) -> None:
    found = carried.carried(store, enrolled=False)
    assert found.words(store.clock()) == "Not enrolled yet: run `sanad enrol INVITE` with the line that central gave."
    assert not found.well(store.clock())


def test_what_waits_is_said_and_after_a_day_without_central_what_to_do(store: Store, clock: SteadyClock) -> None:
    heard_now(store)
    assert words(store) == "All is well: 1 of 1 entries are on their way to central."
    assert is_well(store)
    clock.advance(timedelta(hours=25))
    assert words(store) == "Central not heard for 25 hours, 1 waits: check the link or use a stick."
    assert not is_well(store)
    store.remember(**carried.hindered(Hindrance.LINK, "The link to central broke."))
    assert words(store) == "Central not heard for 25 hours, 1 waits: check the link or use a stick."


def test_a_central_that_was_never_heard_is_said(store: Store) -> None:
    assert words(store) == "Central was never heard, 1 waits: check the link or use a stick."


def test_when_all_is_there_it_says_so_and_when_central_was_heard(clock: SteadyClock) -> None:
    heard = at_text(clock())
    assert standing(last_complete_contact=heard).words(clock()) == (
        "All is well: all 1,234 entries are at central, heard just now."
    )
    clock.advance(timedelta(minutes=5))
    assert standing(last_complete_contact=heard).words(clock()).endswith("heard 5 minutes ago.")
    clock.advance(timedelta(days=6))
    assert standing(last_complete_contact=heard).words(clock()).endswith("heard 6 days ago.")
    assert standing(last_complete_contact=heard).well(clock())


def test_silence_counts_also_where_nothing_waits(clock: SteadyClock) -> None:
    heard = at_text(clock())
    clock.advance(timedelta(days=90))
    line = "Central not heard for 90 days, nothing waits: check the link or use a stick."
    assert standing(last_complete_contact=heard).words(clock()) == line
    stopped = standing(last_complete_contact=heard, carrying=False)
    assert stopped.words(clock()) == "Central not heard for 90 days, nothing waits: start `sanad node`."
    assert standing(last_complete_contact=heard, carrying=False, by_stick=True).words(clock()) == line


def test_what_waits_while_nothing_carries_is_said_at_once_with_what_to_start(idle: Store) -> None:
    heard_now(idle)
    line = "Nothing carries, 1 waits: start `sanad node`, or `sanad sync now`."
    assert words(idle) == line
    heard_now(idle, Hindrance.CENTRAL)
    assert words(idle) == line
    heard_now(idle, Hindrance.LINK)
    assert words(idle) == line
    with carrying(idle.layout.home):
        assert words(idle) == "No link, 1 entry waits: check cable and modem. It goes on by itself."
    assert words(idle) == line


@pytest.mark.parametrize("hindrance", [Hindrance.FILES, Hindrance.BOUND, Hindrance.HOURS])
def test_papers_that_wait_while_nothing_carries_are_said_too(hindrance: Hindrance) -> None:
    now = SteadyClock()()
    found = standing(hindrance=hindrance, last_complete_contact=at_text(now), carrying=False)
    assert found.words(now) == "Nothing carries, papers wait: start `sanad node`, or `sanad sync now`."


def test_nothing_goes_on_by_itself_where_nothing_carries() -> None:
    now = SteadyClock()()
    for each in every_standing(carrying=False):
        assert "by itself" not in each.words(now)


def test_a_centre_that_sticks_carry_for_waits_two_weeks_for_the_next(clock: SteadyClock) -> None:
    by_stick = standing(waiting=12, last_complete_contact=at_text(clock()), carrying=False, by_stick=True)
    clock.advance(timedelta(days=13))
    assert by_stick.words(clock()) == "All is well: 12 of 1,234 entries wait here for the next stick."
    clock.advance(timedelta(days=2))
    assert by_stick.words(clock()) == "Central not heard for 15 days, 12 wait: check the link or use a stick."


def test_a_clock_that_was_set_back_hides_no_silence(clock: SteadyClock) -> None:
    heard = at_text(clock())
    clock.advance(-timedelta(days=2000))
    for waiting in (0, 12):
        found = standing(waiting=waiting, last_complete_contact=heard)
        assert found.words(clock()) == "This box's clock is 2000 days behind its last contact: set it, then sync."
        assert not found.well(clock())


def test_who_asks_whether_something_carries_keeps_nobody_from_carrying(tmp_path: Path) -> None:
    assert not is_carried(tmp_path)
    for _ in range(2):
        with carrying(tmp_path):
            assert is_carried(tmp_path)
            assert is_carried(tmp_path)
        assert not is_carried(tmp_path)


def test_a_pause_says_how_to_go_on(store: Store) -> None:
    carried.pause(store, paused=True)
    assert carried.is_paused(store)
    assert words(store) == "Paused since 2026-11-22 09:00, 1 entry waits: run `sanad sync resume`."
    assert not is_well(store)
    carried.pause(store, paused=False)
    assert "resume" not in words(store)


def test_what_is_stuck_is_counted_and_listed_with_a_reason_and_a_next_step(store: Store) -> None:
    items = (Stuck("Sealed file 12ab…", "It is damaged.", "Call central IT."), Stuck("Sealed file 34cd…", "x", "y"))
    heard_now(store)
    store.remember(**carried.hindered(None))
    carried.remember_stuck(store, items[:1])
    assert words(store) == "1 paper is missing or damaged on this box: call central IT."
    carried.remember_stuck(store, items)
    found = carried.carried(store)
    assert found.stuck == items
    assert words(store) == "2 papers are missing or damaged on this box: call central IT."
    assert found.details == ("Sealed file 12ab…: It is damaged. Call central IT.", "Sealed file 34cd…: x y")
    assert not is_well(store)
    assert found.values["stuck"] == [
        {"what": each.what, "reason": each.reason, "next_step": each.next_step, "digest": ""} for each in items
    ]


@pytest.mark.parametrize(("skew", "said"), [("300", "5 minutes ahead of"), ("-200000", "2 days behind")])
def test_a_clock_that_is_off_is_said(store: Store, skew: str, said: str) -> None:
    heard_now(store)
    store.remember(**{carried.SKEW: skew})
    assert words(store) == f"This box's clock is {said} central's: set it."
    assert not is_well(store)


def test_a_clock_that_is_off_by_a_minute_is_nobody_s_concern(store: Store) -> None:
    heard_now(store)
    store.remember(**{carried.SKEW: "60"})
    assert is_well(store)


@pytest.mark.parametrize(
    ("hindrance", "line"),
    [
        (Hindrance.LINK, "No link, 12 entries wait: check cable and modem. It goes on by itself."),
        (Hindrance.PORTAL, "Another machine answers for central: sign in to this network, or call IT."),
        (Hindrance.CLOCK, "This box's clock is wrong, so central is not believed: set the clock."),
        (Hindrance.ADDRESS, "Central answers under another address than this box knows: call central IT."),
        (Hindrance.PROXY, "A proxy slows sending, 12 entries wait: have it let streams pass."),
        (Hindrance.TUNNEL, "The proxy refuses this box, 12 entries wait: ask who runs the proxy."),
        (Hindrance.CENTRAL_DISK, "Central's disk is full or failing, 12 entries wait: tell central IT."),
        (Hindrance.CENTRAL_FULL, "Central's disk is nearly full, papers wait here: tell central IT."),
        (Hindrance.HOURS, "All is well: entries go now, papers wait for the hours that are set."),
        (Hindrance.CENTRAL, "Central is in trouble, 12 entries wait. It goes on by itself."),
        (Hindrance.STOPPED, "Central takes nothing from this box: call central IT. Work here can go on."),
        (Hindrance.COPY, "This box is a copy, or older than itself: stop work here, call central IT."),
        (Hindrance.UNKNOWN, "Central does not know this box: call central IT. Work here can go on."),
        (Hindrance.DISAGREE, "Central and this box disagree: call central IT. Work here can go on."),
        (Hindrance.DISK, "This box's disk is full or failing, 12 entries wait: tell IT now."),
        (Hindrance.STICK, "Not all of the last stick was taken: see `sanad sync status`."),
        (Hindrance.LACKING, "Central lacks papers of the last stick: sync, or export again."),
        (Hindrance.UNFINISHED, "The last sync was cut short, 12 entries wait: run `sanad sync now`."),
        (Hindrance.OTHER, "Sending met trouble, 12 entries wait: see `sanad sync status`."),
        (Hindrance.FILES, "All is well: every entry is at central, papers are on their way."),
        (Hindrance.BOUND, "All is well: today's megabytes are used up, papers go on tomorrow."),
    ],
    ids=lambda each: each.value if isinstance(each, Hindrance) else "",
)
def test_what_is_in_the_way_is_said_with_what_to_do(hindrance: Hindrance, line: str) -> None:
    now = SteadyClock()()
    found = standing(waiting=12, hindrance=hindrance, last_complete_contact=at_text(now))
    assert found.words(now) == line
    assert found.well(now) == line.startswith("All is well")


def test_a_disk_that_is_full_is_said_though_nothing_could_be_remembered() -> None:
    now = SteadyClock()()
    found = standing(waiting=12, last_complete_contact=at_text(now), disk_full=True)
    assert found.words(now) == "This box's disk is full or failing, 12 entries wait: tell IT now."


def test_that_small_requests_are_sent_is_said_as_long_as_streams_are_held_back() -> None:
    now = SteadyClock()()
    found = standing(last_complete_contact=at_text(now), held_back_at=at_text(now))
    assert found.words(now) == "A proxy slows sending, nothing waits: have it let streams pass."


def test_a_bound_that_is_spent_says_until_when_also_where_a_proxy_slows_sending() -> None:
    now = SteadyClock()()
    spent: dict[str, Any] = {
        "hindrance": Hindrance.BOUND,
        "files_until": "05:00",
        "last_complete_contact": at_text(now),
    }
    assert standing(**spent).words(now) == "All is well: today's megabytes are used up, papers go on at 05:00."
    found = standing(**spent, held_back_at=at_text(now))
    assert found.words(now) == "A proxy slows sending. Today's megabytes are used up, papers go on at 05:00."
    assert "let streams pass" in " ".join(found.details)
    hours = standing(**spent | {"hindrance": Hindrance.HOURS, "files_until": "21:00"})
    assert hours.words(now) == "All is well: entries go now, papers wait until 21:00."


def test_a_quarantine_by_order_is_said_before_all_else_but_that_this_box_is_the_copy() -> None:
    now = SteadyClock()()
    stopped = Held("2026-11-20T08:15:00.000Z", "person", "Its box was stolen.", "ayesha")
    line = "Central takes nothing from this box: call central IT. Work here can go on."
    for hindrance in set(Hindrance) - {Hindrance.COPY} | {None}:
        found = standing(waiting=12, hindrance=hindrance, trouble="The link broke.", quarantine=stopped)
        assert found.words(now) == line
        assert found.details[0] == (
            "In quarantine by central since 2026-11-20 08:15 (ayesha): somebody there stopped it. “Its box was stolen.”"
        )
    assert standing(hindrance=Hindrance.COPY, quarantine=stopped).words(now).startswith("This box is a copy")
    assert standing(paused_at=at_text(now), quarantine=stopped).words(now) == line


def every_standing(**fixed: Any) -> Iterator[Carried]:
    now = at_text(SteadyClock()())
    ways: tuple[dict[str, Any], ...] = (
        {},
        {"carrying": False},
        {"carrying": False, "by_stick": True},
        {"held_back_at": now, "files_until": "05:00"},
    )
    for waiting in (0, 1, 9_999_999):
        for hindrance in (None, *Hindrance):
            for heard in (now, None, "2020-01-01T00:00:00.000Z", "2199-01-01T00:00:00.000Z"):
                for way in ways:
                    yield standing(waiting=waiting, hindrance=hindrance, last_complete_contact=heard, **way | fixed)
        yield standing(waiting=waiting, paused_at=now, **fixed)
        yield standing(waiting=waiting, last_complete_contact=now, skew_s=-999_999_999, **fixed)
        for count in (1, 2, 100_000):
            items = (Stuck("Sealed file 12ab…", "It is damaged.", "Call central IT."),) * count
            yield standing(waiting=waiting, last_complete_contact=now, stuck=items, **fixed)
    yield standing(enrolled=False, **fixed)


def test_every_line_fits_into_a_terminal_says_a_sentence_and_says_well_only_where_it_is() -> None:
    now = SteadyClock()()
    for each in every_standing():
        line = each.words(now)
        assert len(line) <= carried.MAX_LINE, line
        assert line.endswith(".")
        assert "\n" not in line
        assert line.startswith("All is well") == each.well(now)


def test_every_line_for_a_hindrance_is_told_on_the_page_about_the_console() -> None:
    page = (Path(__file__).parents[3] / "docs" / "console.md").read_text()
    now = SteadyClock()()
    for each in Hindrance:
        assert standing(waiting=12, hindrance=each, last_complete_contact=at_text(now)).words(now) in page


def test_what_an_earlier_version_remembered_is_still_said(store: Store) -> None:
    store.remember(**{carried.LAST_AT: store.now(), carried.TROUBLE: "The link to central broke."})
    assert words(store) == "Sending met trouble, 1 entry waits: see `sanad sync status`."
    assert carried.carried(store).details == ("The link to central broke.",)
    store.remember(**{carried.HINDRANCE: "of a later version"})
    assert carried.carried(store).hindrance is Hindrance.OTHER


def test_programs_are_told_the_kind_and_the_words(store: Store) -> None:
    heard_now(store, Hindrance.PROXY)
    values = carried.carried(store).values
    assert (values["hindrance"], values["trouble"]) == ("proxy", "What somebody said.")


def test_what_is_remembered_in_another_form_is_as_nothing(store: Store) -> None:
    store.remember(**{carried.STUCK: "{", carried.SENT: "7"})
    found = carried.carried(store)
    assert (found.stuck, found.sent_today) == ((), 0)
    carried.remember_sent(store, store.now()[:10], 12)
    assert carried.carried(store).sent_today == 12

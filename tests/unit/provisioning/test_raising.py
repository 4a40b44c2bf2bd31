"""When the node's service raises, how long it waits, and what people are told."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.casework.raising import Mark
from appliance.journal.errors import DeviceError, SanadError
from provisioning.raising import FIRST_PAUSE_S, LAST_PAUSE_S, Raising, Standing, keep_raised

DONE = Raising(("PEW01-000001",))
AWAY = Raising((), "The link to central broke.")


def kept(*came: Raising | SanadError | None) -> tuple[list[float], list[Raising | SanadError]]:
    """What is waited for, and what is reported, where nothing is due (None), and runs come to these."""
    pauses: list[float] = []
    reports: list[Raising | SanadError] = []
    todo: Iterator[Raising | SanadError | None] = iter(came)
    now: list[Raising | SanadError | None] = []

    def ends_within(pause_s: float) -> bool:
        pauses.append(pause_s)
        now[:] = [each for _, each in zip(range(1), todo, strict=False)]
        return not now

    def run() -> Raising:
        (found,) = now
        if isinstance(found, SanadError):
            raise found
        assert found is not None
        return found

    keep_raised(lambda: now[0] is not None, run, ends_within, reports.append)
    return pauses, reports


def test_what_is_due_is_raised_and_what_is_not_asks_central_nothing() -> None:
    assert kept(None, None, DONE, None) == ([FIRST_PAUSE_S] * 5, [DONE])


def test_while_central_gives_no_timestamps_it_is_asked_ever_more_seldom() -> None:
    pauses, reports = kept(*[AWAY] * 20)
    assert pauses[:4] == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S, 8 * FIRST_PAUSE_S]
    assert pauses[-1] == LAST_PAUSE_S
    assert len(reports) == 20
    pauses, _ = kept(AWAY, AWAY, DONE, None)
    assert pauses[-2:] == [FIRST_PAUSE_S, FIRST_PAUSE_S]


def test_a_disk_in_trouble_ends_nothing_and_is_given_time() -> None:
    full = DeviceError("The disk is full.")
    pauses, reports = kept(full, DONE)
    assert pauses == [FIRST_PAUSE_S, LAST_PAUSE_S, FIRST_PAUSE_S]
    assert reports == [full, DONE]


def test_people_are_told_what_waits_what_cannot_be_and_nothing_when_all_is_well() -> None:
    mark = Mark("PEW01-000001", "Its file is missing.", "Call central IT.", "2026-11-22T09:00:00.000Z")
    assert Standing(0, (), "").words == ""
    said = Standing(3, (mark,), "The link to central broke.")
    assert said.words == (
        "PEW01-000001 gets no timestamp: Its file is missing. Call central IT.\n"
        "2 certificates wait for their timestamp. The link to central broke."
    )
    assert said.values == {
        "waiting": 3,
        "not_possible": [{"number": "PEW01-000001", "reason": "Its file is missing.", "next_step": "Call central IT."}],
        "trouble": "The link to central broke.",
    }

"""What counts as wrong with a node, from when on, and how it is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.records.moment import at_text
from sync.central.quarantine import Cause, Quarantine
from sync.central.sightings import Sighting
from sync.central.troubles import (
    GRAVITY,
    LIMITS,
    Gravity,
    Judge,
    amount,
    central_troubles,
    node_troubles,
    span,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
JUDGE = Judge.at(LIMITS, NOW)
WELL = Sighting(seen_at=at_text(NOW), offered=9, software="0.1.0", skew_s=1)


def ago(**length: float) -> str:
    return at_text(NOW - timedelta(**length))


def codes(sighting: Sighting, quarantine: Quarantine | None = None) -> list[str]:
    return [each.code for each in node_troubles(sighting, quarantine, None, JUDGE)]


def test_a_node_that_is_well_has_no_trouble() -> None:
    assert codes(WELL) == []
    assert codes(replace(WELL, seen_at=ago(hours=23), waiting_since=ago(hours=23), skew_s=-120)) == []


@pytest.mark.parametrize(
    ("sighting", "code", "words"),
    [
        (Sighting(), "never_heard", "not heard since"),
        (replace(WELL, seen_at=ago(hours=25)), "silent", "Silent for 25 hours."),
        (replace(WELL, seen_at=ago(hours=73)), "long_silent", "Silent for 3 days."),
        (replace(WELL, waiting_since=ago(hours=30)), "backlog", "waited for 30 hours"),
        (replace(WELL, skew_s=-121), "clock", "2 minutes behind"),
        (replace(WELL, skew_s=86400 * 3), "clock", "3 days ahead"),
        (replace(WELL, stuck=1), "stuck", "1 sealed file cannot"),
        (replace(WELL, spoilt=2), "spoilt", "2 sealed files came spoilt"),
        (replace(WELL, fold_error="IntegrityError"), "fold_stopped", "do not follow"),
        (
            replace(WELL, refused_code="bodies_owed", refused_sentence="Bodies are missing.", refused_at=at_text(NOW)),
            "refused",
            "22 Nov 2026 12:00 UTC: Bodies are missing.",
        ),
    ],
)
def test_each_trouble_is_said_in_words_with_a_next_step(sighting: Sighting, code: str, words: str) -> None:
    (found,) = node_troubles(sighting, None, None, JUDGE)
    assert found.code == code
    assert words in found.sentence
    assert found.next_step


@pytest.mark.parametrize("cause", list(Cause))
def test_a_node_in_quarantine_is_an_alarm_before_all_else(cause: Cause) -> None:
    found = node_troubles(replace(WELL, stuck=1), Quarantine(at_text(NOW), cause, "Why."), None, JUDGE)
    assert [each.code for each in found] == ["quarantined", "stuck"]
    assert found[0].gravity is Gravity.ALARM


def test_a_node_out_of_service_has_nothing_else_to_say() -> None:
    (found,) = node_troubles(Sighting(stuck=3), None, NOW, JUDGE)
    assert (found.code, found.gravity) == ("stopped", Gravity.NOTE)


@given(
    st.builds(
        Sighting,
        seen_at=st.sampled_from(["", at_text(NOW), ago(hours=25), ago(hours=100), ago(hours=-5)]),
        skew_s=st.none() | st.integers(-(10**9), 10**9),
        waiting_since=st.sampled_from(["", at_text(NOW), ago(hours=25), "0001-01-01T00:00:00.000Z"]),
        stuck=st.integers(0, 2),
        spoilt=st.integers(0, 2),
        refused_code=st.sampled_from(["", "fork", "frame", "fault"]),
        refused_at=st.just(at_text(NOW)),
        fold_error=st.sampled_from(["", "BugError"]),
    )
)
def test_the_quick_look_and_the_long_one_agree(sighting: Sighting) -> None:
    found = node_troubles(sighting, None, None, JUDGE)
    assert not (JUDGE.is_well(sighting) and found)
    assert [each.gravity for each in found] == sorted((each.gravity for each in found), reverse=True)
    assert {each.code for each in found} <= GRAVITY.keys()


def test_central_s_own_disk_is_watched() -> None:
    assert central_troubles(LIMITS.disk_free_bytes, LIMITS) == ()
    assert central_troubles(LIMITS.disk_free_bytes - 1, LIMITS)[0].code == "disk_low"
    assert central_troubles(1000, LIMITS)[0].code == "disk_full"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 seconds"),
        (1, "1 second"),
        (119, "119 seconds"),
        (120, "2 minutes"),
        (7200, "2 hours"),
        (172800, "2 days"),
    ],
)
def test_a_length_of_time_is_said_as_people_say_it(seconds: int, words: str) -> None:
    assert span(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 bytes"), (1023, "1,023 bytes"), (1536, "1.5 KiB"), (5 * 1024**4, "5.0 TiB")]
)
def test_bytes_are_said_as_people_say_them(size: int, words: str) -> None:
    assert amount(size) == words

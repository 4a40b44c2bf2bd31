"""Time as the journal writes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from appliance.records.moment import at_text, parse_at

MOMENTS = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001


def test_a_moment_of_any_zone_is_written_in_utc() -> None:
    karachi = timezone(timedelta(hours=5))
    assert at_text(datetime(2026, 11, 22, 3, 4, 5, 678_999, tzinfo=karachi)) == "2026-11-21T22:04:05.678Z"


@given(MOMENTS, MOMENTS)
def test_texts_sort_as_the_moments_do(one: datetime, other: datetime) -> None:
    if at_text(one) != at_text(other):
        assert (at_text(one) < at_text(other)) == (one < other)


@given(MOMENTS)
def test_a_text_reads_back_to_the_millisecond(moment: datetime) -> None:
    assert parse_at(at_text(moment)) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)

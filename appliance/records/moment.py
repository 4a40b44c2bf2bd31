"""Time as the journal writes it: RFC 3339, UTC, milliseconds. A clock is a claim, and is injected."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def at_text(moment: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SS.mmmZ` of an aware datetime; texts sort as the moments do."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def parse_at(text: str) -> datetime:
    """The moment of a text that an entry holds; its form was checked when the entry was read."""
    return datetime.fromisoformat(text)

"""How a verdict is put in words: days, moments, and why something ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from appliance.certificates.wording import say_date

_REASONS: Final = {
    "issued_in_error": "it was issued in error",
    "fraud": "it was obtained by fraud",
    "court_order": "a court ordered it",
    "holder_asked": "the holder asked for it",
    "no_longer_true": "what it says is no longer true",
    "other": "for another reason",
    "compromised": "somebody else may have it",
    "exposed": "somebody else may have it",
    "forgotten": "its PIN was forgotten",
    "left": "its holder left",
    "lost": "it was lost",
    "replaced": "a new one replaced it",
}
"""What the lists say by code, of certificates and of keys."""


def reason_of(code: str) -> str:
    """Why a certificate or a key ended; a code of a later central is shown as it is."""
    return _REASONS.get(code, code.replace("_", " "))


def day(at: datetime) -> str:
    """A day in words, UTC."""
    return say_date(at.astimezone(UTC).date().isoformat(), "en")


def moment(at: datetime) -> str:
    """A moment in words, UTC."""
    return f"{day(at)}, {at.astimezone(UTC):%H:%M:%S} UTC"


def iso(at: datetime | None) -> str | None:
    """A moment in ISO 8601, UTC, whole seconds."""
    return None if at is None else at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"

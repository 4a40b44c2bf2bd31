"""Amounts of money as people read them. They are kept in minor units (paisa) and never as fractions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

MINOR_IN_MAJOR: Final = 100
_SIGNS: Final[Mapping[str, str]] = {"PKR": "Rs ", "INR": "₹"}


def amount_text(minor: int, currency: str) -> str:
    """`Rs 1,250`, `₹30.50`, `-Rs 10`: paisa only where there are some."""
    major, rest = divmod(abs(minor), MINOR_IN_MAJOR)
    paisa = f".{rest:02d}" if rest else ""
    return f"{'-' if minor < 0 else ''}{_SIGNS.get(currency, currency + ' ')}{major:,}{paisa}"

"""How a model says that it never answers; apart from `emulation`, which only Debian's python3 can import."""

from __future__ import annotations


class NeverAnswers(Exception):
    """Raised by a model's `control`: the transfer stays under way until the program gives it up."""

"""How a model says that it never answers, or halts; apart from `emulation`, which only Debian's python3 imports."""

from __future__ import annotations


class NeverAnswers(Exception):
    """Raised by a model's `control`: the transfer stays under way until the program gives it up."""


class Halts(Exception):
    """Raised by a model's `read` or `write`: the endpoint fails all transfers until it is set going again."""

"""What a simulated device can be told to do, and the word that marks all it makes."""

from __future__ import annotations

from enum import Enum
from typing import Final

SIMULATED: Final = "SIMULATED"


class Fate(Enum):
    """What becomes of the calls to a simulated device."""

    WORKS = "works"
    FAILS = "fails"
    """Breaks in the middle: paper ends, a page jams, the pad is pulled out."""
    REFUSES = "refuses"
    """Does not start: the cover is open, the citizen cancels, there are no documents."""
    SILENT = "silent"
    """Takes everything and says nothing."""
    UNPLUGGED = "unplugged"

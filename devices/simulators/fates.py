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


class Fated:
    """A device that has a fate (`devices.contracts.Simulated`)."""

    fate: Fate

    @property
    def fates(self) -> tuple[str, ...]:
        """All that it can be told."""
        return tuple(each.value for each in Fate)

    @property
    def fate_word(self) -> str:
        """What it was told."""
        return self.fate.value

    def befall(self, fate: str) -> None:
        """Tell it.

        Raises:
            ValueError: it is none of `fates`.
        """
        self.fate = Fate(fate)

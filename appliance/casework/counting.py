"""Counting a drawer: by its notes and coins, or in one sum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.records.amounts import MINOR_IN_MAJOR, amount_text

# State Bank of Pakistan and Reserve Bank of India: what is legal tender, withdrawn notes that still are among it.
_FACES: Final[Mapping[k.Currency, tuple[int, ...]]] = {
    "PKR": (5000, 1000, 500, 100, 75, 50, 20, 10, 5, 2, 1),
    "INR": (2000, 500, 200, 100, 50, 20, 10, 5, 2, 1),
}
MAX_PIECES: Final = 100_000
"""Notes of one face value in one drawer."""
MAX_DRAWER_MINOR: Final = 10**12


@dataclass(frozen=True, slots=True)
class Counted:
    """What somebody counted in a drawer, in minor units; `notes` where they counted by notes and coins."""

    minor: int
    notes: tuple[k.NoteCount, ...] = ()


def faces(currency: k.Currency) -> tuple[int, ...]:
    """The face values of the notes and coins of a currency, in minor units, the largest first."""
    return tuple(face * MINOR_IN_MAJOR for face in _FACES[currency])


def by_notes(currency: k.Currency, pieces: Mapping[int, int]) -> Counted:
    """A count by notes and coins.

    Args:
        currency: of the drawer.
        pieces: from a face value in minor units to how many of it there are.

    Raises:
        OperatorError: there is no such note, or nobody has that many of them.
    """
    for face, count in pieces.items():
        if face not in faces(currency):
            raise OperatorError(
                f"There is no note or coin of {amount_text(face, currency)}.", "Count each note under its own value."
            )
        if not 0 <= count <= MAX_PIECES:
            raise OperatorError(f"A drawer holds 0 to {MAX_PIECES:,} notes of a kind.", "Type the number again.")
    notes = tuple(k.NoteCount(face, pieces[face]) for face in faces(currency) if pieces.get(face))
    return Counted(sum(each.face_minor * each.count for each in notes), notes)


def in_sum(minor: int) -> Counted:
    """A count of which only the sum was written down, in minor units."""
    return Counted(minor)


def check_counted(counted: Counted) -> None:
    """Refuse what no count comes to.

    Raises:
        OperatorError: it is negative or absurdly large, or its notes do not make its sum.
    """
    if not 0 <= counted.minor <= MAX_DRAWER_MINOR:
        raise OperatorError("No drawer holds that.", "Type the sum again.")
    if counted.notes and sum(each.face_minor * each.count for each in counted.notes) != counted.minor:
        raise OperatorError("The notes do not make the sum.", "Count them again.")

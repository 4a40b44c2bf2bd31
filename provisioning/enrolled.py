"""How far a node is with enrolling: not begun, interrupted, or done. Asked in one way everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from appliance.journal.errors import OperatorError
from appliance.store.layout import Layout
from appliance.store.store import Store

ENROLLED_AT: Final = "enrolled-at"


class NotEnrolledYet(OperatorError):
    """Enrolling was interrupted."""

    def __init__(self) -> None:
        super().__init__(
            "Enrolling this node was interrupted.", "Run `sanad enrol` again, with the same invite: it goes on."
        )


def is_begun(home: Path) -> bool:
    """Whether the node's home was made."""
    return Layout(home).database.is_file()


def is_enrolled(store: Store) -> bool:
    """Whether enrolling came to its end."""
    return store.local(ENROLLED_AT) is not None


def require_enrolled(store: Store) -> None:
    """Refuse what an enrolled node alone can do.

    Raises:
        NotEnrolledYet: enrolling was interrupted.
    """
    if not is_enrolled(store):
        raise NotEnrolledYet

"""A quarantine in words, for the operators of the box that is in it: the same from central, and from its orders."""

from __future__ import annotations

from typing import Final

NEXT_STEP: Final = (
    "Work can go on and stays on this box. Call central IT; unplug any other box that was made from a copy of this one."
)
_CAUSES: Final = {
    "fork": "its history contradicts what central holds of it.",
    "rollback": "it is an older copy of itself.",
    "person": "somebody there stopped it.",
}


def why_held(cause: str, reason: str) -> str:
    """Why central takes nothing from a node.

    Args:
        cause: `fork`, `rollback`, `person`; of any other the reason says it.
        reason: in words; shown where a person gave it.
    """
    why = _CAUSES.get(cause, "")
    shown = f"“{reason}”" if reason and (cause == "person" or not why) else ""
    return " ".join(filter(None, (why, shown)))

"""Reasons: what a person must say when they undo, refuse or erase something. They are kept in the journal."""

from __future__ import annotations

from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError


def check_reason(reason: str) -> None:
    """Refuse what is no reason.

    Raises:
        OperatorError: it is blank, too long, or cannot be typed.
    """
    if not reason.strip():
        raise OperatorError("This needs a reason.", "Say in a few words why.")
    if not k.is_remark(reason):
        raise OperatorError(
            f"A reason has at most {k.MAX_REMARK} characters that can be typed.", "Shorten it, or type it again."
        )

"""Operators and their sessions, in words."""

from __future__ import annotations

from typing import Final

from appliance.journal import kinds as k
from appliance.records.wording.base import Wording

WHAT: Final[Wording] = {
    k.OperatorAdded.KIND: lambda body: f"added the operator {body.login} ({body.name}) as {', '.join(body.roles)}",
    k.OperatorChanged.KIND: lambda body: (
        f"made the operator {', '.join(body.roles)}, {'active' if body.active else 'not active'}: {body.reason}"
    ),
    k.OperatorPasswordSet.KIND: lambda _: "set the password of the operator",
    k.OperatorUnlocked.KIND: lambda body: f"unlocked the operator: {body.reason}",
    k.SessionOpened.KIND: lambda body: f"signed in as {body.role} at counter {body.counter}",
    k.SessionRefused.KIND: lambda body: (
        f"refused a sign-in at counter {body.counter}: {body.reason}"
        + (f", locked until {body.locked_until}" if body.locked_until else "")
    ),
    k.SessionClosed.KIND: lambda body: f"signed out ({body.reason})",
}

"""Central's orders, and what became of them, in words."""

from __future__ import annotations

from typing import Final

from appliance.journal import kinds as k
from appliance.journal.ids import CENTRAL
from appliance.records.wording.base import Wording

SETTINGS: Final = 80
"""Characters of a setting's value that are shown."""
_DECIDED: Final = {"approve": "approve", "reject": "reject", "return": "send back"}


def decision(body: k.DecisionGiven) -> str:
    """What was decided, in words."""
    what = f"answers “{body.step}”: {body.outcome}" if body.decides == "answer" else f"{_DECIDED[body.decides]} it"
    who = f" ({body.decided_by})" if body.decided_by else ""
    said = ", ".join(filter(None, (body.reference, body.remark)))
    return f"{body.office}{who} decided on application {body.application[:8]}…: {what}" + (f" ({said})" if said else "")


def _because(reason: str) -> str:
    return f": “{reason}”" if reason else ""


def _who(by: str) -> str:
    return f" ({by})" if by and by != CENTRAL else ""


WHAT: Final[Wording] = {
    k.OrdersOpened.KIND: lambda body: f"opened the orders for {body.centre}",
    k.NumbersLeased.KIND: lambda body: f"leased the numbers {body.prefix}{body.first} to {body.prefix}{body.last}",
    k.ServicePublished.KIND: lambda body: f"published the service {body.service}, version {body.version}",
    k.ServiceWithdrawn.KIND: lambda body: f"withdrew the service {body.service} (version {body.version})",
    k.SettingOrdered.KIND: lambda body: f"ordered the setting {body.name} = {body.value[:SETTINGS]}",
    k.SettingReleased.KIND: lambda body: f"orders the setting {body.name} no more",
    k.NodeQuarantined.KIND: lambda body: (
        f"put this node into quarantine{_because(body.reason)}{_who(body.by)}; work on its own box goes on"
    ),
    k.NodeReleased.KIND: lambda body: f"let this node out of quarantine{_because(body.reason)}{_who(body.by)}",
    k.ListsPublished.KIND: lambda body: (
        f"published public lists (number {body.number}, {body.made_at[:10]}): more is revoked or replaced"
    ),
    k.OperatorNamed.KIND: lambda body: f"named the operator {body.login} ({body.name}) as {', '.join(body.roles)}",
    k.OperatorBlocked.KIND: lambda body: f"blocked the operator {body.operator[:8]}…: {body.reason}",
    k.OperatorUnblocked.KIND: lambda body: f"unblocked the operator {body.operator[:8]}…: {body.reason}",
    k.OperatorRolesOrdered.KIND: lambda body: (
        f"gave the operator {body.operator[:8]}… the roles {', '.join(body.roles)}: {body.reason}"
    ),
    k.DecisionGiven.KIND: decision,
    k.DecisionWithdrawn.KIND: lambda body: (
        f"took back a decision on application {body.application[:8]}…: {body.reason}"
    ),
    k.NumberDisputed.KIND: lambda body: f"number {body.number} stands on a paper of {body.other_centre}, too",
    k.ConflictClosed.KIND: lambda body: f"closed a case for people: {body.how}",
    k.ServiceUsed.KIND: lambda body: f"took the service {body.service} into use as it is now ({body.digest[:12]}…)",
    k.DecisionCarriedOut.KIND: lambda _: "carried out what central's order says",
    k.DecisionContested.KIND: lambda body: f"could not carry out central's decision: {body.reason}",
    k.ConflictSettled.KIND: lambda body: f"settled it: {body.how}",
}

"""What the node itself says, and erasing, in words."""

from __future__ import annotations

from typing import Final

from appliance.journal import kinds as k
from appliance.records.wording.base import Wording

WHAT: Final[Wording] = {
    k.JournalOpened.KIND: lambda body: f"opened the journal of {body.centre} ({body.centre_name})",
    k.NodeStarted.KIND: lambda body: f"started, Sanad {body.software}; {body.orphans_removed} orphaned files removed",
    k.OrdersApplied.KIND: lambda body: f"took up central's orders up to {body.size}",
    k.SubjectErased.KIND: lambda body: f"erased everything about it: {body.reason}",
}

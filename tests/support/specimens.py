"""A body of every kind, for tests: its free text is the mark that the test chooses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from appliance.journal import kinds as k
from appliance.journal.ids import entity_id

SOMEBODY: Final = entity_id(b"somebody else...")
HASH: Final = "ab" * 32
LATER: Final = "2026-11-22T21:00:00.000Z"

SPECIMENS: Final[dict[str, Callable[[str], k.Body]]] = {
    k.JournalOpened.KIND: lambda m: k.JournalOpened(
        centre=m, centre_name=m, node_key=HASH, age_recipient=m, software=m
    ),
    k.NodeStarted.KIND: lambda m: k.NodeStarted(software=m, orphans_removed=0),
    k.OrdersApplied.KIND: lambda _: k.OrdersApplied(size=1, root=HASH),
    k.OperatorAdded.KIND: lambda m: k.OperatorAdded(login=m, name=m, roles=("operator", "officer")),
    k.OperatorChanged.KIND: lambda m: k.OperatorChanged(roles=("auditor",), active=False, reason=m),
    k.OperatorPasswordSet.KIND: lambda m: k.OperatorPasswordSet(password_hash=m),
    k.OperatorUnlocked.KIND: lambda m: k.OperatorUnlocked(reason=m),
    k.SessionOpened.KIND: lambda m: k.SessionOpened(role="operator", counter=m, expires_at=LATER),
    k.SessionRefused.KIND: lambda m: k.SessionRefused(reason="password", counter=m, failed=3, locked_until=LATER),
    k.SessionClosed.KIND: lambda _: k.SessionClosed(reason="signed out"),
    k.PersonAdded.KIND: lambda m: k.PersonAdded(**dict.fromkeys(k.PersonAdded.__struct_fields__, m)),
    k.PersonCorrected.KIND: lambda m: k.PersonCorrected(
        changes=dict.fromkeys((*k.PersonAdded.__struct_fields__, m), m), reason=m
    ),
    k.PersonMerged.KIND: lambda m: k.PersonMerged(into=SOMEBODY, reason=m),
    k.PersonUnmerged.KIND: lambda m: k.PersonUnmerged(reason=m),
    k.PersonLinked.KIND: lambda m: k.PersonLinked(other=SOMEBODY, relation=m, authority=m, until=m),
    k.PersonUnlinked.KIND: lambda m: k.PersonUnlinked(other=SOMEBODY, relation="guardian", reason=m),
    k.PersonVerified.KIND: lambda m: k.PersonVerified(
        method="online", outcome="matched", adapter=m, reference=m, paper=m, remark=m
    ),
    k.ApplicationSubmitted.KIND: lambda m: k.ApplicationSubmitted(
        tracking=m, service=m, applicant=SOMEBODY, fields={m: m}, due=m
    ),
    k.PaperAdded.KIND: lambda m: k.PaperAdded(paper=SOMEBODY, label=m, media_type=m, size=1, sha256=HASH),
    k.ApplicationResubmitted.KIND: lambda m: k.ApplicationResubmitted(remark=m),
    k.ApplicationApproved.KIND: lambda m: k.ApplicationApproved(remark=m),
    k.ApplicationReturned.KIND: lambda m: k.ApplicationReturned(reason=m),
    k.ApplicationRejected.KIND: lambda m: k.ApplicationRejected(reason=m),
    k.SubjectErased.KIND: lambda m: k.SubjectErased(reason=m),
    k.OrdersOpened.KIND: lambda m: k.OrdersOpened(node=SOMEBODY, centre=m, central_name=m),
    k.NumbersLeased.KIND: lambda m: k.NumbersLeased(prefix=m, first=0, last=99),
}

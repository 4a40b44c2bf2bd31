"""Which role may write which kind of entry. Orders are written by central alone, so they are not here.

A kind that is not here is written by nobody. What a role may write about some only is held by `session.authorise`.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from appliance.journal import kinds as k


class Role(Enum):
    """What a person signs in as; `NODE` is the box itself."""

    OPERATOR = "operator"
    OFFICER = "officer"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    NODE = "node"


_PEOPLE: Final = frozenset({Role.OPERATOR, Role.OFFICER, Role.SUPERVISOR, Role.AUDITOR})

_NODE: Final = frozenset({Role.NODE})
_OPERATOR: Final = frozenset({Role.OPERATOR})
_OFFICER: Final = frozenset({Role.OFFICER})
_SUPERVISOR: Final = frozenset({Role.SUPERVISOR})

_ABOUT_NODE: Final = {
    k.JournalOpened.KIND: _NODE,
    k.NodeStarted.KIND: _NODE,
    k.OrdersApplied.KIND: _NODE,
    k.BlobsFreed.KIND: _NODE,
    k.SubjectErased.KIND: _SUPERVISOR,
}
_ABOUT_OPERATORS: Final = {
    # The node adds the first supervisor at enrolment, and nobody after that.
    k.OperatorAdded.KIND: _NODE | _SUPERVISOR,
    k.OperatorPasswordSet.KIND: _NODE | _PEOPLE,
    k.OperatorChanged.KIND: _SUPERVISOR,
    k.OperatorUnlocked.KIND: _SUPERVISOR,
    k.SessionOpened.KIND: _PEOPLE,
    k.SessionRefused.KIND: _NODE,
    k.SessionClosed.KIND: _PEOPLE,
}
_ABOUT_OFFICERS: Final = {
    k.OfficerKeyMade.KIND: _OFFICER,
    k.OfficerKeyPinRefused.KIND: _OFFICER,
    # An officer ends their own only; the verb asks it.
    k.OfficerKeyRevoked.KIND: _OFFICER | _SUPERVISOR,
    k.OfficerKeyUnlocked.KIND: _SUPERVISOR,
}
_ABOUT_PEOPLE: Final = {
    k.PersonAdded.KIND: _OPERATOR,
    k.PersonCorrected.KIND: _OPERATOR | _OFFICER,
    # Who is one with whom decides whose papers count for whom: not at the counter alone.
    k.PersonMerged.KIND: _OFFICER | _SUPERVISOR,
    k.PersonUnmerged.KIND: _OFFICER | _SUPERVISOR,
    k.PersonLinked.KIND: _OPERATOR | _OFFICER,
    k.PersonUnlinked.KIND: _OPERATOR | _OFFICER,
    k.PersonVerified.KIND: _OPERATOR | _OFFICER,
}
_COUNTER: Final = frozenset({Role.OPERATOR, Role.OFFICER})
BY_DECISION: Final = frozenset(
    each.KIND
    for each in (
        k.ApplicationAnswered,
        k.ApplicationReviewStarted,
        k.ApplicationApproved,
        k.ApplicationReturned,
        k.ApplicationRejected,
        k.DecisionCarriedOut,
        k.DecisionContested,
    )
)
"""What the node itself writes about an application only where central gave a decision on it that is open."""
_ABOUT_CASES: Final = {
    k.ApplicationDrafted.KIND: _OPERATOR,
    k.ApplicationSubmitted.KIND: _OPERATOR,
    k.ApplicationAmended.KIND: _OPERATOR,
    k.PaperAdded.KIND: _OPERATOR,
    k.ApplicationResubmitted.KIND: _OPERATOR,
    k.ApplicationAppealed.KIND: _OPERATOR,
    k.ApplicationWithdrawn.KIND: _OPERATOR,
    k.ApplicationDiscarded.KIND: _OPERATOR | _SUPERVISOR,
    k.ApplicationWaiting.KIND: _COUNTER,
    k.ApplicationAnswered.KIND: _COUNTER | _NODE,
    # Whose step it is stands in the catalogue; the verb asks it.
    k.ApplicationStepDone.KIND: _COUNTER,
    k.ApplicationReviewStarted.KIND: _OFFICER | _NODE,
    k.ApplicationApproved.KIND: _OFFICER | _NODE,
    k.ApplicationReturned.KIND: _OFFICER | _NODE,
    k.ApplicationRejected.KIND: _OFFICER | _NODE,
    k.ApplicationAppealDecided.KIND: _OFFICER,
    k.ApplicationIssued.KIND: _COUNTER,
    k.ApplicationDelivered.KIND: _OPERATOR,
}
_ABOUT_CERTIFICATES: Final = {
    k.CertificateCorrectionAsked.KIND: _COUNTER,
    # Who asked may take it back; the verb holds that an operator does no more than that.
    k.CertificateCorrectionRefused.KIND: _COUNTER | _SUPERVISOR,
    k.CertificateCorrected.KIND: _OFFICER,
    k.CertificateRevocationAsked.KIND: _COUNTER | _SUPERVISOR,
    k.CertificateRevocationRefused.KIND: _COUNTER | _SUPERVISOR,
    k.CertificateRevoked.KIND: _OFFICER | _SUPERVISOR,
    k.CertificateRaised.KIND: _NODE,
}
_ABOUT_ATTESTATIONS: Final = {
    k.AttestationMade.KIND: _OFFICER,
    k.AttestationWithdrawn.KIND: _OFFICER | _SUPERVISOR,
}
_AT_THE_DESK: Final = {
    k.ComplaintMade.KIND: _COUNTER | _SUPERVISOR,
    k.ComplaintAnswered.KIND: _OFFICER | _SUPERVISOR,
    k.SlipsReserved.KIND: _SUPERVISOR,
    k.SlipsUsed.KIND: _OPERATOR,
}
_ABOUT_MONEY: Final = {
    k.ShiftOpened.KIND: _OPERATOR,
    k.ShiftCounted.KIND: _OPERATOR,
    k.ShiftResumed.KIND: _OPERATOR,
    k.ShiftTakenOver.KIND: _OPERATOR,
    k.ShiftClosed.KIND: _OPERATOR | _SUPERVISOR,
    k.PaymentTaken.KIND: _OPERATOR,
    k.PaymentVoided.KIND: _SUPERVISOR,
    k.PaymentRefunded.KIND: _SUPERVISOR,
    k.ExemptionAsked.KIND: _OPERATOR,
    k.ExemptionApproved.KIND: _OFFICER | _SUPERVISOR,
    k.ExemptionRefused.KIND: _OFFICER | _SUPERVISOR,
}
_ABOUT_TOKENS: Final = {
    # The kiosk gives tokens as the node.
    k.TokenIssued.KIND: _NODE | _OPERATOR | _SUPERVISOR,
    k.TokenCalled.KIND: _OPERATOR,
    k.TokenSkipped.KIND: _OPERATOR,
    k.TokenNoShow.KIND: _OPERATOR,
    k.TokenServed.KIND: _OPERATOR,
}

# What the law bids a centre to keep: a subject about which one of these was written is not erased. An officer's key is
# named by what it signed. Of a certificate that ended the paper is still about, and nobody could say so any more.
KEPT_BY_LAW: Final = frozenset(
    {
        k.ShiftOpened.KIND,
        k.PaymentTaken.KIND,
        k.ExemptionAsked.KIND,
        k.TokenIssued.KIND,
        k.OfficerKeyMade.KIND,
        k.CertificateCorrected.KIND,
        k.CertificateRevoked.KIND,
    }
)
_AT_WORK: Final = _OPERATOR | _OFFICER | _SUPERVISOR
_ABOUT_PRINTING: Final = {
    k.PrintIntended.KIND: _AT_WORK,
    k.PrintConfirmed.KIND: _AT_WORK,
    k.PrintUnknown.KIND: _AT_WORK,
    k.PrintFailed.KIND: _AT_WORK,
    k.SignatureTaken.KIND: _OPERATOR,
}

_ABOUT_ORDERS: Final = {
    k.ServiceUsed.KIND: _OPERATOR,
    k.DecisionCarriedOut.KIND: _NODE,
    k.DecisionContested.KIND: _NODE,
    k.ConflictSettled.KIND: _OFFICER | _SUPERVISOR,
}

PERMITTED: Final[dict[str, frozenset[Role]]] = {
    **_ABOUT_NODE,
    **_ABOUT_OPERATORS,
    **_ABOUT_OFFICERS,
    **_ABOUT_PEOPLE,
    **_ABOUT_CASES,
    **_ABOUT_CERTIFICATES,
    **_ABOUT_ATTESTATIONS,
    **_AT_THE_DESK,
    **_ABOUT_MONEY,
    **_ABOUT_TOKENS,
    **_ABOUT_PRINTING,
    **_ABOUT_ORDERS,
}

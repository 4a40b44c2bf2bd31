"""A body of every kind, for tests: its free text is the mark that the test chooses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from appliance.journal import kinds as k
from appliance.journal.ids import entity_id
from appliance.records import tables as t

SOMEBODY: Final = entity_id(b"somebody else...")
HASH: Final = "ab" * 32
AT: Final = "2026-11-22T09:00:00.000Z"
DAY: Final = "2026-12-02"
NOTES: Final = (k.NoteCount(100_00, 5),)
LATER: Final = "2026-11-22T21:00:00.000Z"

# Tables into which only central's orders write.
BY_ORDERS_ALONE: Final = (
    t.services,
    t.ordered_settings,
    t.ordered_lists,
    t.quarantines,
    t.decisions,
    t.conflicts,
    t.backups,
)

SPECIMENS: Final[dict[str, Callable[[str], k.Body]]] = {
    k.JournalOpened.KIND: lambda m: k.JournalOpened(
        centre=m, centre_name=m, node_key=HASH, age_recipient=m, software=m
    ),
    k.NodeStarted.KIND: lambda m: k.NodeStarted(software=m, orphans_removed=0),
    k.BlobsFreed.KIND: lambda m: k.BlobsFreed(backup=m, digests=(HASH,)),
    k.BlobsBackedUp.KIND: lambda m: k.BlobsBackedUp(backup=m, made_at=AT, size=1, lacking=(HASH,)),
    k.NodeQuarantined.KIND: lambda m: k.NodeQuarantined(cause=m, reason=m, by=m),
    k.NodeReleased.KIND: lambda m: k.NodeReleased(reason=m, by=m),
    k.ListsPublished.KIND: lambda _: k.ListsPublished(number=1, made_at=AT, sha256=HASH),
    k.OrdersApplied.KIND: lambda _: k.OrdersApplied(size=1, root=HASH),
    k.OperatorAdded.KIND: lambda m: k.OperatorAdded(login=m, name=m, roles=("operator", "officer")),
    k.OperatorChanged.KIND: lambda m: k.OperatorChanged(roles=("auditor",), active=False, reason=m),
    k.OperatorPasswordSet.KIND: lambda m: k.OperatorPasswordSet(password_hash=m),
    k.OperatorUnlocked.KIND: lambda m: k.OperatorUnlocked(reason=m),
    k.SessionOpened.KIND: lambda m: k.SessionOpened(role="operator", counter=m, expires_at=LATER),
    k.SessionRefused.KIND: lambda m: k.SessionRefused(reason="password", counter=m, failed=3, locked_until=LATER),
    k.SessionClosed.KIND: lambda _: k.SessionClosed(reason="signed out"),
    k.OfficerKeyMade.KIND: lambda m: k.OfficerKeyMade(csr=m.encode(), storage="token", token=m),
    k.OfficerKeyPinRefused.KIND: lambda _: k.OfficerKeyPinRefused(failed=5, locked=True),
    k.OfficerKeyUnlocked.KIND: lambda m: k.OfficerKeyUnlocked(reason=m),
    k.OfficerKeyRevoked.KIND: lambda m: k.OfficerKeyRevoked(reason="lost", remark=m),
    k.OfficerKeyCertified.KIND: lambda m: k.OfficerKeyCertified(key=SOMEBODY, certificate=m.encode()),
    k.OfficerKeyRefused.KIND: lambda _: k.OfficerKeyRefused(key=SOMEBODY, reason="request"),
    k.OfficerKeyRecalled.KIND: lambda _: k.OfficerKeyRecalled(key=SOMEBODY, reason="compromised"),
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
        tracking=m,
        service=m,
        applicant=SOMEBODY,
        fields={m: m},
        due=m,
        service_digest=m,
        roles={m: (SOMEBODY,)},
        leans_on=(SOMEBODY,),
        days=10,
        working=True,
        received=DAY,
        fee_minor=20_000,
        currency=m,
        slip=m,
        token=m,
    ),
    k.PaperAdded.KIND: lambda m: k.PaperAdded(
        paper=SOMEBODY, label=m, media_type=m, size=1, sha256=HASH, rule=m, paper_kind=m, of=SOMEBODY, pages=1
    ),
    k.ApplicationResubmitted.KIND: lambda m: k.ApplicationResubmitted(remark=m, due=DAY, leans_on=(SOMEBODY,)),
    k.ApplicationApproved.KIND: lambda m: k.ApplicationApproved(remark=m, leans_on=(SOMEBODY,)),
    k.ApplicationReturned.KIND: lambda m: k.ApplicationReturned(reason=m, items=(m,)),
    k.ApplicationRejected.KIND: lambda m: k.ApplicationRejected(reason=m, appeal_to=m, appeal_until=DAY),
    k.ApplicationDrafted.KIND: lambda m: k.ApplicationDrafted(service=m, token=m, slip=m),
    k.ApplicationAmended.KIND: lambda m: k.ApplicationAmended(
        fields={m: m}, roles={m: (SOMEBODY,)}, reason=m, changed=(m,), leans_on=(SOMEBODY,), fee_minor=1, due=DAY
    ),
    k.ApplicationReviewStarted.KIND: lambda _: k.ApplicationReviewStarted(),
    k.ApplicationWaiting.KIND: lambda m: k.ApplicationWaiting(step=m, office=m, reference=m, clock_runs=False),
    k.ApplicationAnswered.KIND: lambda m: k.ApplicationAnswered(
        step=m, outcome="positive", reference=m, remark=m, due=DAY
    ),
    k.ApplicationStepDone.KIND: lambda m: k.ApplicationStepDone(step=m, remark=m),
    k.ApplicationAppealed.KIND: lambda m: k.ApplicationAppealed(reason=m),
    k.ApplicationAppealDecided.KIND: lambda m: k.ApplicationAppealDecided(
        allowed=True, reason=m, due=DAY, promised_from=DAY
    ),
    k.ApplicationWithdrawn.KIND: lambda m: k.ApplicationWithdrawn(reason=m),
    k.ApplicationDiscarded.KIND: lambda m: k.ApplicationDiscarded(reason=m),
    k.ApplicationIssued.KIND: lambda m: k.ApplicationIssued(
        number=m,
        record_sha256=HASH,
        pdf_sha256=HASH,
        issued_on=DAY,
        expires_on=DAY,
        sealed_by="officer",
        signer="ab" * 8,
        seen_sha256=HASH,
    ),
    k.ApplicationDelivered.KIND: lambda m: k.ApplicationDelivered(to=SOMEBODY, to_name=m, relation=m, authority=m),
    k.CertificateCorrectionAsked.KIND: lambda m: k.CertificateCorrectionAsked(
        number=m, fields={m: m}, reason=m, papers=(SOMEBODY,), changed=(m,)
    ),
    k.CertificateCorrectionRefused.KIND: lambda m: k.CertificateCorrectionRefused(number=m, reason=m),
    k.CertificateCorrected.KIND: lambda m: k.CertificateCorrected(
        number=m,
        replaces=m,
        record_sha256=HASH,
        pdf_sha256=HASH,
        issued_on=DAY,
        fields={m: m},
        reason=m,
        expires_on=DAY,
        changed=(m,),
        leans_on=(SOMEBODY,),
    ),
    k.CertificateRevocationAsked.KIND: lambda m: k.CertificateRevocationAsked(number=m, reason_code="fraud", reason=m),
    k.CertificateRevocationRefused.KIND: lambda m: k.CertificateRevocationRefused(number=m, reason=m),
    k.CertificateRevoked.KIND: lambda m: k.CertificateRevoked(number=m, reason_code="court_order", reason=m),
    k.CertificateRaised.KIND: lambda m: k.CertificateRaised(
        number=m, level="B-LTA", pdf_sha256=HASH, stamped_at=LATER, tsa=m
    ),
    k.AttestationMade.KIND: lambda m: k.AttestationMade(
        application=SOMEBODY,
        person=SOMEBODY,
        facts={m: m},
        paper_kind=m,
        paper=SOMEBODY,
        scan_sha256=HASH,
        original=m,
        valid_until=DAY,
    ),
    k.AttestationWithdrawn.KIND: lambda m: k.AttestationWithdrawn(reason=m),
    k.ComplaintMade.KIND: lambda m: k.ComplaintMade(application=SOMEBODY, complaint=m, name=m),
    k.ComplaintAnswered.KIND: lambda m: k.ComplaintAnswered(answer=m),
    k.SlipsReserved.KIND: lambda _: k.SlipsReserved(first=1, last=50),
    k.SlipsUsed.KIND: lambda _: k.SlipsUsed(number=7, application=SOMEBODY),
    k.ApplicationReturned.KIND: lambda m: k.ApplicationReturned(reason=m),
    k.ApplicationRejected.KIND: lambda m: k.ApplicationRejected(reason=m),
    k.ShiftOpened.KIND: lambda m: k.ShiftOpened(
        counter=m, float_minor=500_00, currency="PKR", day=DAY, notes=NOTES, from_shift=SOMEBODY
    ),
    k.ShiftCounted.KIND: lambda m: k.ShiftCounted(
        counted_minor=500_00, expected_minor=-1, day=DAY, notes=NOTES, reason=m
    ),
    k.ShiftResumed.KIND: lambda m: k.ShiftResumed(reason=m),
    k.ShiftTakenOver.KIND: lambda _: k.ShiftTakenOver(to_shift=SOMEBODY, counted_minor=500_00, day=DAY, notes=NOTES),
    k.ShiftClosed.KIND: lambda m: k.ShiftClosed(
        expected_minor=501_00, counted_minor=500_00, difference_minor=-1_00, day=DAY, notes=NOTES, reason=m
    ),
    k.PaymentTaken.KIND: lambda m: k.PaymentTaken(
        receipt=m,
        application=SOMEBODY,
        tracking=m,
        service=m,
        payer=m,
        lines=(k.PaymentLine(m, m, 200_00),),
        total_minor=200_00,
        currency="PKR",
        mode="challan",
        day=DAY,
        reference=m,
        shift=SOMEBODY,
    ),
    k.PaymentVoided.KIND: lambda m: k.PaymentVoided(reason=m, day=DAY),
    k.PaymentRefunded.KIND: lambda m: k.PaymentRefunded(
        minor=1, mode="cash", reason=m, day=DAY, reference=m, shift=SOMEBODY
    ),
    k.ExemptionAsked.KIND: lambda m: k.ExemptionAsked(
        application=SOMEBODY, exemption=m, reason=m, minor=1, currency="INR"
    ),
    k.ExemptionApproved.KIND: lambda m: k.ExemptionApproved(remark=m),
    k.ExemptionRefused.KIND: lambda m: k.ExemptionRefused(reason=m),
    k.TokenIssued.KIND: lambda m: k.TokenIssued(number=7, ticket=m, queue=m, day=DAY, service=m, priority=m),
    k.TokenCalled.KIND: lambda m: k.TokenCalled(counter=m),
    k.TokenSkipped.KIND: lambda _: k.TokenSkipped(),
    k.TokenNoShow.KIND: lambda _: k.TokenNoShow(),
    k.TokenServed.KIND: lambda _: k.TokenServed(application=SOMEBODY),
    k.PrintIntended.KIND: lambda m: k.PrintIntended(
        what="receipt", of=SOMEBODY, number=m, printer=m, copy=2, reason=m, simulated=True
    ),
    k.PrintConfirmed.KIND: lambda _: k.PrintConfirmed(said_by="printer"),
    k.PrintUnknown.KIND: lambda m: k.PrintUnknown(detail=m),
    k.PrintFailed.KIND: lambda m: k.PrintFailed(end="incomplete", detail=m, said_by="operator"),
    k.SignatureTaken.KIND: lambda m: k.SignatureTaken(
        signature=SOMEBODY, signed_by=SOMEBODY, purpose=m, document_sha256=HASH, binding=HASH, pad=m, simulated=True
    ),
    k.SubjectErased.KIND: lambda m: k.SubjectErased(reason=m),
    k.OrdersOpened.KIND: lambda m: k.OrdersOpened(node=SOMEBODY, centre=m, central_name=m),
    k.ServicePublished.KIND: lambda m: k.ServicePublished(service="permit", version=1, digest=HASH, content=m),
    k.ServiceWithdrawn.KIND: lambda _: k.ServiceWithdrawn(service="permit", version=2),
    k.SettingOrdered.KIND: lambda m: k.SettingOrdered(name=m, value=m),
    k.SettingReleased.KIND: lambda m: k.SettingReleased(name=m),
    k.OperatorNamed.KIND: lambda m: k.OperatorNamed(
        operator=SOMEBODY, login=m, name=m, roles=("officer",), secret_sha256=HASH, until=LATER
    ),
    k.OperatorBlocked.KIND: lambda m: k.OperatorBlocked(operator=SOMEBODY, reason=m),
    k.OperatorUnblocked.KIND: lambda m: k.OperatorUnblocked(operator=SOMEBODY, reason=m),
    k.OperatorRolesOrdered.KIND: lambda m: k.OperatorRolesOrdered(operator=SOMEBODY, roles=("auditor",), reason=m),
    k.DecisionGiven.KIND: lambda m: k.DecisionGiven(
        decision=SOMEBODY,
        application=SOMEBODY,
        decides="answer",
        office=m,
        step=m,
        outcome="positive",
        reference=m,
        remark=m,
        decided_by=m,
    ),
    k.DecisionWithdrawn.KIND: lambda m: k.DecisionWithdrawn(decision=SOMEBODY, application=SOMEBODY, reason=m),
    k.NumberDisputed.KIND: lambda m: k.NumberDisputed(conflict=SOMEBODY, number=m, other=SOMEBODY, other_centre=m),
    k.ConflictClosed.KIND: lambda m: k.ConflictClosed(conflict=SOMEBODY, how=m),
    k.ServiceUsed.KIND: lambda m: k.ServiceUsed(service="permit", digest=HASH, content=m),
    k.DecisionCarriedOut.KIND: lambda _: k.DecisionCarriedOut(decision=SOMEBODY),
    k.DecisionContested.KIND: lambda m: k.DecisionContested(decision=SOMEBODY, reason=m),
    k.ConflictSettled.KIND: lambda m: k.ConflictSettled(conflict=SOMEBODY, how=m),
    k.NumbersLeased.KIND: lambda m: k.NumbersLeased(prefix=m, first=0, last=99),
}

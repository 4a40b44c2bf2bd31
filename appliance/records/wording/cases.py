"""Applications and papers, in words."""

from __future__ import annotations

from typing import Final

from appliance.journal import kinds as k
from appliance.records.wording.base import Wording


def _because(text: str) -> str:
    return f": {text}" if text else ""


def _amended(body: k.ApplicationAmended) -> str:
    what = f" ({', '.join(body.changed)})" if body.changed else ""
    return f"amended the application{what}: {body.reason}"


def _returned(body: k.ApplicationReturned) -> str:
    what = f" ({', '.join(body.items)})" if body.items else ""
    return f"returned the application{what}: {body.reason}"


def _waiting(body: k.ApplicationWaiting) -> str:
    reference = f", reference {body.reference}" if body.reference else ""
    days = "run on" if body.clock_runs else "stand still"
    return f"sent the application to {body.office} for {body.step}{reference}; the promised days {days}"


def _answered(body: k.ApplicationAnswered) -> str:
    reference = f", reference {body.reference}" if body.reference else ""
    return f"entered the answer for {body.step}: {body.outcome}{reference}{_because(body.remark)}"


def _rejected(body: k.ApplicationRejected) -> str:
    until = f" until {body.appeal_until}" if body.appeal_until else ""
    appeal = f" (appeal to {body.appeal_to}{until})" if body.appeal_to else ""
    return f"rejected the application{appeal}: {body.reason}"


def _delivered(body: k.ApplicationDelivered) -> str:
    relation = f" ({body.relation})" if body.relation else ""
    authority = f" on {body.authority}" if body.authority else ""
    return f"handed it over to {body.to_name}{relation}{authority}"


WHAT: Final[Wording] = {
    k.ApplicationDrafted.KIND: lambda body: (
        f"began an application for {body.service}" + (f" from slip {body.slip}" if body.slip else "")
    ),
    k.ApplicationSubmitted.KIND: lambda body: f"took in the application {body.tracking} for {body.service}",
    k.ApplicationAmended.KIND: _amended,
    k.ApplicationReviewStarted.KIND: lambda _: "took the application up for review",
    k.PaperAdded.KIND: lambda body: f"added the paper “{body.label}” ({body.media_type}, {body.size} bytes)",
    k.ApplicationReturned.KIND: _returned,
    k.ApplicationResubmitted.KIND: lambda _: "put the application right and handed it in again",
    k.ApplicationWaiting.KIND: _waiting,
    k.ApplicationAnswered.KIND: _answered,
    k.ApplicationStepDone.KIND: lambda body: f"did the step {body.step}{_because(body.remark)}",
    k.ApplicationApproved.KIND: lambda _: "approved the application",
    k.ApplicationRejected.KIND: _rejected,
    k.ApplicationAppealed.KIND: lambda body: f"entered an appeal: {body.reason}",
    k.ApplicationAppealDecided.KIND: lambda body: (
        f"{'allowed' if body.allowed else 'dismissed'} the appeal: {body.reason}"
    ),
    k.ApplicationWithdrawn.KIND: lambda body: f"withdrew the application for the citizen: {body.reason}",
    k.ApplicationDiscarded.KIND: lambda body: f"discarded the draft: {body.reason}",
    k.ApplicationIssued.KIND: lambda body: f"issued the certificate {body.number}",
    k.ApplicationDelivered.KIND: _delivered,
}

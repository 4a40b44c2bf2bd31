"""Applications from draft to hand-over, and the papers handed in with them. Each is about its application."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from appliance.journal.kinds.base import Body, Count, Day, Fields, Hex32, Id, Line, Remark, kind
from appliance.journal.kinds.officers import Kid

MAX_ITEMS: Final = 50
MAX_ROLES: Final = 20
MAX_IN_A_ROLE: Final = 50
MAX_LEANS: Final = 200

Items = Annotated[tuple[Line, ...], msgspec.Meta(max_length=MAX_ITEMS)]
Ids = Annotated[tuple[Id, ...], msgspec.Meta(max_length=MAX_IN_A_ROLE)]
Leans = Annotated[tuple[Id, ...], msgspec.Meta(max_length=MAX_LEANS)]
Roles = Annotated[dict[Line, Ids], msgspec.Meta(max_length=MAX_ROLES)]
Outcome = Literal["positive", "negative", "other"]


@kind("application.drafted")
class ApplicationDrafted(Body, frozen=True, kw_only=True):
    """An application was begun, so that papers can be added to it. What is typed is not said until it is handed in."""

    service: Line
    token: Line = ""
    slip: Line = ""


@kind("application.submitted")
class ApplicationSubmitted(Body, frozen=True, kw_only=True):
    """An application was taken in. `due` was reckoned when it was, so that no calendar is read again.

    `roles` names the people by the part they have in it; `leans_on` the attestations that spare it a paper or a fact.
    `received` is the day that the promised days count from: earlier than the entry's own for a paper slip.
    """

    tracking: Line
    service: Line
    applicant: Id
    fields: Fields
    due: Line = ""
    service_digest: Line = ""
    roles: Roles = msgspec.field(default_factory=dict)
    leans_on: Leans = ()
    days: Count = 0
    working: bool = False
    received: Day = ""
    fee_minor: Count = 0
    currency: Line = ""
    slip: Line = ""
    token: Line = ""


@kind("application.amended")
class ApplicationAmended(Body, frozen=True, kw_only=True):
    """The form was put right: all of its fields and roles as they are now, and which of them are new."""

    fields: Fields
    roles: Roles
    reason: Remark
    changed: Items = ()
    leans_on: Leans = ()
    days: Count = 0
    working: bool = False
    fee_minor: Count = 0
    due: Day = ""


@kind("application.review_started")
class ApplicationReviewStarted(Body, frozen=True, kw_only=True):
    """An officer took an application up."""


@kind("paper.added")
class PaperAdded(Body, frozen=True, kw_only=True):
    """A paper was scanned to an application; its sealed bytes are the entry's one blob.

    `size` (bytes) and `sha256` are of the scan in clear, as it came from the scanner. `rule` and `paper_kind` are the
    catalogue's, `of` the person whose paper it is.
    """

    paper: Id
    label: Line
    media_type: Line
    size: Count
    sha256: Hex32
    rule: Line = ""
    paper_kind: Line = ""
    of: Id | None = None
    pages: Count = 0


@kind("application.returned")
class ApplicationReturned(Body, frozen=True, kw_only=True):
    """An officer sent an application back to the counter: an objection. `items` are the fields and papers it is about.

    The promised days stop until it is handed in again.
    """

    reason: Remark
    items: Items = ()


@kind("application.resubmitted")
class ApplicationResubmitted(Body, frozen=True, kw_only=True):
    """What an officer sent back was put right at the counter, and waits for a decision again. `due` is anew.

    `leans_on`: the attestations that it rests on now; None where they stay.
    """

    remark: Remark = ""
    due: Day = ""
    leans_on: Leans | None = None


@kind("application.waiting")
class ApplicationWaiting(Body, frozen=True, kw_only=True):
    """An outside office has it now: which, under which reference, and whether the promised days run meanwhile."""

    step: Line
    office: Line
    reference: Line = ""
    clock_runs: bool = True


@kind("application.answered")
class ApplicationAnswered(Body, frozen=True, kw_only=True):
    """An outside office answered. `still` are the steps for which others have not; `paused` whether days stand still.

    `due` is the due date anew, empty where it stays.
    """

    step: Line
    outcome: Outcome
    reference: Line = ""
    remark: Remark = ""
    due: Day = ""
    still: Items = ()
    paused: bool = False


@kind("application.step_done")
class ApplicationStepDone(Body, frozen=True, kw_only=True):
    """A step of the service was done here at the centre."""

    step: Line
    remark: Remark = ""


@kind("application.approved")
class ApplicationApproved(Body, frozen=True, kw_only=True):
    """An officer approved an application. `leans_on`: the attestations that it rests on now; None where they stay."""

    remark: Remark = ""
    leans_on: Leans | None = None


@kind("application.rejected")
class ApplicationRejected(Body, frozen=True, kw_only=True):
    """An officer rejected an application; an appeal goes to `appeal_to`, until the end of `appeal_until`."""

    reason: Remark
    appeal_to: Line = ""
    appeal_until: Day = ""


@kind("application.appealed")
class ApplicationAppealed(Body, frozen=True, kw_only=True):
    """The citizen appealed against a rejection."""

    reason: Remark


@kind("application.appeal_decided")
class ApplicationAppealDecided(Body, frozen=True, kw_only=True):
    """Somebody who had no part in the decision decided the appeal.

    Allowed, it is reviewed again, and promised anew: the days count from `promised_from`, and end on `due`.
    """

    allowed: bool
    reason: Remark
    due: Day = ""
    promised_from: Day = ""


@kind("application.withdrawn")
class ApplicationWithdrawn(Body, frozen=True, kw_only=True):
    """The citizen wants it no more."""

    reason: Remark


@kind("application.discarded")
class ApplicationDiscarded(Body, frozen=True, kw_only=True):
    """A draft that came to nothing."""

    reason: Remark


@kind("application.issued")
class ApplicationIssued(Body, frozen=True, kw_only=True):
    """The certificate was signed; the entry's one blob is the sealed PDF, whose clear bytes have `pdf_sha256`."""

    number: Line
    record_sha256: Hex32
    pdf_sha256: Hex32
    issued_on: Day
    expires_on: Day = ""
    sealed_by: Literal["centre", "officer"] = "centre"
    signer: Kid = ""
    """Of the certificate whose key signed the PDF."""
    seen_sha256: Annotated[str, msgspec.Meta(pattern=r"\A(?:[0-9a-f]{64})?\Z")] = ""
    """Of the unsigned PDF as it was shown to who then had it signed, where it was shown; the signed one begins so."""


@kind("application.delivered")
class ApplicationDelivered(Body, frozen=True, kw_only=True):
    """It was handed over, to the applicant or somebody else, named with their relation and what entitles them."""

    to_name: Line
    to: Id | None = None
    relation: Line = ""
    authority: Line = ""

"""Applications, and the papers handed in with them."""

from __future__ import annotations

from appliance.journal.kinds.base import Body, Count, Fields, Hex32, Id, Line, Remark, kind


@kind("application.submitted")
class ApplicationSubmitted(Body, frozen=True, kw_only=True):
    """An application was taken in. `due` was reckoned when it was, so that no calendar is read again."""

    tracking: Line
    service: Line
    applicant: Id
    fields: Fields
    due: Line = ""


@kind("paper.added")
class PaperAdded(Body, frozen=True, kw_only=True):
    """A paper was scanned to an application; its sealed bytes are the entry's one blob.

    `size` (bytes) and `sha256` are of the scan in clear, as it came from the scanner.
    """

    paper: Id
    label: Line
    media_type: Line
    size: Count
    sha256: Hex32


@kind("application.approved")
class ApplicationApproved(Body, frozen=True, kw_only=True):
    """An officer approved an application."""

    remark: Remark = ""


@kind("application.returned")
class ApplicationReturned(Body, frozen=True, kw_only=True):
    """An officer sent an application back to the counter."""

    reason: Remark


@kind("application.rejected")
class ApplicationRejected(Body, frozen=True, kw_only=True):
    """An officer rejected an application."""

    reason: Remark


@kind("application.resubmitted")
class ApplicationResubmitted(Body, frozen=True, kw_only=True):
    """What an officer sent back was put right at the counter, and waits for a decision again."""

    remark: Remark = ""

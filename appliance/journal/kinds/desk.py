"""The desk beside the applications: complaints, and the slips of paper that are handed out in the dark."""

from __future__ import annotations

from appliance.journal.kinds.base import Body, Count, Id, Line, Remark, kind


@kind("complaint.made")
class ComplaintMade(Body, frozen=True, kw_only=True):
    """Somebody complained about how an application fares. The complaint is the subject."""

    application: Id
    complaint: Remark
    name: Line = ""


@kind("complaint.answered")
class ComplaintAnswered(Body, frozen=True, kw_only=True):
    """A complaint was answered."""

    answer: Remark


@kind("slips.reserved")
class SlipsReserved(Body, frozen=True, kw_only=True):
    """Numbers of slips, `first` to `last`, both included, were set aside to be printed for a day without power."""

    first: Count
    last: Count


@kind("slips.used")
class SlipsUsed(Body, frozen=True, kw_only=True):
    """A slip that was handed out was entered, as this application; again only where that was discarded."""

    number: Count
    application: Id

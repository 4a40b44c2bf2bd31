"""Money: shifts at a drawer, payments, and exemptions from a fee.

Amounts are in minor units (paisa). A `day` is the centre's local one, `YYYY-MM-DD`, fixed when the entry was written.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from appliance.journal.kinds.base import Body, Count, Day, Id, Line, Remark, kind

Currency = Literal["PKR", "INR"]
PaymentMode = Literal["cash", "challan", "psid", "online", "other"]
Difference = Annotated[int, msgspec.Meta(gt=-(2**53), lt=2**53)]
MAX_LINES: Final = 40
MAX_FACES: Final = 32


class NoteCount(msgspec.Struct, frozen=True):
    """How many notes or coins of one face value lay in the drawer."""

    face_minor: Annotated[int, msgspec.Meta(gt=0, lt=2**53)]
    count: Count


class PaymentLine(msgspec.Struct, frozen=True):
    """One line of a fee as it was charged, in English; the catalogue has it in other languages by its code."""

    code: Line
    label: Line
    minor: Count


Notes = Annotated[tuple[NoteCount, ...], msgspec.Meta(max_length=MAX_FACES)]


@kind("shift.opened")
class ShiftOpened(Body, frozen=True, kw_only=True):
    """An operator took charge of the drawer at a counter; of `from_shift`, where it was handed over."""

    counter: Line
    float_minor: Count
    currency: Currency
    day: Day
    notes: Notes = ()
    from_shift: Id | None = None


@kind("shift.counted")
class ShiftCounted(Body, frozen=True, kw_only=True):
    """The leaving operator counted the drawer, which rests until it is taken over, closed, or gone on with.

    Attributes:
        reason: why what was counted is not what was expected; empty where it is.
    """

    counted_minor: Count
    expected_minor: Difference
    day: Day
    notes: Notes = ()
    reason: Remark = ""


@kind("shift.resumed")
class ShiftResumed(Body, frozen=True, kw_only=True):
    """Nobody took over: the operator who had counted goes on at the drawer."""

    reason: Remark = ""


@kind("shift.taken_over")
class ShiftTakenOver(Body, frozen=True, kw_only=True):
    """The arriving operator counted the same, and goes on with the drawer in the shift `to_shift`."""

    to_shift: Id
    counted_minor: Count
    day: Day
    notes: Notes = ()


@kind("shift.closed")
class ShiftClosed(Body, frozen=True, kw_only=True):
    """The drawer was counted and emptied. `difference_minor` is what was counted less what was expected."""

    expected_minor: Difference
    counted_minor: Count
    difference_minor: Difference
    day: Day
    notes: Notes = ()
    reason: Remark = ""


@kind("payment.taken")
class PaymentTaken(Body, frozen=True, kw_only=True):
    """A fee was paid, about its receipt. Cash lies in the drawer of `shift`."""

    receipt: Line
    application: Id
    tracking: Line
    service: Line
    payer: Line
    lines: Annotated[tuple[PaymentLine, ...], msgspec.Meta(min_length=1, max_length=MAX_LINES)]
    total_minor: Count
    currency: Currency
    mode: PaymentMode
    day: Day
    reference: Line = ""
    shift: Id | None = None


@kind("payment.voided")
class PaymentVoided(Body, frozen=True, kw_only=True):
    """A payment was written down wrongly, and counts no more; its receipt's number stays used."""

    reason: Remark
    day: Day


@kind("payment.refunded")
class PaymentRefunded(Body, frozen=True, kw_only=True):
    """Money was given back; cash, from the drawer of `shift`."""

    minor: Annotated[int, msgspec.Meta(gt=0, lt=2**53)]
    mode: PaymentMode
    reason: Remark
    day: Day
    reference: Line = ""
    shift: Id | None = None


@kind("exemption.asked")
class ExemptionAsked(Body, frozen=True, kw_only=True):
    """Somebody asked that an application be spared `minor` of its fee, under the service's rule `exemption`."""

    application: Id
    exemption: Line
    reason: Remark
    minor: Count
    currency: Currency


@kind("exemption.approved")
class ExemptionApproved(Body, frozen=True, kw_only=True):
    """A second person approved an exemption."""

    remark: Remark = ""


@kind("exemption.refused")
class ExemptionRefused(Body, frozen=True, kw_only=True):
    """A second person refused an exemption."""

    reason: Remark

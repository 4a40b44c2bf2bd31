"""Money, in words. Where an entry does not name the currency, its amounts stand without one."""

from __future__ import annotations

from typing import Final

from appliance.journal import kinds as k
from appliance.records.amounts import amount_text
from appliance.records.wording.base import Wording


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _plain(minor: int) -> str:
    return amount_text(minor, "").replace(" ", "")


def _opened(body: k.ShiftOpened) -> str:
    how = "took over the drawer" if body.from_shift else "opened a shift"
    return f"{how} at counter {body.counter} with {amount_text(body.float_minor, body.currency)}"


def _counted(body: k.ShiftCounted) -> str:
    return f"counted {_plain(body.counted_minor)} in the drawer, {_plain(body.expected_minor)} expected" + _because(
        body.reason
    )


def _closed(body: k.ShiftClosed) -> str:
    return (
        f"closed the shift with {_plain(body.counted_minor)} counted, {_plain(body.expected_minor)} expected, "
        f"difference {_plain(body.difference_minor)}{_because(body.reason)}"
    )


def _paid(body: k.PaymentTaken) -> str:
    reference = f" {body.reference}" if body.reference else ""
    paid = amount_text(body.total_minor, body.currency)
    return f"took {paid} ({body.mode}{reference}) for {body.tracking}, receipt {body.receipt}"


def _asked(body: k.ExemptionAsked) -> str:
    return f"asked for the exemption {body.exemption} of {amount_text(body.minor, body.currency)}: {body.reason}"


WHAT: Final[Wording] = {
    k.ShiftOpened.KIND: _opened,
    k.ShiftCounted.KIND: _counted,
    k.ShiftResumed.KIND: lambda body: f"went on at the drawer{_because(body.reason)}",
    k.ShiftTakenOver.KIND: lambda body: f"counted {_plain(body.counted_minor)} as well, and took the drawer over",
    k.ShiftClosed.KIND: _closed,
    k.PaymentTaken.KIND: _paid,
    k.PaymentVoided.KIND: lambda body: f"voided the payment: {body.reason}",
    k.PaymentRefunded.KIND: lambda body: f"gave back {_plain(body.minor)} ({body.mode}): {body.reason}",
    k.ExemptionAsked.KIND: _asked,
    k.ExemptionApproved.KIND: lambda body: f"approved the exemption{_because(body.remark)}",
    k.ExemptionRefused.KIND: lambda body: f"refused the exemption: {body.reason}",
}

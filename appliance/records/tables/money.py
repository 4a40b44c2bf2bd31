"""Money: shifts at a drawer, payments with what was given back of them, and exemptions."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index

from appliance.records.tables.base import number, of_a_subject, text

# `counted_minor` and `expected_minor` are those of the last count. `ended_*`: handed over or closed.
shifts: Final = of_a_subject(
    "shifts",
    text("about", primary_key=True),
    text("operator"),
    text("counter"),
    text("currency"),
    text("status"),
    number("float_minor"),
    text("from_shift"),
    text("day"),
    text("opened_at"),
    number("expected_minor"),
    number("counted_minor"),
    text("notes"),
    text("reason"),
    text("to_shift"),
    text("ended_by"),
    text("ended_at"),
    text("ended_day"),
)
Index("folded_shifts_status", shifts.c.journal, shifts.c.status)
Index("folded_shifts_ended", shifts.c.journal, shifts.c.ended_day)
payments: Final = of_a_subject(
    "payments",
    text("about", primary_key=True),
    text("receipt"),
    text("application"),
    text("tracking"),
    text("service"),
    text("payer"),
    text("lines"),
    number("total_minor"),
    text("currency"),
    text("mode"),
    text("reference"),
    text("shift"),
    text("day"),
    text("taken_by"),
    text("taken_at"),
    number("voided"),
    text("voided_by"),
    text("voided_at"),
    text("voided_day"),
    text("void_reason"),
    number("refunded_minor"),
)
Index("folded_payments_application", payments.c.journal, payments.c.application)
Index("folded_payments_day", payments.c.journal, payments.c.day, payments.c.receipt)
Index("folded_payments_voided_day", payments.c.journal, payments.c.voided_day)
Index("folded_payments_shift", payments.c.journal, payments.c.shift)
Index("folded_payments_reference", payments.c.journal, payments.c.reference)
Index("folded_payments_receipt", payments.c.journal, payments.c.receipt)
# What was given back, refund by refund; `about` is the receipt's.
refunds: Final = of_a_subject(
    "refunds",
    text("about", primary_key=True),
    number("seq", primary_key=True),
    number("minor"),
    text("mode"),
    text("reference"),
    text("shift"),
    text("reason"),
    text("day"),
    text("given_by"),
    text("given_at"),
)
Index("folded_refunds_day", refunds.c.journal, refunds.c.day)
Index("folded_refunds_shift", refunds.c.journal, refunds.c.shift)
exemptions: Final = of_a_subject(
    "exemptions",
    text("about", primary_key=True),
    text("application"),
    text("exemption"),
    text("reason"),
    number("minor"),
    text("currency"),
    text("status"),
    text("asked_by"),
    text("asked_at"),
    text("decided_by"),
    text("decided_at"),
    text("remark"),
)
Index("folded_exemptions_application", exemptions.c.journal, exemptions.c.application)
Index("folded_exemptions_status", exemptions.c.journal, exemptions.c.status)

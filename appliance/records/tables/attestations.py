"""Attestations."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index

from appliance.records.tables.base import of_a_subject, text

# `facts` is JSON; `valid_until` a day at the centre, empty for as long as it is not withdrawn.
attestations: Final = of_a_subject(
    "attestations",
    text("about", primary_key=True),
    text("application"),
    text("person"),
    text("facts"),
    text("paper_kind"),
    text("paper"),
    text("scan_sha256"),
    text("original"),
    text("valid_until"),
    text("by"),
    text("at"),
    text("withdrawn_at"),
    text("withdrawn_reason"),
)
Index("folded_attestations_person", attestations.c.journal, attestations.c.person)
Index("folded_attestations_application", attestations.c.journal, attestations.c.application)
Index("folded_attestations_withdrawn", attestations.c.journal, attestations.c.withdrawn_at)

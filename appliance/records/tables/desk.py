"""Complaints, and slips of paper. What is said of slips is about nobody, so a slip counts as used for ever."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index

from appliance.records.tables.base import folded, number, of_a_subject, text

complaints: Final = of_a_subject(
    "complaints",
    text("about", primary_key=True),
    text("application"),
    text("complaint"),
    text("name"),
    text("made_by"),
    text("made_at"),
    text("answer"),
    text("answered_by"),
    text("answered_at"),
)
Index("folded_complaints_application", complaints.c.journal, complaints.c.application)
Index("folded_complaints_answered", complaints.c.journal, complaints.c.answered_at)
slip_blocks: Final = folded("slip_blocks", number("first", primary_key=True), number("last"), text("reserved_at"))
slips: Final = folded("slips", number("number", primary_key=True), text("application"), text("used_at"))

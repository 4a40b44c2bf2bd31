"""Applications and papers."""

from __future__ import annotations

from typing import Final

from appliance.records.tables.base import number, of_a_subject, text

applications: Final = of_a_subject(
    "applications",
    text("about", primary_key=True),
    text("tracking"),
    text("service"),
    text("applicant"),
    text("fields"),
    text("status"),
    text("submitted_at"),
    text("due"),
    text("decided_by"),
    text("decided_at"),
    text("remark"),
)
papers: Final = of_a_subject(
    "papers",
    text("about", primary_key=True),
    text("paper", primary_key=True),
    text("label"),
    text("media_type"),
    number("size"),
    text("sha256"),
    text("digest"),
    text("added_at"),
)

"""What was put on paper, and what citizens signed."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index

from appliance.records.tables.base import number, of_a_subject, text

prints: Final = of_a_subject(
    "prints",
    text("about", primary_key=True),
    number("seq"),
    text("what"),
    text("of"),
    text("number"),
    text("printer"),
    number("copy"),
    text("reason"),
    number("simulated"),
    text("state"),
    text("detail"),
    text("by"),
    text("intended_at"),
    text("ended_at"),
)
Index("folded_prints_of", prints.c.journal, prints.c.of)
Index("folded_prints_state", prints.c.journal, prints.c.state)
signatures: Final = of_a_subject(
    "signatures",
    text("about", primary_key=True),
    text("signature", primary_key=True),
    text("signed_by"),
    text("purpose"),
    text("document_sha256"),
    text("binding"),
    text("pad"),
    number("simulated"),
    text("digest"),
    text("taken_at"),
)

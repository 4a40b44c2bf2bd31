"""Tokens: who waits for which queue, and what became of them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index

from appliance.records.tables.base import number, of_a_subject, text

# The order is that of the journal (`…_seq`), not of a clock that may be set back; `called_seq` is -1 before a call.
tokens: Final = of_a_subject(
    "tokens",
    text("about", primary_key=True),
    number("number"),
    text("ticket"),
    text("queue"),
    text("day"),
    text("service"),
    text("priority"),
    text("status"),
    text("counter"),
    number("calls"),
    text("issued_at"),
    number("issued_seq"),
    text("called_at"),
    number("called_seq"),
    text("ended_at"),
    text("application"),
)
Index("folded_tokens_day", tokens.c.journal, tokens.c.day, tokens.c.queue)

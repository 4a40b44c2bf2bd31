"""Operators and their sessions."""

from __future__ import annotations

from typing import Final

from appliance.records.tables.base import number, of_a_subject, text

# `blocked` by central, whatever `active` says. `secret_sha256` is of a one-time secret that the first sign-in takes
# before `secret_until`; empty where there is none, or it was taken.
operators: Final = of_a_subject(
    "operators",
    text("about", primary_key=True),
    text("login"),
    text("name"),
    text("roles"),
    number("active"),
    text("password_hash"),
    number("failed"),
    text("locked_until"),
    number("blocked"),
    text("blocked_reason"),
    text("secret_sha256"),
    text("secret_until"),
)
sessions: Final = of_a_subject(
    "sessions",
    text("about", primary_key=True),
    text("operator"),
    text("role"),
    text("counter"),
    text("opened_at"),
    text("expires_at"),
    text("closed_at"),
)

"""Officers' keys."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, LargeBinary

from appliance.records.tables.base import number, of_a_subject, text

# `about` names the key, `operator` the officer. `state`: asked, certified, refused, revoked; a revoked one keeps its
# certificate, which comes also where it was revoked before central answered. `kid` is hexadecimal. What has not
# happened yet is empty. `reason` is why it was refused or revoked, in the words of the kinds; `revoked_by` who said so.
officer_keys: Final = of_a_subject(
    "officer_keys",
    text("about", primary_key=True),
    text("operator"),
    text("storage"),
    text("token"),
    Column("csr", LargeBinary, nullable=False),
    number("seq"),
    text("made_at"),
    text("state"),
    Column("certificate", LargeBinary, nullable=False),
    text("kid"),
    text("certified_at"),
    number("failed"),
    number("locked"),
    text("revoked_at"),
    text("revoked_by"),
    text("reason"),
)
Index("folded_officer_keys_operator", officer_keys.c.journal, officer_keys.c.operator)
Index("folded_officer_keys_state", officer_keys.c.journal, officer_keys.c.state)

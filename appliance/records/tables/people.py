"""Citizens."""

from __future__ import annotations

from typing import Final

from appliance.records.tables.base import of_a_subject, text

people: Final = of_a_subject(
    "people",
    text("about", primary_key=True),
    text("name"),
    text("name_native"),
    text("born"),
    text("identity_kind"),
    text("identity_number"),
    text("added_at"),
)

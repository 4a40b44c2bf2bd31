"""What central's backups hold, and what a node no longer keeps."""

from __future__ import annotations

from typing import Final

from appliance.records.tables.base import folded, number, text

# Central's statements; the newest one, by the order's `seq`, counts. `lacking`: digests, separated by spaces.
backups: Final = folded(
    "backups", number("seq", primary_key=True), text("backup"), text("made_at"), number("size"), text("lacking")
)

# Sealed files that a node took from its disk; it may have fetched one back since. `backup` holds it.
freed: Final = folded("freed", text("digest", primary_key=True), text("backup"), text("at"))

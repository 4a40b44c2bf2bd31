"""Central's orders, what came of them, and what only people can settle."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index

from appliance.records.tables.base import folded, number, of_a_subject, text

# Every order that was taken up, also of a kind that is not known here (yet): made of headers alone.
given_orders: Final = folded("given_orders", number("seq", primary_key=True), text("kind"), text("at"))

# Where a service file is kept whole: `by` is `node` for the node's journal, `central` for its orders; `seq` there.
service_files: Final = folded(
    "service_files", text("digest", primary_key=True), text("service"), text("by"), number("seq")
)

# What central published; the highest version counts. `digest` is empty where the service was withdrawn.
services: Final = folded(
    "services", text("service", primary_key=True), number("version", primary_key=True), text("digest"), text("at")
)

# What central orders now; the newest order counts.
ordered_settings: Final = folded(
    "ordered_settings", text("name", primary_key=True), text("value"), number("seq"), text("at")
)

# The quarantine that the node is in, by central's orders; no row where it is in none.
quarantines: Final = folded("quarantines", text("since"), text("cause"), text("reason"), text("by"), number("seq"))

# Public lists that central ordered to be known; the highest number counts. `digest` is the SHA-256 of the file.
ordered_lists: Final = folded("ordered_lists", number("number", primary_key=True), text("made_at"), text("digest"))

# Decisions that central gave on applications. `state`: open, carried out, contested, settled, withdrawn. What has not
# happened yet is empty. `seq` is the order's.
decisions: Final = of_a_subject(
    "decisions",
    text("about", primary_key=True),
    text("decision", primary_key=True),
    text("decides"),
    text("office"),
    text("step"),
    text("outcome"),
    text("reference"),
    text("remark"),
    text("decided_by"),
    text("given_at"),
    number("seq"),
    text("state"),
    text("reason"),
    text("ended_at"),
    text("settled_by"),
    text("settlement"),
)
Index("folded_decisions_state", decisions.c.journal, decisions.c.state)

# What else only people can settle: `what` is number or login, `named` which, `detail` what else there is to know.
# `settled_at` is empty until it is; `settled_by` is an operator, or central.
conflicts: Final = folded(
    "conflicts",
    text("conflict", primary_key=True),
    text("what"),
    text("named"),
    text("detail"),
    text("found_at"),
    text("settled_at"),
    text("settled_by"),
    text("settlement"),
)

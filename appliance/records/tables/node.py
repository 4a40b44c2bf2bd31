"""Tables that span subjects, and those of the journal itself."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index

from appliance.records.tables.base import folded, number, of_a_subject, text

timeline: Final = folded(
    "timeline",
    text("about", primary_key=True),
    number("seq", primary_key=True),
    text("kind"),
    text("at"),
    text("by"),
)
erased: Final = folded("erased", text("about", primary_key=True), number("seq"), text("at"))
# How many entries of a kind there are in a period, by the time in their headers, erased ones too: numbers go on here.
tallies: Final = folded("tallies", text("kind", primary_key=True), text("period", primary_key=True), number("written"))
blobs: Final = of_a_subject(
    "blobs", text("digest", primary_key=True), text("about", primary_key=True), number("seq", primary_key=True)
)
Index("folded_blobs_about", blobs.c.journal, blobs.c.about)
centres: Final = folded("centres", text("centre"), text("centre_name"), text("software"), text("opened_at"))
# Entries of a known kind whose body or subject does not fit it: kept in the journal, shown to people, no more.
unreadable: Final = of_a_subject(
    "unreadable", text("about", primary_key=True), number("seq", primary_key=True), text("kind")
)
# What this software's fold threw at: an entry of the journal (`log` is the journal), at central only, or an order.
# `error` is the name of its type. Nothing more of an entry's subject is folded before it is; see `records.aside`.
set_aside: Final = of_a_subject(
    "set_aside",
    text("log", primary_key=True),
    number("seq", primary_key=True),
    text("about"),
    text("kind"),
    text("error"),
)
orders_state: Final = folded("orders_state", number("size"), text("root"))
# `leased`: the position of the order that leased it. Numbers are taken in that order, so that a block that comes later
# moves none that was given out.
number_blocks: Final = folded(
    "number_blocks",
    text("prefix", primary_key=True),
    number("first", primary_key=True),
    number("last"),
    number("leased"),
)

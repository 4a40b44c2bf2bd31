"""Citizens."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index

from appliance.records.tables.base import number, of_a_subject, text

# `identified_seq`: the entry that last changed what an identity is verified by. `merged_into`: with whom this person is
# one; empty for nobody.
people: Final = of_a_subject(
    "people",
    text("about", primary_key=True),
    text("name"),
    text("name_native"),
    text("born"),
    text("identity_kind"),
    text("identity_number"),
    text("identity_mark"),
    text("native_language"),
    text("gender"),
    text("father_name"),
    text("father_name_native"),
    text("mother_name"),
    text("mother_name_native"),
    text("phone"),
    text("address"),
    text("added_at"),
    number("identified_seq"),
    text("merged_into"),
)
IS_MERGED: Final = people.c.merged_into != ""
Index(
    "folded_people_merged",
    people.c.journal,
    people.c.merged_into,
    sqlite_where=IS_MERGED,
    postgresql_where=IS_MERGED,
)

# `other` is the `relation` of `about`.
links: Final = of_a_subject(
    "links",
    text("about", primary_key=True),
    text("other", primary_key=True),
    text("relation", primary_key=True),
    text("authority"),
    text("until"),
    text("linked_at"),
    text("linked_by"),
)
Index("folded_links_other", links.c.journal, links.c.other)

verifications: Final = of_a_subject(
    "verifications",
    text("about", primary_key=True),
    number("seq", primary_key=True),
    text("method"),
    text("outcome"),
    text("adapter"),
    text("reference"),
    text("paper"),
    text("remark"),
    text("verified_at"),
    text("verified_by"),
)

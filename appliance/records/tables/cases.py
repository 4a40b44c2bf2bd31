"""Applications, the people in them, their papers, and what happened to them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index

from appliance.records.tables.base import number, of_a_subject, text

# `fields` and `roles` are JSON. `due`, `received`, `promised_from` and `appeal_until` are days at the centre. While
# it is `paused`, the promised days stand still. `certificate_digest` names the sealed PDF.
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
    text("roles"),
    text("service_digest"),
    number("days"),
    number("working"),
    text("received"),
    text("promised_from"),
    number("paused"),
    number("fee_minor"),
    text("currency"),
    text("slip"),
    text("token"),
    text("begun_by"),
    text("begun_at"),
    text("reviewer"),
    text("appeal_to"),
    text("appeal_until"),
    text("certificate"),
    text("certificate_digest"),
    text("record_sha256"),
    text("pdf_sha256"),
    text("issued_on"),
    text("expires_on"),
    text("delivered_at"),
    text("delivered_to"),
)
Index("folded_applications_status", applications.c.journal, applications.c.status, applications.c.due)
Index("folded_applications_applicant", applications.c.journal, applications.c.applicant)
Index("folded_applications_tracking", applications.c.journal, applications.c.tracking)

# Who has which part in an application.
roles: Final = of_a_subject(
    "roles", text("about", primary_key=True), text("role", primary_key=True), text("person", primary_key=True)
)
Index("folded_roles_person", roles.c.journal, roles.c.person)

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
    text("rule"),
    text("paper_kind"),
    text("of"),
    number("pages"),
    number("seq"),
)

# What an officer sent back, and when it came again.
objections: Final = of_a_subject(
    "objections",
    text("about", primary_key=True),
    number("seq", primary_key=True),
    text("reason"),
    text("items"),
    text("by"),
    text("at"),
    text("answered_at"),
    text("answer"),
)

# Outside offices that have an application, or had it.
waits: Final = of_a_subject(
    "waits",
    text("about", primary_key=True),
    number("seq", primary_key=True),
    text("step"),
    text("office"),
    text("reference"),
    number("clock_runs"),
    text("since"),
    text("answered_at"),
    text("outcome"),
    text("answer"),
    text("remark"),
)

steps_done: Final = of_a_subject(
    "steps_done",
    text("about", primary_key=True),
    text("step", primary_key=True),
    text("by"),
    text("at"),
    text("remark"),
)

# The attestations that spare an application a fact or a paper.
leans: Final = of_a_subject("leans", text("about", primary_key=True), text("attestation", primary_key=True))
Index("folded_leans_attestation", leans.c.journal, leans.c.attestation)

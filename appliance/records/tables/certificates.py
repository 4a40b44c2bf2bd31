"""Certificates as they were issued and as they stand now, and what was asked about them since."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index

from appliance.records.tables.base import number, of_a_subject, text

# `about` is the application. `state` is valid, superseded or revoked; `ended_at`, `reason_code` and `reason` say when
# and why it ended, `replaced_by` by which other it was superseded, `replaces` which it superseded itself. `blob` names
# the sealed PDF as it was signed at the counter; `raised_blob` the one with a timestamp, once `level` is not empty.
certificates: Final = of_a_subject(
    "certificates",
    text("about", primary_key=True),
    text("number", primary_key=True),
    text("state"),
    text("issued_on"),
    text("expires_on"),
    text("issued_at"),
    text("blob"),
    text("record_sha256"),
    text("pdf_sha256"),
    text("level"),
    text("raised_blob"),
    text("raised_sha256"),
    text("stamped_at"),
    text("replaces"),
    text("replaced_by"),
    text("ended_at"),
    text("ended_by"),
    text("reason_code"),
    text("reason"),
)
Index("folded_certificates_number", certificates.c.journal, certificates.c.number)
Index("folded_certificates_state", certificates.c.journal, certificates.c.state)
Index("folded_certificates_level", certificates.c.journal, certificates.c.level)

# What was asked about a certificate: `what` is correction or revocation. `outcome` is empty while it is open, then
# done, refused or overtaken (the certificate ended otherwise). `fields`, `changed` and `papers` are JSON, of a
# correction.
certificate_requests: Final = of_a_subject(
    "certificate_requests",
    text("about", primary_key=True),
    number("seq", primary_key=True),
    text("number"),
    text("what"),
    text("asked_by"),
    text("asked_at"),
    text("reason_code"),
    text("reason"),
    text("fields"),
    text("changed"),
    text("papers"),
    text("outcome"),
    text("ended_by"),
    text("ended_at"),
    text("answer"),
)
Index("folded_certificate_requests_outcome", certificate_requests.c.journal, certificate_requests.c.outcome)

"""Where certificates stand after they were issued, and what was asked about them.

A certificate is valid, superseded or revoked; what ended once stays so. Whether it has expired is asked of the day.
`revoking` and `correcting` change where it stands, `reprinting` does not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from sqlalchemy import bindparam, select

from appliance.casework.cases import key
from appliance.casework.certificate_numbers import is_certificate_number
from appliance.journal.errors import IntegrityError, OperatorError
from appliance.journal.ids import BlobDigest, EntityId, JournalId
from appliance.records import tables as t
from appliance.records.database import Row, Tx
from appliance.records.statements import found_by
from appliance.store.store import Store

MAX_LISTED: Final = 500
"""Certificates, or requests, that one list shows."""
CORRECTION: Final = "correction"
REVOCATION: Final = "revocation"

_c: Final = t.certificates
_r: Final = t.certificate_requests
_COLUMNS: Final = (
    *(_c.c.about, _c.c.number, _c.c.state, _c.c.issued_on, _c.c.expires_on, _c.c.issued_at),
    *(_c.c.blob, _c.c.record_sha256, _c.c.pdf_sha256, _c.c.level, _c.c.raised_blob, _c.c.raised_sha256),
    *(_c.c.replaces, _c.c.replaced_by, _c.c.ended_at, _c.c.reason_code, _c.c.reason),
)
_NUMBERED: Final = select(*_COLUMNS).where(found_by(_c, "number"))
_OF_APPLICATION: Final = select(*_COLUMNS).where(t.where_key(_c)).order_by(_c.c.issued_at, _c.c.number)
_IN_STATE: Final = (
    select(*_COLUMNS)
    .where(found_by(_c, "state"))
    .order_by(_c.c.issued_at.desc(), _c.c.number.desc())
    .limit(MAX_LISTED)
    .offset(bindparam("skip"))
)
_ASKED: Final = select(
    *(_r.c.about, _r.c.seq, _r.c.number, _r.c.what, _r.c.asked_by, t.operators.c.name, _r.c.asked_at),
    *(_r.c.reason_code, _r.c.reason, _r.c.fields, _r.c.changed, _r.c.papers, _r.c.outcome, _r.c.ended_at, _r.c.answer),
).select_from(
    _r.outerjoin(t.operators, (t.operators.c.journal == _r.c.journal) & (t.operators.c.about == _r.c.asked_by))
)
_ASKED_OF: Final = _ASKED.where(t.where_key(_r)).order_by(_r.c.seq)
_OPEN: Final = _ASKED.where(found_by(_r, "outcome")).order_by(_r.c.seq).limit(MAX_LISTED)


class State(Enum):
    """Whether a certificate holds. The names are those of the folded table."""

    VALID = "valid"
    SUPERSEDED = "superseded"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that was issued.

    Attributes:
        blob: names the sealed PDF as it was signed; `pdf_sha256` is of its clear bytes.
        level: what a timestamp raised it to, and `raised_blob` and `raised_sha256` the file that has it; or empty.
        replaces: the number of the one that it superseded; empty for a first one.
        replaced_by: the number of the one by which it was superseded.
        ended_at: when it was superseded or revoked, as the journal writes it; empty while it is valid.
        reason_code: why, as the public list says it; `reason` in words.
    """

    application: EntityId
    number: str
    state: State
    issued_on: str
    expires_on: str
    issued_at: str
    blob: BlobDigest
    record_sha256: str
    pdf_sha256: str
    level: str
    raised_blob: str
    raised_sha256: str
    replaces: str
    replaced_by: str
    ended_at: str
    reason_code: str
    reason: str

    @property
    def standing(self) -> str:
        """Where it stands, for a line: `superseded by PEW01-000002-X on 2026-11-22`."""
        if self.state is State.SUPERSEDED:
            return f"superseded by {self.replaced_by} on {self.ended_at[:10]}"
        if self.state is State.REVOKED:
            return f"revoked on {self.ended_at[:10]} ({self.reason_code.replace('_', ' ')})"
        return "valid"


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked about a certificate.

    Attributes:
        what: `correction` or `revocation`.
        asked_by: whose account; `asked_by_name` is empty where it was erased.
        fields, changed, papers: of a correction: all answers as they are to be, which are new, and what proves it.
        outcome: empty while it is open; `done`, `refused` or `overtaken`.
        answer: why it was refused.
    """

    application: EntityId
    seq: int
    number: str
    what: str
    asked_by: str
    asked_by_name: str
    asked_at: str
    reason_code: str
    reason: str
    fields: Mapping[str, str]
    changed: tuple[str, ...]
    papers: tuple[EntityId, ...]
    outcome: str
    ended_at: str
    answer: str

    @property
    def is_open(self) -> bool:
        """Whether nobody has done or refused it yet."""
        return not self.outcome


class UnknownCertificate(OperatorError):
    """There is no certificate of that number here."""

    def __init__(self, number: str) -> None:
        if is_certificate_number(number):
            super().__init__(
                f"There is no certificate {number} here.",
                "Another centre may have issued it: its number begins with that centre's code.",
            )
        else:
            super().__init__("That is no certificate number: a character is wrong.", "Read it from the paper again.")


class NotValid(OperatorError):
    """The certificate was superseded or revoked, or nothing may be done with it while something is asked about it."""


def certificate_numbered(store: Store, number: str) -> Certificate:
    """The certificate with a number, as somebody typed it or read it out.

    Raises:
        UnknownCertificate: it is mistyped, was erased, or was never issued here.
    """
    wanted = number.strip().upper()
    with store.read() as tx:
        row = tx.one(_NUMBERED, {"journal": store.journal, "number": wanted})
    if row is None:
        raise UnknownCertificate(wanted)
    return _certificate(row)


def certificates_of(store: Store, application: EntityId) -> list[Certificate]:
    """Every certificate of an application, oldest first."""
    with store.read() as tx:
        return certificates_in(tx, store.journal, application)


def certificates_in(tx: Tx, journal: JournalId, application: str) -> list[Certificate]:
    """`certificates_of`, within a transaction."""
    return [_certificate(row) for row in tx.all(_OF_APPLICATION, key(journal, application))]


def certificates(store: Store, state: State, *, skip: int = 0) -> list[Certificate]:
    """The certificates in a state, the newest first, a page of `MAX_LISTED`."""
    with store.read() as tx:
        rows = tx.all(_IN_STATE, {"journal": store.journal, "state": state.value, "skip": skip})
    return [_certificate(row) for row in rows]


def requests_in(tx: Tx, journal: JournalId, application: str) -> list[Request]:
    """What was asked about the certificates of an application, oldest first."""
    return [_request(row) for row in tx.all(_ASKED_OF, key(journal, application))]


def open_requests(store: Store) -> list[Request]:
    """What was asked about certificates and nobody has done or refused, oldest first."""
    with store.read() as tx:
        return [_request(row) for row in tx.all(_OPEN, {"journal": store.journal, "outcome": ""})]


def open_request(tx: Tx, journal: JournalId, application: str, number: str, what: str) -> Request | None:
    """The one of that kind that is open about a certificate, or None."""
    asked = requests_in(tx, journal, application)
    return next((each for each in asked if each.is_open and each.number == number and each.what == what), None)


def certificate_file(store: Store, certificate: Certificate, *, raised: bool = False) -> bytes:
    """The signed PDF, as it was sealed at the counter; with its timestamp where `raised` and there is one.

    Raises:
        BlobMissing: its file is not there. IntegrityError: it is another file than was issued.
    """
    newer = raised and certificate.raised_blob != ""
    pdf = store.open_blob(BlobDigest(certificate.raised_blob) if newer else certificate.blob)
    if hashlib.sha256(pdf).hexdigest() != (certificate.raised_sha256 if newer else certificate.pdf_sha256):
        raise IntegrityError("The sealed certificate is not the one that was issued.", "Run `sanad journal verify`.")
    return pdf


def see_valid(tx: Tx, journal: JournalId, application: str, number: str) -> Certificate:
    """The certificate, where it holds; asked inside the commit, so that of two who end it the second is told.

    Raises:
        UnknownCertificate: it is not of this application. NotValid: it was superseded or revoked.
    """
    found = next((each for each in certificates_in(tx, journal, application) if each.number == number), None)
    if found is None:
        raise UnknownCertificate(number)
    if found.state is not State.VALID:
        raise NotValid(
            f"The certificate {number} was {found.standing}, so this cannot be done with it.",
            f"Use {found.replaced_by}." if found.replaced_by else "A new one needs a new application.",
        )
    return found


def see_unquestioned(tx: Tx, journal: JournalId, application: str, number: str) -> None:
    """Refuse what gives a certificate out while somebody says that it is wrong.

    Raises:
        NotValid: a correction or a revocation was asked for, and is open.
    """
    for what in (REVOCATION, CORRECTION):
        if open_request(tx, journal, application, number, what) is not None:
            raise NotValid(
                f"The {what} of the certificate {number} was asked for, so it is not given out.",
                f"A second person does the {what} or refuses it first.",
            )


def _certificate(row: Row) -> Certificate:
    about, number, state, *dates, blob, record, pdf, level, raised, raised_sha256, replaces, by, at, code, why = row
    issued_on, expires_on, issued_at = dates
    return Certificate(
        application=EntityId(about),
        number=number,
        state=State(state),
        issued_on=issued_on,
        expires_on=expires_on,
        issued_at=issued_at,
        blob=BlobDigest(blob),
        record_sha256=record,
        pdf_sha256=pdf,
        level=level,
        raised_blob=raised,
        raised_sha256=raised_sha256,
        replaces=replaces,
        replaced_by=by,
        ended_at=at,
        reason_code=code,
        reason=why,
    )


def _request(row: Row) -> Request:
    about, seq, number, what, by, name, at, code, reason, fields, changed, papers, outcome, ended_at, answer = row
    return Request(
        application=EntityId(about),
        seq=seq,
        number=number,
        what=what,
        asked_by=by,
        asked_by_name=name or "",
        asked_at=at,
        reason_code=code,
        reason=reason,
        fields=json.loads(fields),
        changed=tuple(json.loads(changed)),
        papers=tuple(map(EntityId, json.loads(papers))),
        outcome=outcome,
        ended_at=ended_at,
        answer=answer,
    )

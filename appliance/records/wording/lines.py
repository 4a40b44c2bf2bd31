"""Entries as people read them: who did what to what, when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from appliance.journal import kinds as k
from appliance.journal.entry import Entry
from appliance.journal.errors import IntegrityError
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.records.wording import (
    attestations,
    backups,
    cases,
    certificates,
    desk,
    money,
    node,
    officers,
    operators,
    orders,
    people,
    printing,
    tokens,
)
from appliance.records.wording.base import Wording

SHORT: Final = 8

_OPERATORS = select(t.operators.c.about, t.operators.c.login).where(t.operators.c.journal == bindparam("journal"))
_PERSON = select(t.people.c.name).where(t.where_key(t.people))
_APPLICATION = select(t.applications.c.tracking).where(t.where_key(t.applications))
_RECEIPT = select(t.payments.c.receipt).where(t.where_key(t.payments))
_TOKEN = select(t.tokens.c.ticket).where(t.where_key(t.tokens))
_NAMES: Final = (_APPLICATION, _PERSON, _RECEIPT, _TOKEN)

_WHAT: Final[Wording] = {
    **node.WHAT,
    **operators.WHAT,
    **officers.WHAT,
    **people.WHAT,
    **cases.WHAT,
    **certificates.WHAT,
    **attestations.WHAT,
    **backups.WHAT,
    **desk.WHAT,
    **money.WHAT,
    **tokens.WHAT,
    **orders.WHAT,
    **printing.WHAT,
}


@dataclass(frozen=True, slots=True)
class Line:
    """One entry in words. `what` says that a body was erased, or that its kind is not known here, where it is so."""

    seq: int
    at: str
    who: str
    what: str
    about: str
    kind: str

    def __str__(self) -> str:
        subject = f"  [{self.about}]" if self.about else ""
        return f"{self.seq:>6}  {self.at[:10]} {self.at[11:19]}  {self.who:<12}  {self.what}{subject}"


class Names:
    """The names by which people know the identifiers of one journal, from its tables."""

    def __init__(self, tx: Tx, journal: str) -> None:
        self._tx = tx
        self._journal = journal
        self._operators: Mapping[str, str] = dict(tx.all(_OPERATORS, {"journal": journal}))

    def actor(self, by: str) -> str:
        """A login, or `node`, `central`, or the beginning of an identifier that is not known (any more)."""
        return self._operators.get(by, by if len(by) <= SHORT else by[:SHORT] + "…")

    def operator_called(self, login: str) -> str | None:
        """The identifier of the operator with that login."""
        return next((about for about, known in self._operators.items() if known == login), None)

    def subject(self, about: str) -> str:
        """A login, a tracking or receipt number, a token, a person's name, or the beginning of the identifier."""
        if about == "-":
            return ""
        if about in self._operators:
            return self._operators[about]
        key = {"k_journal": self._journal, "k_about": about}
        row = next((found for name in _NAMES if (found := self._tx.one(name, key)) is not None), None)
        return str(row[0]) if row is not None and row[0] else about[:SHORT] + "…"


def line(entry: Entry, names: Names) -> Line:
    """One entry in words."""
    header = entry.header
    return Line(header.seq, header.at, names.actor(header.by), _what(entry), names.subject(header.about), header.kind)


def _what(entry: Entry) -> str:
    kind = entry.header.kind
    if entry.body is None:
        return f"{kind} (erased)"
    try:
        body = k.decode_body(kind, entry.body)
    except IntegrityError:
        return f"{kind} (its body is not of its form)"
    words = _WHAT.get(kind)
    return f"{kind} (of a newer software)" if body is None or words is None else words(body)

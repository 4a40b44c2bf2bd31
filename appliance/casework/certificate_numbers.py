"""The next certificate number, of the blocks that central leased to this node.

Blocks are taken up in the order in which they were leased, each number once, also where two blocks overlap. How many
were given out is counted from headers, which are never erased; so a number is not given twice, whatever was erased.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select
from stdnum.iso7064 import mod_37_36

from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import JournalId
from appliance.records import tables as t
from appliance.records.database import Tx

NUMBER_DIGITS: Final = 6

_BLOCKS: Final = (
    select(t.number_blocks.c.prefix, t.number_blocks.c.first, t.number_blocks.c.last)
    .where(t.number_blocks.c.journal == bindparam("journal"))
    .order_by(t.number_blocks.c.leased, t.number_blocks.c.prefix, t.number_blocks.c.first)
)
_GIVEN: Final = select(sa.func.coalesce(sa.func.sum(t.tallies.c.written), 0)).where(
    t.tallies.c.journal == bindparam("journal"),
    sa.or_(*(t.tallies.c.kind == each.KIND for each in (k.ApplicationIssued, k.CertificateCorrected))),
    t.tallies.c.period == "",
)


class NoNumbers(OperatorError):
    """Every number that central leased is given out."""

    def __init__(self) -> None:
        super().__init__(
            "This node has no certificate numbers left, so nothing can be issued.",
            "Sync with central (`sanad sync now`), or import a courier file: central leases more.",
        )


@dataclass(frozen=True, slots=True)
class _Span:
    """Numbers `first` to `last`, both included, under a prefix."""

    prefix: str
    first: int
    last: int

    @property
    def size(self) -> int:
        return self.last - self.first + 1


def next_certificate_number(tx: Tx, journal: JournalId) -> str:
    """The number of the certificate that is issued at this moment; inside the commit that writes it.

    Prefix, at least six digits, check character (ISO 7064 MOD 37,36 over the rest, letters and digits alone):
    `PEW01-000042-K`.

    Raises:
        NoNumbers: every number that was leased is given out.
    """
    given = _given(tx, journal)
    for span in _spans(tx, journal):
        if given < span.size:
            return certificate_number(span.prefix, span.first + given)
        given -= span.size
    raise NoNumbers


def numbers_left(tx: Tx, journal: JournalId) -> int:
    """How many certificates can be issued before central must lease more."""
    return sum(span.size for span in _spans(tx, journal)) - _given(tx, journal)


def certificate_number(prefix: str, number: int) -> str:
    """The `number`th certificate under a prefix, as it is printed."""
    text = f"{prefix.upper()}{number:0{NUMBER_DIGITS}d}"
    return f"{text}-{mod_37_36.calc_check_digit(_plain(text))}"


def is_certificate_number(text: str) -> bool:
    """Whether the check character is right."""
    plain = _plain(text.upper())
    return plain.isascii() and len(plain) > NUMBER_DIGITS and bool(mod_37_36.is_valid(plain))


def _plain(text: str) -> str:
    return "".join(char for char in text if char.isalnum() and char.isascii())


def _given(tx: Tx, journal: JournalId) -> int:
    row = tx.one(_GIVEN, {"journal": journal})
    return 0 if row is None else int(row[0])


def _spans(tx: Tx, journal: JournalId) -> Iterator[_Span]:
    """The leased numbers in the order in which they are given out, none twice."""
    before: list[_Span] = []
    for prefix, first, last in tx.all(_BLOCKS, {"journal": journal}):
        fresh = [_Span(prefix, first, last)]
        for other in before:
            if other.prefix == prefix:
                fresh = [piece for each in fresh for piece in _without(each, other)]
        yield from fresh
        before += fresh


def _without(span: _Span, other: _Span) -> Iterator[_Span]:
    """The numbers of `span` that are not in `other`."""
    if other.last < span.first or span.last < other.first:
        yield span
        return
    if span.first < other.first:
        yield _Span(span.prefix, span.first, other.first - 1)
    if other.last < span.last:
        yield _Span(span.prefix, other.last + 1, span.last)

"""Telling a node what it waits to hear: who waits, and what it knows already.

A stream is answered only at its end, so cosignatures, orders and what became of blobs come by a second request, which
central holds back until there is something to say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import msgspec

from appliance.journal.checkpoint import parse_text
from appliance.journal.errors import IntegrityError
from appliance.journal.ids import JournalId
from appliance.journal.notes import parse_note
from sync.refusals import BadRequest
from sync.wire import FEW_WANTED, Known, NodeReport, StateAnswer

NEWS_HOLD_S: Final = 25.0
"""The longest that central holds back an answer; below what proxies and routers take for a dead connection."""
NEWS_LOOK_S: Final = 2.0
"""How often central looks for what no bell tells."""

_REPORT: Final = frozenset(NodeReport.__struct_fields__)


class Bells:
    """A bell for each node, rung when there is news. All calls come from the event loop's thread."""

    def __init__(self) -> None:
        self._bells: dict[JournalId, asyncio.Event] = {}
        self.closed = False
        """Whether nobody is to wait any more."""

    def of(self, journal: JournalId) -> asyncio.Event:
        """What the next ring sets."""
        return self._bells.setdefault(journal, asyncio.Event())

    def ring(self, journal: JournalId) -> None:
        """Wake all that wait."""
        bell = self._bells.pop(journal, None)
        if bell is not None:
            bell.set()

    def close(self) -> None:
        """Central stops: wake everybody."""
        self.closed = True
        for journal in tuple(self._bells):
            self.ring(journal)


def read_known(query: Mapping[str, str]) -> tuple[Known, NodeReport | None]:
    """Read a request for news: what the node knows, and how it is, where it says so.

    Raises:
        BadRequest: it does not say what is known.
    """
    said = dict(query)
    try:
        report = None if _REPORT.isdisjoint(said) else msgspec.convert(said, NodeReport, strict=False)
        return msgspec.convert(said, Known, strict=False), report
    except msgspec.MsgspecError:
        raise BadRequest("A request for news does not say what is known.") from None


def lacks(known: Known, answer: StateAnswer) -> bool:
    """Whether an answer has something that the node does not know."""
    return (
        known.cosigned != _size(answer.cosigned)
        or known.orders != answer.orders
        or known.spoilt != len(answer.spoilt)
        or (not known.busy and known.wanted != len(answer.wanted))
        # Also who is busy waits to hear that all of it has arrived.
        or (known.wanted > 0 and not answer.wanted)
    )


def told(known: Known, answer: StateAnswer) -> StateAnswer:
    """What of an answer is said: who has files to send hears of the next few only.

    A full list takes half a second of a slow link, and a busy node is told something with every cosignature.
    """
    return msgspec.structs.replace(answer, wanted=answer.wanted[:FEW_WANTED]) if known.busy else answer


def _size(note: bytes | None) -> int:
    """The size under a note of central's own archive."""
    if note is None:
        return 0
    try:
        return parse_text(parse_note(note).text).size
    except IntegrityError:
        return 0

"""Orders that a node holds and central does not: they stand, and what central gave in their place follows them.

A central that was put back from a backup has given orders that it does not know any more, and may give others under
the same numbers before it hears of them; an old receipt may reach a node after that. Central's own signature is on
all of them, so whatever a node holds is central's word, and holding it cannot be undone. Hence one rule: **what the
node holds stands**. Where the orders that it shows are not among central's, it hands back all of them; from the first
that differs, central's are taken out, the node's take their place, and what was taken out is given again behind them.
So no order is lost on either side, no node is asked to forget one, and central waits for nobody.

An order that is given again is reckoned anew: a block of numbers that the node has by another order becomes the next
block, an officer's key that is answered already is not answered again, and a quarantine that the node is told of
already is not told again. What the orders say of a quarantine then holds at central, too.

While a node is in quarantine, central takes back what it forgot and takes nothing out: a copy of the node may hold
other orders than the node itself, and the two would make central turn to and fro.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import bindparam
from sqlalchemy.dialects.sqlite import insert

from appliance.journal import kinds as k
from appliance.journal.entry import Entry
from appliance.journal.ids import JournalId, orders_of
from appliance.journal.kinds import Body, decode_body, encode_body
from appliance.journal.tree import EMPTY, Frontier, frontier_at, root_at
from appliance.records import tables as records
from appliance.records.database import Database, Tx
from appliance.records.log import Log
from sync import frames
from sync.central import heldorders, quarantine, registry
from sync.central import tables as t
from sync.central.orders import Orders, Told
from sync.refusals import BadRequest, Fork
from sync.session import Accept, Receiver, Stage

_WITHDRAW: Final = sa.delete(records.entries).where(
    records.entries.c.journal == bindparam("k_journal"), records.entries.c.seq >= bindparam("k_start")
)
_LEASED: Final[sa.Executable] = insert(t.blocks).on_conflict_do_nothing()
_ANSWERED: Final[sa.Executable] = insert(t.officer_answers).prefix_with("OR REPLACE")


@dataclass(frozen=True, slots=True)
class OrdersBack:
    """Brings central's orders for a node and the node's own copy of them together.

    Args:
        archive: where the orders are.
        orders: writes them.
    """

    archive: Database
    orders: Orders

    def agreed(self, journal: JournalId, held: int, root: bytes) -> int:
        """How many orders central says to the node that it has.

        Args:
            journal: the node's.
            held: how many the node holds.
            root: of the tree over those; empty where it does not say.

        Returns:
            All of them, where those that the node holds are among them. Else none: then the node hands back its own.
        """
        with self.archive.read() as tx:
            log = Log(tx, orders_of(journal))
            head = log.head()
            size = 0 if head is None else head.size
            if held <= size and root in (b"", root_at(held, log.read_node)):
                return size
        return 0

    def take(self, journal: JournalId, body: bytes) -> int:
        """Take up what a node hands back; durable when this returns.

        Args:
            journal: the node's.
            body: frames: all orders that it holds, under central's checkpoint.

        Returns:
            How many orders central has for the node now.

        Raises:
            IntegrityError: they are not orders that this central signed. Quarantined: the node is in quarantine, and
                central would have to take out orders of its own; then it takes back only what it forgot.
        """
        handed, edge, note = self._judge(journal, body)
        with self.archive.write() as tx:
            log = Log(tx, orders_of(journal))
            size = log.frontier().size
            here = (row[0] for row in log.rows(0, min(size, len(handed))))
            pairs = zip(here, handed, strict=False)
            same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1].header_bytes, pairs))
            if same == len(handed):
                return size
            withdrawn = list(log.entries(same, size))
            if withdrawn:
                # Two boxes may hand back here in turns, as long as nobody has found the copy.
                quarantine.refuse_quarantined(tx, journal)
            tx.run(_WITHDRAW, {"k_journal": log.journal, "k_start": same})
            log.append(handed[same:], frontier_at(same, log.read_node))
            log.set_head(edge, note)
            again = _Again(tx, journal, handed[same:], heldorders.last_said(handed)).told(withdrawn)
            if again:
                self.orders.write(tx, journal, again)
            heldorders.follow(tx, journal, self.orders.clock())
            return edge.size + len(again)

    def _judge(self, journal: JournalId, body: bytes) -> tuple[list[Entry], Frontier, bytes]:
        decoder = frames.Decoder()
        parts = list(decoder.feed(body))
        decoder.finish()
        if not parts or not isinstance(parts[0], frames.Hello):
            raise BadRequest("Orders that are handed back do not say whose they are.")
        key, edge, note = self.orders.signer(journal).verifier, EMPTY, b""
        receiver = Receiver(orders_of(journal), key, offered=parts[0].offered, stored=0, frontier=edge)
        staged: list[Entry] = []
        try:
            for effect in map(receiver.take, parts):
                if isinstance(effect, Stage):
                    staged += effect.entries
                elif isinstance(effect, Accept):
                    edge, note = effect.frontier, effect.note
        except Fork:
            # Nothing is said by it of the node's own history.
            raise BadRequest("Orders that are handed back are not those that central signed.") from None
        # Whatever stands behind the last checkpoint is nobody's word.
        return staged[: edge.size], edge, note


class _Again:
    """Reckons anew what is given again behind orders that a node held.

    Args:
        tx: on the archive.
        journal: the node's.
        held: the orders that are taken up.
        stopped: what the last of all that the node holds says of a quarantine.
    """

    def __init__(self, tx: Tx, journal: JournalId, held: Sequence[Entry], stopped: heldorders.Said | None) -> None:
        self._tx = tx
        self._journal = journal
        self._stopped = isinstance(stopped, k.NodeQuarantined)
        self._blocks: set[tuple[str, int]] = set()
        self._keys: set[str] = set()
        for order in held:
            self._remember(order)

    def told(self, withdrawn: Sequence[Entry]) -> list[Told]:
        """What is given again."""
        return [told for order in withdrawn if (told := self._anew(order)) is not None]

    def _remember(self, order: Entry) -> None:
        """Central knows again what it once gave: nobody else gets those numbers, no key is answered twice."""
        match body := _body(order):
            case k.NumbersLeased():
                self._blocks.add((body.prefix, body.first))
                block = {"prefix": body.prefix, "first": body.first, "last": body.last, "journal": self._journal}
                self._tx.run(_LEASED, block)
            case k.OfficerKeyCertified() | k.OfficerKeyRefused():
                self._keys.add(body.key)
                certificate = body.certificate if isinstance(body, k.OfficerKeyCertified) else None
                self._tx.run(
                    _ANSWERED,
                    {
                        "journal": self._journal,
                        "key": body.key,
                        "public_sha256": None if certificate is None else _public_sha256(certificate),
                        "certificate": certificate,
                        "answered_at": order.header.at,
                    },
                )
            case _:
                pass

    def _anew(self, order: Entry) -> Told | None:
        match body := _body(order):
            case k.NumbersLeased() if (body.prefix, body.first) in self._blocks:
                leased = registry.lease_numbers(self._tx, body.prefix, self._journal)
                return order.header.kind, encode_body(leased)
            case k.OfficerKeyCertified() | k.OfficerKeyRefused() if body.key in self._keys:
                return None
            case k.NodeQuarantined() | k.NodeReleased():
                before, self._stopped = self._stopped, isinstance(body, k.NodeQuarantined)
                return None if before == self._stopped else (order.header.kind, order.body or b"")
            case _:
                return order.header.kind, order.body or b""


def _body(order: Entry) -> Body | None:
    """What an order says; None where a later version gave it."""
    return None if order.body is None else decode_body(order.header.kind, order.body)


def _public_sha256(certificate: bytes) -> str:
    public = x509.load_der_x509_certificate(certificate).public_key()
    return hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()

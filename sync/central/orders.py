"""Central's journal of orders for each node: written here, signed by central's orders key, read by the node.

There is one key for all nodes; a checkpoint's origin, which is also the key's name in it, says which node it is for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from appliance.journal import ids
from appliance.journal.checkpoint import Checkpoint, sign_checkpoint
from appliance.journal.entry import SALT_BYTES, Entry, make_entry
from appliance.journal.ids import JournalId, Kind, orders_of, origin
from appliance.journal.kinds import Body, encode_body
from appliance.journal.notes import Signer
from appliance.journal.tree import root_at
from appliance.records.database import Tx
from appliance.records.log import Log
from appliance.records.moment import Clock, at_text
from sync import frames
from sync.frames import End, Frame, Hello
from sync.packing import Item

Told = tuple[Kind, bytes]
"""What an order says: its kind, and the exact bytes of its body."""
MAX_ORDERS: Final = 4096
MAX_ORDERS_BYTES: Final = 4 * 1024 * 1024
"""Of headers, salts and bodies in one answer; the node asks again for more."""


@dataclass(frozen=True, slots=True)
class Orders:
    """Writes and reads orders inside a transaction on the archive.

    Args:
        seed: the orders key, 32 bytes.
        clock: what time it is.
        random: gives that many random bytes.
    """

    seed: bytes = field(repr=False)
    clock: Clock
    random: Callable[[int], bytes]

    def signer(self, journal: JournalId) -> Signer:
        """What signs the orders for the node with this journal."""
        return Signer(origin(orders_of(journal)), self.seed)

    def give(self, tx: Tx, journal: JournalId, bodies: Sequence[Body]) -> tuple[list[Entry], bytes]:
        """Order something of a node.

        Args:
            tx: on the archive.
            journal: the node's journal.
            bodies: the orders.

        Returns:
            The entries, and the signed checkpoint over all orders so far.
        """
        return self.write(tx, journal, [(Kind(body.KIND), encode_body(body)) for body in bodies])

    def write(self, tx: Tx, journal: JournalId, orders: Sequence[Told]) -> tuple[list[Entry], bytes]:
        """As `give`, of orders whose bodies are written already."""
        log = Log(tx, orders_of(journal))
        frontier = log.frontier()
        at = at_text(self.clock())
        entries = [
            make_entry(
                journal=log.journal,
                seq=frontier.size + place,
                at=at,
                by=ids.CENTRAL,
                kind=kind,
                about=ids.NOBODY,
                body=body,
                salt=self.random(SALT_BYTES),
            )
            for place, (kind, body) in enumerate(orders)
        ]
        frontier = log.append(entries, frontier)
        note = self._sign(journal, frontier.size, frontier.root())
        log.set_head(frontier, note)
        return entries, note

    def frames(self, tx: Tx, journal: JournalId, start: int) -> list[Frame]:
        """The orders from `start` on, as a stream; as many as one answer holds, under a checkpoint of their own."""
        log = Log(tx, orders_of(journal))
        head = log.head()
        size = 0 if head is None else head.size
        items: list[Item] = []
        room = MAX_ORDERS_BYTES
        for entry in log.entries(start, min(size, start + MAX_ORDERS)):
            items.append((entry.header_bytes, entry.salt, entry.body))
            room -= frames.item_bytes(items[-1])
            if room <= 0:
                break
        if not items:
            return [Hello(log.journal, start), End()]
        stop = start + len(items)
        checkpoint = frames.Checkpoint(self._sign(journal, stop, root_at(stop, log.read_node)))
        return [Hello(log.journal, stop), *frames.batches(items), checkpoint, End()]

    def _sign(self, journal: JournalId, size: int, root: bytes) -> bytes:
        signer = self.signer(journal)
        return sign_checkpoint(Checkpoint(signer.name, size, root), signer)

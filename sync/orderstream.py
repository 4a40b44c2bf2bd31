"""Central's orders as a stream of frames, whichever way it came: what is new in it, and the checkpoint over that."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.journal.entry import Entry, read_entry
from appliance.journal.ids import JournalId
from appliance.journal.notes import VerifierKey
from appliance.journal.tree import Frontier
from sync import frames
from sync.frames import Checkpoint, End, Entries, Hello
from sync.session import Accept, Receiver, Stage


def read_orders(
    stream: bytes, journal: JournalId, key: VerifierKey, frontier: Frontier
) -> tuple[list[Entry], bytes] | None:
    """Hold a stream of orders against what is held.

    Args:
        stream: whole.
        journal: of the orders.
        key: central's for them.
        frontier: the right edge of those that are held.

    Returns:
        The orders behind those, and central's checkpoint over them; None where nothing is new.

    Raises:
        BadFrame, OutOfTurn, OutOfStep, WrongJournal, BadEntry, BadCheckpoint, Fork: they are not what they must be.
    """
    decoder = frames.Decoder()
    parts = list(decoder.feed(stream))
    decoder.finish()
    offered = parts[0].offered if isinstance(parts[0], Hello) else frontier.size
    receiver = Receiver(journal, key, offered=offered, stored=frontier.size, frontier=frontier)
    if offered <= frontier.size:
        return None
    orders: list[Entry] = []
    note = b""
    for part in parts:
        fresh = _fresh(part, frontier.size) if isinstance(part, Entries) else part
        effect = None if fresh is None else receiver.take(fresh)
        if isinstance(effect, Stage):
            orders += effect.entries
        elif isinstance(effect, Accept):
            note = effect.note
    return orders, note


def write_orders(journal: JournalId, orders: Sequence[Entry], size: int, note: bytes) -> bytes:
    """Orders as a stream.

    Args:
        journal: of the orders.
        orders: in their order, up to the last.
        size: how many there are with those before them.
        note: central's checkpoint over that many.
    """
    items = ((order.header_bytes, order.salt, order.body) for order in orders)
    parts: list[frames.Frame] = [Hello(journal, size), *frames.batches(items), Checkpoint(note), End()]
    return frames.PREFIX + b"".join(map(frames.encode, parts))


def _fresh(part: Entries, held: int) -> Entries | None:
    items = tuple(item for item in part.items if read_entry(*item).header.seq >= held)
    return Entries(items) if items else None

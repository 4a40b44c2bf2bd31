"""Some entries of one journal, proved against one checkpoint; and a time before which none of the later ones was there.

A cosigned checkpoint says when, at the latest, all that it covers was there: at the time of the cosignature. That an
entry was not there earlier follows from what came before it: the node's journal says at one place, as an entry of its
own, up to where it had taken central's orders, with the root of their tree. Whoever could write that root had the last
of those orders, and that one holds the time at which central wrote it. So what stands behind that place is younger.

An earlier cosignature would prove nothing of the kind, because a node can hold back what it has written already.

Pure, and each step is RFC 9162's: whoever knows SHA-256 can check it. What is proved is order and integrity; that the
times are right is as true as central's clock, and whose keys they are is the reader's question (`trust.standing`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from appliance.journal import checkpoint, ids, notes, tree
from appliance.journal.checkpoint import Checkpoint
from appliance.journal.entry import Entry, read_entry, read_header
from appliance.journal.errors import BugError, IntegrityError
from appliance.journal.ids import JournalId
from appliance.journal.notes import Note, VerifierKey
from appliance.journal.tree import NodeReader

MAX_KEYS: Final = 17
"""The journal's key and its cosigners'."""


class BadEvidence(IntegrityError):
    """Evidence that contradicts itself, lacks a part, or was changed."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, "Do not rely on it. Ask who gave it to you for it again, made anew by the centre.")


@dataclass(frozen=True, slots=True)
class Proved:
    """An entry, and the hashes that lead from it to the root."""

    entry: Entry
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A cosignature that verified."""

    key: VerifierKey
    at_s: int
    """Seconds since 1970 (POSIX), by the cosigner's clock."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A checkpoint whose signatures all verified."""

    checkpoint: Checkpoint
    journal: JournalId
    key: VerifierKey
    cosigned: tuple[Cosigned, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """One of central's orders: in the tree that central signed, and in the smaller one that the node named."""

    header: bytes
    """As it was written; what the order says is not needed."""
    note: bytes
    """Central's signed checkpoint of the orders."""
    key: VerifierKey
    path: tuple[bytes, ...]
    """To the root of the note."""
    path_then: tuple[bytes, ...]
    """To the root that the node's journal named; the order is the last of that tree."""


def keys_note(note: bytes, keys: Sequence[VerifierKey]) -> bytes:
    """A checkpoint with the signatures of these keys alone, one each, in their order.

    Raises:
        BugError: one of them has not signed it.
    """
    parsed = notes.parse_note(note)
    signatures = [parsed.of(key)[-1:] for key in keys]
    if not all(signatures):
        raise BugError("A checkpoint is not signed by a key that is to vouch for it.")
    return Note(parsed.text, tuple(each[0] for each in signatures)).encode()


def open_witness(note: bytes, keys: Sequence[VerifierKey]) -> Witness:
    """Open a checkpoint that exactly these keys signed: a node's journal's, then cosigners'.

    Raises:
        IntegrityError: one of them did not, another did, or the first is not a node's journal's.
    """
    if not 0 < len(keys) <= MAX_KEYS or len(set(keys)) != len(keys):
        raise BadEvidence("The keys of a checkpoint are not those that can sign one.")
    parsed = notes.parse_note(note)
    if [(each.name, each.key_id) for each in parsed.signatures] != [(each.name, each.key_id) for each in keys]:
        raise BadEvidence("A checkpoint is not signed by exactly the keys that are named.")
    kinds = [notes.NOTE_SIGNATURE] + [notes.COSIGNATURE] * (len(keys) - 1)
    journal = ids.journal_of(keys[0].name)
    if [each.algorithm for each in keys] != kinds or journal != ids.journal_id(keys[0].public):
        raise BadEvidence("The keys of a checkpoint are not those that can sign one.")
    head = checkpoint.open_checkpoint(note, keys[0])
    cosigned = tuple(Cosigned(each, checkpoint.open_cosignature(note, each)) for each in keys[1:])
    return Witness(head, journal, keys[0], cosigned)


def prove(entries: Sequence[Entry], size: int, read: NodeReader) -> list[Proved]:
    """Prove entries against the tree of a size.

    Raises:
        BugError: one of them does not stand before that size.
    """
    return [Proved(each, tree.inclusion_proof(each.header.seq, size, read)) for each in entries]


def read_proved(
    header: bytes, salt: bytes | None, body: bytes | None, path: Sequence[bytes], witness: Witness
) -> Proved:
    """Read an entry that is proved against a checkpoint.

    Raises:
        IntegrityError: it is no entry, of another journal, or the path does not lead to the root.
    """
    entry = read_entry(header, salt, body)
    if entry.header.journal != witness.journal:
        raise BadEvidence("An entry is of another journal than the checkpoint.")
    head = witness.checkpoint
    tree.verify_inclusion(entry.leaf, entry.header.seq, head.size, path, head.root)
    return Proved(entry, tuple(path))


def prove_order(last: Entry, size_then: int, note: bytes, key: VerifierKey, read: NodeReader) -> Order:
    """Prove the last order of those that a node had taken at a size.

    Args:
        last: the order at `size_then - 1`.
        size_then: how many orders the node said that it had taken.
        note: central's newest checkpoint of them.
        key: central's, for orders.
        read: the nodes of the orders' tree.

    Raises:
        IntegrityError: the note is not central's.
    """
    size = checkpoint.open_checkpoint(note, key).size
    index = last.header.seq
    paths = (tree.inclusion_proof(index, each, read) for each in (size, size_then))
    return Order(last.header_bytes, keys_note(note, [key]), key, *paths)


def order_time(order: Order, size_then: int, root_then: bytes, node: JournalId) -> str:
    """When central wrote the last order that a node had taken when it named this size and root.

    Returns:
        The time in the order's header, by central's clock: `YYYY-MM-DDTHH:MM:SS.mmmZ`, UTC.

    Raises:
        IntegrityError: it is not the last order of that tree, or not one that the key signed for this node.
    """
    header = read_header(order.header)
    if ids.journal_of(order.key.name) != ids.orders_of(node) or header.journal != ids.orders_of(node):
        raise BadEvidence("An order is not for the node whose journal this is.")
    witness = checkpoint.open_checkpoint(order.note, order.key)
    if keys_note(order.note, [order.key]) != order.note or header.by != ids.CENTRAL or header.seq != size_then - 1:
        raise BadEvidence("An order is not the last one that the node had taken.")
    leaf = tree.leaf_hash(order.header)
    tree.verify_inclusion(leaf, header.seq, witness.size, order.path, witness.root)
    tree.verify_inclusion(leaf, header.seq, size_then, order.path_then, root_then)
    return header.at

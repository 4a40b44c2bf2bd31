"""The Merkle tree over a journal's headers: hashing and proofs of RFC 9162, section 2.1, from stored nodes.

A node (level, index) is the root of the complete subtree over the leaves index << level to ((index + 1) << level) - 1.
It is complete, and never changes again, once the last of them is there; so it is kept with that last entry, entry
((index + 1) << level) - 1, at offset 32 * level. Reading a root or a proof takes O(log n) nodes.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from appliance.journal.errors import BugError, IntegrityError

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
MAX_SIZE: Final = 2**53
"""Leaves: as many as there are positions in a journal."""

NodeReader = Callable[[int, int], bytes]
"""Gives the stored node at (level, index)."""


class BadProof(IntegrityError):
    """A proof does not prove what it was given for."""


def leaf_hash(data: bytes) -> bytes:
    """Hash the bytes of a leaf (RFC 9162, section 2.1.1)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two nodes into the one above them (RFC 9162, section 2.1.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def node_place(level: int, index: int) -> tuple[int, int]:
    """Say where a node is kept: the position of the entry, and the offset in bytes among that entry's nodes."""
    return ((index + 1) << level) - 1, HASH_BYTES * level


@dataclass(frozen=True, slots=True)
class Frontier:
    """All that appending needs: the roots of the complete subtrees, from left (largest) to right."""

    size: int
    peaks: tuple[bytes, ...]

    def append(self, leaf: bytes) -> tuple[Frontier, bytes]:
        """Add a leaf.

        Args:
            leaf: its hash, 32 bytes.

        Returns:
            The frontier after it, and the nodes that it completes, from the leaf upward: 32 bytes each.
        """
        node, nodes, kept, ones = leaf, leaf, len(self.peaks), self.size
        while ones & 1:
            kept -= 1
            node = node_hash(self.peaks[kept], node)
            nodes += node
            ones >>= 1
        return Frontier(self.size + 1, (*self.peaks[:kept], node)), nodes

    def root(self) -> bytes:
        """The root of the whole tree."""
        return _root(self.peaks)


# A commit asks for the same root several times: of the edge it found, and of the one it leaves.
@functools.lru_cache(maxsize=8)
def _root(peaks: tuple[bytes, ...]) -> bytes:
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


EMPTY: Final = Frontier(0, ())


def frontier_at(size: int, read: NodeReader) -> Frontier:
    """Read the frontier of the tree as it was at a size.

    Raises:
        BugError: `size` is out of bounds.
    """
    _check_size(size)
    return Frontier(size, tuple(_peaks(0, size, read)))


def root_at(size: int, read: NodeReader) -> bytes:
    """Read the root of the tree as it was at a size.

    Raises:
        BugError: `size` is out of bounds.
    """
    return frontier_at(size, read).root()


def inclusion_proof(index: int, size: int, read: NodeReader) -> tuple[bytes, ...]:
    """Prove that a leaf stands in the tree (RFC 9162, section 2.1.3.1).

    Args:
        index: the leaf's position, from 0.
        size: the tree's size, above `index`.
        read: the stored nodes.

    Raises:
        BugError: `size` is out of bounds, or `index` is not below it.
    """
    _check_size(size)
    if not 0 <= index < size:
        raise BugError("Only a leaf within the tree has an inclusion proof.")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_root(middle, end, read))
            end = middle
        else:
            path.append(_range_root(start, middle, read))
            start = middle
    return tuple(reversed(path))


def consistency_proof(old: int, new: int, read: NodeReader) -> tuple[bytes, ...]:
    """Prove that the tree at one size begins with the tree at a smaller one (RFC 9162, section 2.1.4.1).

    The proof is empty from size 0, and between equal sizes.

    Raises:
        BugError: `new` is out of bounds, or `old` is not between 0 and `new`.
    """
    _check_size(new)
    if not 0 <= old <= new:
        raise BugError("A consistency proof leads from a smaller tree to a larger one.")
    if old in (0, new):
        return ()
    path: list[bytes] = []
    start, end = 0, new
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range_root(middle, end, read))
            end = middle
        else:
            path.append(_range_root(start, middle, read))
            start = middle
    if start > 0:
        path.append(_range_root(start, end, read))
    return tuple(reversed(path))


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check an inclusion proof (RFC 9162, section 2.1.3.2).

    Args:
        leaf: the leaf's hash.
        index: its position, from 0.
        size: the tree's size.
        proof: what `inclusion_proof` gave.
        root: the tree's root.

    Raises:
        BadProof: it does not prove that the leaf stands at `index` in the tree of that size and root.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise BadProof("An inclusion proof is for a position outside the tree.")
    _check_hashes(leaf, root, *proof)
    fn, sn, node = index, size - 1, leaf
    for sibling in proof:
        if sn == 0:
            raise BadProof("An inclusion proof is too long.")
        if fn & 1 or fn == sn:
            node = node_hash(sibling, node)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            node = node_hash(node, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise BadProof("An inclusion proof is too short.")
    if node != root:
        raise BadProof("An inclusion proof leads to another root.")


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check a consistency proof (RFC 9162, section 2.1.4.2).

    Raises:
        BadProof: it does not prove that the tree of `new_size` and `new_root` begins with that of `old_size` and
            `old_root`.
    """
    if not 0 <= old_size <= new_size <= MAX_SIZE:
        raise BadProof("A consistency proof is for sizes out of order.")
    _check_hashes(old_root, new_root, *proof)
    if old_size in (0, new_size):
        if proof:
            raise BadProof("A consistency proof is too long.")
        if old_root != (new_root if old_size else EMPTY_ROOT):
            raise BadProof("Two trees of the same size have different roots.")
        if new_size == 0 and new_root != EMPTY_ROOT:
            raise BadProof("An empty tree has a root that is not its own.")
        return
    # A power of two is one complete subtree: its root is the old root, and the proof leaves it out.
    path = (old_root, *proof) if old_size & (old_size - 1) == 0 else tuple(proof)
    if not path:
        raise BadProof("A consistency proof is too short.")
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old_node = new_node = path[0]
    for sibling in path[1:]:
        if sn == 0:
            raise BadProof("A consistency proof is too long.")
        if fn & 1 or fn == sn:
            old_node, new_node = node_hash(sibling, old_node), node_hash(sibling, new_node)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            new_node = node_hash(new_node, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise BadProof("A consistency proof is too short.")
    if old_node != old_root:
        raise BadProof("A consistency proof leads to another old root.")
    if new_node != new_root:
        raise BadProof("A consistency proof leads to another new root.")


def _split(width: int) -> int:
    """The largest power of two below `width` (RFC 9162, section 2.1.1)."""
    return 1 << (width - 1).bit_length() - 1


def _peaks(start: int, end: int, read: NodeReader) -> list[bytes]:
    """The complete subtrees that make up the leaves from `start` to before `end`; `start` is a multiple of each."""
    peaks: list[bytes] = []
    while start < end:
        level = (end - start).bit_length() - 1
        peaks.append(read(level, start >> level))
        start += 1 << level
    return peaks


def _range_root(start: int, end: int, read: NodeReader) -> bytes:
    """The root over the leaves from `start` to before `end`, a subtree that a split of the whole tree leads to."""
    return Frontier(end - start, tuple(_peaks(start, end, read))).root()


def _check_size(size: int) -> None:
    if not 0 <= size <= MAX_SIZE:
        raise BugError("The size of a tree is out of bounds.")


def _check_hashes(*hashes: bytes) -> None:
    if any(len(digest) != HASH_BYTES for digest in hashes):
        raise BadProof(f"A hash in a proof does not have {HASH_BYTES} bytes.")

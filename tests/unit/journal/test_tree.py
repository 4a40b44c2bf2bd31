"""The tree against published vectors, and against the definitions of RFC 9162 written out as they stand there."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.journal import tree
from appliance.journal.errors import BugError
from appliance.journal.tree import BadProof, Frontier
from tests.vectors import VECTORS

PUBLISHED: dict[str, Any] = json.loads((VECTORS / "merkle.json").read_text(encoding="utf-8"))
LEAVES = [bytes.fromhex(each) for each in PUBLISHED["leaves"]]


class Stored:
    """Nodes kept as a store keeps them, which counts what is read."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.rows: list[bytes] = []
        self.reads = 0
        self.frontiers = [tree.EMPTY]
        for leaf in leaves:
            frontier, nodes = self.frontiers[-1].append(leaf)
            self.rows.append(nodes)
            self.frontiers.append(frontier)

    def read(self, level: int, index: int) -> bytes:
        self.reads += 1
        seq, offset = tree.node_place(level, index)
        node = self.rows[seq][offset : offset + 32]
        assert len(node) == 32
        return node


def naive_split(width: int) -> int:
    power = 1
    while power * 2 < width:
        power *= 2
    return power


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH of section 2.1.1, over leaf hashes."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    at = naive_split(len(leaves))
    return hashlib.sha256(b"\x01" + naive_root(leaves[:at]) + naive_root(leaves[at:])).digest()


def naive_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    at = naive_split(len(leaves))
    if index < at:
        return [*naive_path(index, leaves[:at]), naive_root(leaves[at:])]
    return [*naive_path(index - at, leaves[at:]), naive_root(leaves[:at])]


def naive_subproof(old: int, leaves: list[bytes], complete: bool) -> list[bytes]:
    """SUBPROOF of section 2.1.4.1."""
    if old == len(leaves):
        return [] if complete else [naive_root(leaves)]
    at = naive_split(len(leaves))
    if old <= at:
        return [*naive_subproof(old, leaves[:at], complete), naive_root(leaves[at:])]
    return [*naive_subproof(old - at, leaves[at:], False), naive_root(leaves[:at])]


def leaves_of(size: int) -> list[bytes]:
    return [tree.leaf_hash(b"%d" % each) for each in range(size)]


def test_hashes_are_the_published_ones() -> None:
    hashes = {name: bytes.fromhex(each) for name, each in PUBLISHED["hashes"].items()}
    assert hashes["empty_root"] == tree.EMPTY_ROOT == tree.EMPTY.root()
    assert hashes["empty_leaf"] == tree.leaf_hash(b"")
    assert hashes["leaf_L123456"] == tree.leaf_hash(b"L123456")
    assert hashes["node_N123_N456"] == tree.node_hash(b"N123", b"N456")


def test_the_published_tree_grows_to_the_published_nodes_and_roots() -> None:
    stored = Stored([tree.leaf_hash(each) for each in LEAVES])
    assert [each.root().hex() for each in stored.frontiers] == PUBLISHED["roots"]
    for level, row in enumerate(PUBLISHED["nodes"]):
        assert [stored.read(level, index).hex() for index in range(len(row))] == row


@pytest.mark.parametrize("probe", PUBLISHED["inclusion"], ids=lambda probe: probe["file"].partition("/")[2])
def test_published_inclusion_probes_are_judged_as_published(probe: dict[str, Any]) -> None:
    decode = base64.b64decode
    root, leaf = decode(probe["root"] or ""), decode(probe["leafHash"] or "")
    proof = [decode(each) for each in probe["proof"] or []]

    def check() -> None:
        tree.verify_inclusion(leaf, probe["leafIdx"], probe["treeSize"], proof, root)

    judge(check, probe["wantErr"])


@pytest.mark.parametrize("probe", PUBLISHED["consistency"], ids=lambda probe: probe["file"].partition("/")[2])
def test_published_consistency_probes_are_judged_as_published(probe: dict[str, Any]) -> None:
    decode = base64.b64decode
    proof = [decode(each) for each in probe["proof"] or []]

    roots = decode(probe["root1"] or ""), decode(probe["root2"] or "")

    def check() -> None:
        tree.verify_consistency(probe["size1"], probe["size2"], *roots, proof)

    # One probe that should pass has the text "don't care 2" for both roots; here, what is no hash is never a root.
    judge(check, probe["wantErr"] or any(len(each) != 32 for each in roots))


def judge(check: Callable[[], None], refused: bool) -> None:
    if refused:
        with pytest.raises(BadProof):
            check()
    else:
        check()


def test_every_root_and_proof_up_to_70_leaves_is_that_of_the_definitions() -> None:
    leaves = leaves_of(70)
    stored = Stored(leaves)
    for size in range(71):
        assert tree.root_at(size, stored.read) == naive_root(leaves[:size]) == stored.frontiers[size].root()
        assert tree.frontier_at(size, stored.read) == stored.frontiers[size]
        for index in range(size):
            proof = tree.inclusion_proof(index, size, stored.read)
            assert list(proof) == naive_path(index, leaves[:size])
            tree.verify_inclusion(leaves[index], index, size, proof, stored.frontiers[size].root())
        for old in range(1, size + 1):
            steps = tree.consistency_proof(old, size, stored.read)
            assert list(steps) == naive_subproof(old, leaves[:size], True)
            tree.verify_consistency(old, size, stored.frontiers[old].root(), stored.frontiers[size].root(), steps)
        tree.verify_consistency(0, size, tree.EMPTY_ROOT, stored.frontiers[size].root(), ())


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_larger_trees_are_those_of_the_definitions(data: st.DataObject) -> None:
    size = data.draw(st.integers(71, 1500))
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    leaves = leaves_of(size)
    stored = Stored(leaves)
    assert stored.frontiers[-1].root() == naive_root(leaves)
    assert list(tree.inclusion_proof(index, size, stored.read)) == naive_path(index, leaves)
    assert list(tree.consistency_proof(old, size, stored.read)) == naive_subproof(old, leaves, True)


def test_reading_takes_a_number_of_nodes_that_grows_with_the_logarithm() -> None:
    sizes = [1, 2, 3, 1000, 2**20 - 1, 2**20, 2**20 + 1, 2**40 - 1, 2**53]
    reads = 0

    def read(level: int, index: int) -> bytes:
        nonlocal reads
        reads += 1
        seq, offset = tree.node_place(level, index)
        assert seq < size
        assert 0 <= offset <= 32 * 53
        return bytes(32)

    for size in sizes:
        bound = 2 * size.bit_length()
        for index in {0, size // 3, size // 2, size - 1}:
            reads = 0
            tree.inclusion_proof(index, size, read)
            assert reads <= bound
            reads = 0
            tree.consistency_proof(index + 1, size, read)
            assert reads <= bound
        reads = 0
        tree.root_at(size, read)
        assert reads <= size.bit_length()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_wrong_inclusion_proof_is_refused(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 40))
    index = data.draw(st.integers(0, size - 1))
    stored = Stored(leaves_of(size))
    proof = list(tree.inclusion_proof(index, size, stored.read))
    leaf, root = stored.rows[index][:32], stored.frontiers[-1].root()
    tree.verify_inclusion(leaf, index, size, proof, root)
    wrong = data.draw(st.sampled_from(["leaf", "index", "size", "root", "extra", "missing", "flip", "swap", "short"]))
    if wrong == "leaf":
        leaf = tree.leaf_hash(b"other")
    elif wrong == "index":
        index = data.draw(st.integers(-2, size + 70).filter(lambda other: other != index))
    elif wrong == "size":
        size = data.draw(st.integers(-1, index))
    elif wrong == "root":
        root = tree.leaf_hash(root)
    elif wrong == "extra":
        proof.insert(data.draw(st.integers(0, len(proof))), data.draw(st.sampled_from([root, leaf, bytes(32)])))
    elif not proof:
        return
    else:
        at = data.draw(st.integers(0, len(proof) - 1))
        if wrong == "missing":
            del proof[at]
        elif wrong == "flip":
            proof[at] = bytes([proof[at][0] ^ 1]) + proof[at][1:]
        elif wrong == "swap":
            other = data.draw(st.integers(0, len(proof) - 1))
            if proof[at] == proof[other]:
                return
            proof[at], proof[other] = proof[other], proof[at]
        else:
            proof[at] = proof[at][:-1]
    with pytest.raises(BadProof):
        tree.verify_inclusion(leaf, index, size, proof, root)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_wrong_consistency_proof_is_refused(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, 40))
    old = data.draw(st.integers(0, new))
    stored = Stored(leaves_of(new))
    proof = list(tree.consistency_proof(old, new, stored.read))
    old_root, new_root = stored.frontiers[old].root(), stored.frontiers[new].root()
    tree.verify_consistency(old, new, old_root, new_root, proof)
    wrong = data.draw(st.sampled_from(["old root", "new root", "extra", "missing", "flip", "order", "bounds"]))
    if wrong == "old root":
        old_root = tree.leaf_hash(old_root)
    elif wrong == "new root" and old:
        new_root = tree.leaf_hash(new_root)
    elif wrong == "extra":
        proof.insert(data.draw(st.integers(0, len(proof))), data.draw(st.sampled_from([old_root, new_root])))
    elif wrong == "order" and old != new:
        old, new, old_root, new_root = new, old, new_root, old_root
    elif wrong == "bounds":
        new = tree.MAX_SIZE + 1
    elif not proof:
        return
    elif wrong == "missing":
        del proof[data.draw(st.integers(0, len(proof) - 1))]
    else:
        at = data.draw(st.integers(0, len(proof) - 1))
        proof[at] = bytes([proof[at][0] ^ 1]) + proof[at][1:]
    with pytest.raises(BadProof):
        tree.verify_consistency(old, new, old_root, new_root, proof)


def test_a_proof_that_goes_on_beyond_the_root_is_refused_even_if_the_root_was_made_to_fit() -> None:
    leaf, extra = leaves_of(2)
    for root in (tree.node_hash(extra, leaf), tree.node_hash(leaf, extra)):
        with pytest.raises(BadProof, match="too long"):
            tree.verify_inclusion(leaf, 0, 1, [extra], root)
    stored = Stored(leaves_of(3))
    old, new = stored.frontiers[2].root(), stored.frontiers[3].root()
    proof = [*tree.consistency_proof(2, 3, stored.read), extra]
    for old_root, new_root in ((old, tree.node_hash(extra, new)), (tree.node_hash(extra, old), new)):
        with pytest.raises(BadProof, match="too long"):
            tree.verify_consistency(2, 3, old_root, new_root, proof)


def test_sizes_out_of_order_or_bounds_prove_nothing() -> None:
    root = leaves_of(1)[0]
    for old, new in ((2, 1), (-1, 1), (0, -1), (1, tree.MAX_SIZE + 1)):
        with pytest.raises(BadProof, match="out of order"):
            tree.verify_consistency(old, new, root, root, ())


def test_an_empty_tree_has_one_root() -> None:
    tree.verify_consistency(0, 0, tree.EMPTY_ROOT, tree.EMPTY_ROOT, ())
    for roots in ((tree.EMPTY_ROOT, leaves_of(1)[0]), (leaves_of(1)[0], tree.EMPTY_ROOT), (leaves_of(1)[0],) * 2):
        with pytest.raises(BadProof):
            tree.verify_consistency(0, 0, *roots, ())


def test_a_fork_cannot_be_proved_consistent() -> None:
    honest, forked = Stored(leaves_of(20)), Stored([*leaves_of(9), tree.leaf_hash(b"forged"), *leaves_of(20)[10:]])
    for old in range(10, 20):
        proof = tree.consistency_proof(old, 20, forked.read)
        with pytest.raises(BadProof):
            tree.verify_consistency(old, 20, honest.frontiers[old].root(), forked.frontiers[20].root(), proof)


def test_asking_for_what_is_outside_the_tree_is_our_mistake() -> None:
    stored = Stored(leaves_of(3))
    for index, size in [(3, 3), (-1, 3), (0, 0), (0, tree.MAX_SIZE + 1)]:
        with pytest.raises(BugError):
            tree.inclusion_proof(index, size, stored.read)
    for old, new in [(4, 3), (-1, 3), (0, -1)]:
        with pytest.raises(BugError):
            tree.consistency_proof(old, new, stored.read)
    with pytest.raises(BugError):
        tree.root_at(-1, stored.read)


def test_a_frontier_is_a_value() -> None:
    first = tree.EMPTY.append(leaves_of(1)[0])[0]
    first.append(leaves_of(2)[1])
    assert first == Frontier(1, (leaves_of(1)[0],))

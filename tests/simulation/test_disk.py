"""The disk that loses power keeps what was synced, may keep or lose the rest, and does both."""

from __future__ import annotations

import random
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from tests.simulation.disk import SECTOR, Disk
from tests.simulation.fate import content_after, draw_fate, tree_after
from tests.simulation.operations import (
    Create,
    Link,
    MakeFolder,
    Operation,
    Recording,
    Rename,
    Resize,
    Say,
    Sync,
    Unlink,
    Write,
)

LOSSES = 600
OLD, NEW = b"o" * SECTOR, b"n" * SECTOR


def _after(files: dict[str, bytes], *operations: Operation, losses: int = LOSSES) -> Iterator[dict[str, bytes | None]]:
    folders = tuple(sorted({name.rpartition("/")[0] for name in files} - {""}))
    disk = Disk(Recording(folders, files, operations))
    disk.advance(len(operations))
    for seed in range(losses):
        fate = draw_fate(random.Random(seed), disk)
        yield {path: content_after(file, fate) if file else None for path, file in tree_after(disk, fate)}


def test_what_was_synced_is_always_there() -> None:
    operations = (Create("a", empty=True), Write("a", 0, NEW), Write("a", 700, b"x"), Sync("a"), Sync(""))
    assert all(tree == {"a": NEW + bytes(188) + b"x"} for tree in _after({}, *operations))


def test_a_file_synced_under_a_name_that_was_not_may_be_gone() -> None:
    trees = list(_after({}, Create("a", empty=True), Write("a", 0, b"x"), Sync("a")))
    assert {"a": b"x"} in trees
    assert {} in trees
    assert all(tree in ({"a": b"x"}, {}) for tree in trees)


def test_a_write_that_was_not_synced_is_there_or_not_or_torn_between_sectors_in_any_order() -> None:
    seen = {tree["a"] for tree in _after({"a": OLD * 3}, Write("a", 0, NEW * 3))}
    assert seen == {one + two + three for one in (OLD, NEW) for two in (OLD, NEW) for three in (OLD, NEW)}


def test_a_sector_holds_what_the_file_held_after_some_write_and_never_a_mixture() -> None:
    seen = {tree["a"] for tree in _after({"a": OLD}, Write("a", 0, b"1"), Write("a", 9, b"2"), Write("a", 0, b"3"))}
    first = b"1" + OLD[1:]
    second = first[:9] + b"2" + first[10:]
    assert seen == {OLD, first, second, b"3" + second[1:]}


def test_a_longer_file_may_show_its_size_before_its_content() -> None:
    seen = {tree["a"] for tree in _after({"a": OLD}, Write("a", SECTOR, NEW))}
    assert seen == {OLD, OLD + NEW, OLD + bytes(SECTOR), OLD + OLD}


def test_a_shorter_file_may_still_have_its_old_size() -> None:
    seen = {tree["a"] for tree in _after({"a": OLD + NEW}, Resize("a", 3))}
    assert seen == {OLD + NEW, OLD[:3]}
    assert {tree["a"] for tree in _after({"a": OLD + NEW}, Resize("a", 3), Resize("a", 700), Sync("a"))} == {
        OLD[:3] + bytes(697)
    }


def test_a_rename_happens_whole_or_not_at_all() -> None:
    trees = list(_after({"a": NEW, "b": OLD}, Rename("a", "b")))
    assert {"a": NEW, "b": OLD} in trees
    assert {"b": NEW} in trees
    assert all(tree in ({"a": NEW, "b": OLD}, {"b": NEW}) for tree in trees)


def test_a_rename_into_another_folder_never_loses_the_file() -> None:
    before: dict[str, bytes] = {"part/a": NEW, "kept/z": OLD}
    for syncs in ((), (Sync("part"),), (Sync("kept"),)):
        trees = list(_after(before, Rename("part/a", "kept/a"), *syncs))
        assert all(NEW in (tree.get("part/a"), tree.get("kept/a")) for tree in trees)
        assert any("part/a" in tree for tree in trees)
        assert any("kept/a" in tree for tree in trees)
    both = list(_after(before, Rename("part/a", "kept/a"), Sync("kept"), Sync("part")))
    assert all(tree.keys() == {"part", "kept", "kept/a", "kept/z"} for tree in both)


def test_a_folder_whose_name_was_not_synced_may_take_everything_with_it() -> None:
    made = (MakeFolder("d"), Create("d/a", empty=True), Write("d/a", 0, b"x"), Sync("d/a"), Sync("d"))
    trees = list(_after({}, *made))
    assert {} in trees
    assert {"d": None, "d/a": b"x"} in trees
    assert all(tree == {"d": None, "d/a": b"x"} for tree in _after({}, *made, Sync("")))


def test_a_removed_file_may_come_back_until_its_folder_is_synced() -> None:
    trees = list(_after({"a": OLD}, Unlink("a")))
    assert {} in trees
    assert {"a": OLD} in trees
    assert all(tree == {} for tree in _after({"a": OLD}, Unlink("a"), Sync("")))


def test_a_second_name_leads_to_the_same_file() -> None:
    operations = (Link("a", "b"), Sync(""), Unlink("a"), Sync(""), Write("b", 0, NEW), Sync("b"))
    assert all(tree == {"b": NEW} for tree in _after({"a": OLD}, *operations))


NAMES = st.sampled_from(("a", "b"))
STEPS = st.one_of(
    st.builds(Write, NAMES, st.integers(0, 3000) | st.none(), st.binary(min_size=1, max_size=1500)),
    st.builds(Resize, NAMES, st.integers(0, 3000)),
    st.builds(Sync, NAMES),
)


@given(st.lists(STEPS, max_size=20), st.integers())
def test_after_a_sync_of_everything_the_disk_holds_what_programs_saw(steps: list[Operation], seed: int) -> None:
    seen: dict[str, bytearray] = {"a": bytearray(b"before"), "b": bytearray()}
    for step in steps:
        match step:
            case Write(path, offset, data):
                start = len(seen[path]) if offset is None else offset
                seen[path].extend(bytes(max(0, start + len(data) - len(seen[path]))))
                seen[path][start : start + len(data)] = data
            case Resize(path, size):
                seen[path] = seen[path][:size].ljust(size, b"\0")
            case _:
                pass
    files = {"a": b"before", "b": b""}
    for tree in _after(files, *steps, Say("ack"), Sync("a"), Sync("b"), losses=2):
        assert tree == {path: bytes(content) for path, content in seen.items()}

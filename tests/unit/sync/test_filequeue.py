"""Which file goes over what: the most urgent first, no file with two carriers, nothing lost where a lane breaks."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.journal.ids import BlobDigest
from sync.filequeue import FileQueue, Share

ONE, TWO, THREE = (BlobDigest(digit * 64) for digit in "123")
SIZE = 10


def queue(*digests: BlobDigest, stored: int = 5) -> FileQueue:
    made = FileQueue(lambda digest: int(digest[0]), stored)
    made.wanted(Share(digest, 0) for digest in digests)
    return made


def test_the_stream_takes_the_most_urgent_file_and_lanes_the_next_ones() -> None:
    files = queue(THREE, ONE, TWO)
    assert files.first() == Share(ONE, 0)
    assert files.lend() == Share(TWO, 0)
    assert files.lend() == Share(THREE, 0)
    assert files.lend() is None
    assert files.left == {ONE, TWO, THREE}


def test_the_stream_takes_nothing_that_a_lane_has() -> None:
    files = queue(ONE, TWO)
    assert files.lend() == Share(ONE, 0)
    assert files.first() == Share(TWO, 0)


def test_a_lane_takes_nothing_that_the_stream_has_begun_though_it_turned_to_something_urgent() -> None:
    files = queue(TWO)
    begun = files.first()
    assert begun is not None
    files.sent(begun, 4, SIZE)
    files.wanted([Share(ONE, 0)])
    assert files.first() == Share(ONE, 0)
    assert files.lend() is None
    files.drop(ONE)
    assert files.first() == Share(TWO, 4)


def test_a_lane_takes_no_file_before_central_knows_its_entry() -> None:
    """The entry may come later over the stream than the file over the lane, and would be a reproach."""
    files = queue(stored=7)
    files.named(ONE, 7)
    assert files.lend() is None
    assert not files.has_some_to_lend
    files.stored(8)
    assert files.lend() == Share(ONE, 0)


def test_what_central_asks_for_it_knows() -> None:
    files = queue(stored=7)
    files.named(ONE, 7)
    files.wanted([Share(ONE, 3)])
    assert files.lend() == Share(ONE, 0)


def test_what_a_lane_gives_back_goes_on_where_it_was_over_whatever_is_next() -> None:
    files = queue(ONE)
    assert files.lend() == Share(ONE, 0)
    files.give_back(Share(ONE, 6))
    assert files.first() == Share(ONE, 6)


def test_what_was_on_a_broken_lane_waits_until_central_says_how_much_it_has() -> None:
    files = queue(ONE, TWO)
    for digest in (files.lend(), files.lend()):
        assert digest is not None
    files.sent(Share(TWO, 0), SIZE, SIZE)
    files.lose(ONE)
    files.lose(TWO)
    assert files.first() is None
    assert files.lend() is None
    assert files.left == {ONE, TWO}
    files.wanted([Share(ONE, 4)], whole=True)
    assert files.left == {ONE}
    assert files.lend() == Share(ONE, 4)


def test_a_short_list_says_nothing_of_what_it_does_not_name() -> None:
    files = queue(ONE)
    files.lend()
    files.lose(ONE)
    files.wanted([Share(TWO, 0)])
    assert files.left == {ONE, TWO}
    assert files.has_astray


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_however_lanes_break_every_file_arrives_and_is_with_one_carrier_at_a_time(data: st.DataObject) -> None:
    sizes = {
        BlobDigest(f"{place:064x}"): data.draw(st.integers(1, 30)) for place in range(data.draw(st.integers(1, 6)))
    }
    files = FileQueue(lambda digest: data.draw(st.integers(0, 2)), 0)
    files.wanted(Share(digest, 0) for digest in sizes)
    central = dict.fromkeys(sizes, 0)
    lanes: dict[int, Share] = {}
    for step in range(1000):
        choice = data.draw(st.integers(0, 3)) if step < 60 else 3
        lane = data.draw(st.integers(1, 2))
        held = lanes.get(lane)
        if choice == 0 and held is None and (share := files.lend()) is not None:
            assert share.digest not in {each.digest for each in lanes.values()}
            lanes[lane] = share
        elif choice == 1 and held is not None:
            assert held.offset <= central[held.digest]
            count = min(data.draw(st.integers(1, 9)), sizes[held.digest] - held.offset)
            central[held.digest] = max(central[held.digest], held.offset + count)
            files.sent(held, count, sizes[held.digest])
            lanes[lane] = Share(held.digest, held.offset + count)
            if held.offset + count == sizes[held.digest]:
                del lanes[lane]
        elif choice == 2 and held is not None:
            files.lose(held.digest)
            del lanes[lane]
        elif step >= 60 and lanes:
            files.lose(lanes.popitem()[1].digest)
        elif files.has_astray:
            lacking = [Share(digest, count) for digest, count in central.items() if count < sizes[digest]]
            files.wanted(lacking, whole=True)
        elif (share := files.first()) is not None:
            assert share.digest not in {each.digest for each in lanes.values()}
            assert share.offset <= central[share.digest]
            count = min(7, sizes[share.digest] - share.offset)
            files.sent(share, count, sizes[share.digest])
            central[share.digest] = max(central[share.digest], share.offset + count)
    assert central == sizes
    assert not files.left

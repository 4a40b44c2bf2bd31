"""When central has something to say to a node that asks for news."""

from __future__ import annotations

from appliance.journal.ids import BlobDigest
from sync.central.news import lacks, told
from sync.session import CentralState, Wanted
from sync.wire import FEW_WANTED, Known, StateAnswer

WANTED = Wanted(BlobDigest("0f" * 32), 0)


def answer(*wanted: Wanted) -> StateAnswer:
    return StateAnswer.of(CentralState(0, 0, None, wanted, 0), "", version=2, session="s" * 22)


def known(*, wanted: int, busy: int) -> Known:
    return Known(cosigned=0, orders=0, wanted=wanted, busy=busy, spoilt=0)


def test_a_busy_node_need_not_hear_of_each_file_that_arrived() -> None:
    assert not lacks(known(wanted=2, busy=1), answer(WANTED))
    assert lacks(known(wanted=2, busy=0), answer(WANTED))


def test_a_busy_node_hears_that_all_of_them_have_arrived_once() -> None:
    assert lacks(known(wanted=2, busy=1), answer())
    assert not lacks(known(wanted=0, busy=1), answer())


def test_a_busy_node_is_told_the_next_few_files_only() -> None:
    full = answer(*(Wanted(BlobDigest(f"{at:064x}"), 0) for at in range(100)))
    assert told(known(wanted=0, busy=0), full) == full
    assert told(known(wanted=0, busy=1), full).wanted == full.wanted[:FEW_WANTED]

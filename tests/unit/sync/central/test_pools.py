"""One node's requests wait for each other, and what is slow holds up only its like."""

from __future__ import annotations

import asyncio
from threading import Event

import pytest

from appliance.journal.ids import journal_id
from sync.central.pools import THREADS, Pools, Shares, Work
from sync.refusals import Busy

ONE, OTHER = journal_id(bytes(32)), journal_id(b"o" * 32)


def test_a_node_has_its_share_and_no_more_and_another_has_its_own() -> None:
    async def scene() -> list[str]:
        shares, told, go = Shares(2, 1), list[str](), asyncio.Event()

        async def work(name: str) -> None:
            async with shares.of(ONE):
                told.append(name)
                await go.wait()

        tasks = [asyncio.create_task(work(name)) for name in "abc"]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await work("d")
        async with shares.of(OTHER):
            told.append("other")
        go.set()
        await asyncio.gather(*tasks)
        assert not shares._nodes
        return told

    assert asyncio.run(scene()) == ["a", "b", "other", "c"]


def test_whoever_gives_up_while_waiting_leaves_its_place() -> None:
    async def scene() -> None:
        shares = Shares(1, 1)
        async with shares.of(ONE):
            waiting = asyncio.create_task(shares.of(ONE).__aenter__())
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        assert not shares._nodes
        async with shares.of(ONE):
            pass

    asyncio.run(scene())


def test_every_sort_of_work_goes_on_while_all_threads_of_the_others_are_held() -> None:
    async def scene() -> None:
        pools, held = Pools(), Event()
        for free in Work:
            held.clear()
            others = [pools.run(work, held.wait) for work in Work if work is not free for _ in range(THREADS[work])]
            tasks = [asyncio.ensure_future(each) for each in others]
            await asyncio.sleep(0)
            assert await asyncio.wait_for(pools.run(free, lambda: "done"), 30) == "done"
            held.set()
            await asyncio.gather(*tasks)
        pools.close()

    asyncio.run(scene())

"""What becomes of a body that arrives in odd ways: nothing that was received is lost, nothing waits for ever."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import pytest

from appliance.journal.errors import IntegrityError, SanadError
from appliance.journal.ids import JournalId
from sync.central import inflow
from sync.central.inflow import Body, Inflow, Turns, pump, read_body, read_lane
from sync.refusals import BadRequest, Busy, Cut, TakenOver, TooSlow
from sync.wire import MAX_LANES

Message = MutableMapping[str, Any]
NODE = JournalId("a" * 26)


def body(data: bytes, *, more: bool = True) -> Message:
    return {"type": "http.request", "body": data, "more_body": more}


GONE: Message = {"type": "http.disconnect"}


class Client:
    """Gives its messages, and then is silent for ever."""

    def __init__(self, *messages: Message) -> None:
        self.messages = list(messages)
        self.asked = 0

    async def __call__(self) -> Message:
        self.asked += 1
        await asyncio.sleep(0)
        if not self.messages:
            await asyncio.Event().wait()
        return self.messages.pop(0)


def pumped(client: Client, feed: Callable[[bytes], Awaitable[None]]) -> None:
    async def run() -> None:
        await pump(Body(client), Inflow(), feed)

    asyncio.run(run())


def collect(client: Client) -> tuple[bytes, SanadError | None]:
    taken = bytearray()

    async def feed(data: bytes) -> None:
        taken.extend(data)

    try:
        pumped(client, feed)
    except SanadError as error:
        return bytes(taken), error
    return bytes(taken), None


def test_a_body_is_given_whole() -> None:
    assert collect(Client(body(b"ab"), body(b""), body(b"cd"), body(b"", more=False))) == (b"abcd", None)


def test_an_empty_body_ends() -> None:
    assert collect(Client(body(b"", more=False))) == (b"", None)


def test_what_came_before_a_client_vanished_is_given_first() -> None:
    taken, error = collect(Client(body(b"ab"), body(b"cd"), GONE))
    assert taken == b"abcd"
    assert isinstance(error, Cut)


def test_what_came_before_a_client_fell_silent_is_given_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflow, "READ_TIMEOUT_S", 0.01)
    taken, error = collect(Client(body(b"ab")))
    assert taken == b"ab"
    assert isinstance(error, TooSlow)


def test_no_more_is_received_than_the_bound_while_the_thread_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflow, "MAX_HELD", 4)
    client = Client(*[body(b"abc")] * 9, body(b"", more=False))
    asked: list[int] = []

    async def feed(_data: bytes) -> None:
        for _ in range(50):
            await asyncio.sleep(0)
        asked.append(client.asked)

    pumped(client, feed)
    assert all(later - earlier <= 2 for earlier, later in itertools.pairwise(asked))
    assert client.asked == 10


def drained(client: Client) -> int:
    """How many messages are left when a refused body was drained."""
    asyncio.run(Body(client).drain())
    return len(client.messages)


def test_of_a_refused_body_a_bounded_rest_is_read_so_that_its_sender_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflow, "DRAIN_BYTES", 5)
    assert drained(Client(*[body(b"abc")] * 100)) == 98
    assert drained(Client(body(b"abc"), body(b"d", more=False), body(b"next"))) == 1
    assert drained(Client(body(b"abc"), GONE, body(b"next"))) == 1


def test_a_refused_body_that_stalls_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflow, "DRAIN_TIMEOUT_S", 0.01)
    assert drained(Client(body(b"abc"))) == 0


def test_what_the_thread_refuses_ends_the_stream_at_once() -> None:
    async def refuse(_data: bytes) -> None:
        raise IntegrityError("No.")

    endless = Client(*[body(b"abc")] * 100)
    with pytest.raises(IntegrityError):
        pumped(endless, refuse)
    assert len(endless.messages) > 90


def test_a_small_body_is_read_whole_within_its_bound() -> None:
    assert asyncio.run(read_body(Body(Client(body(b"ab"), body(b"c", more=False))), 3)) == b"abc"
    with pytest.raises(BadRequest):
        asyncio.run(read_body(Body(Client(body(b"ab"), body(b"cd", more=False))), 3))


def test_a_small_body_that_trickles_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflow, "BODY_TIMEOUT_S", 0.01)
    with pytest.raises(TooSlow):
        asyncio.run(read_body(Body(Client(body(b"a"))), 3))


def test_a_newer_stream_ends_the_older_one_after_what_it_received_is_stored() -> None:
    events: list[str] = []

    async def older(turns: Turns, begun: asyncio.Event) -> None:
        async def feed(data: bytes) -> None:
            begun.set()
            await asyncio.sleep(0)
            events.append(f"stored {data.decode()}")

        with pytest.raises(TakenOver):
            async with turns.stream(NODE) as mine:
                await pump(Body(Client(body(b"ab"))), mine, feed)
        events.append("older ended")

    async def run() -> None:
        turns, begun = Turns(), asyncio.Event()
        first = asyncio.create_task(older(turns, begun))
        await begun.wait()
        async with turns.stream(NODE):
            events.append("newer begun")
        await first

    asyncio.run(run())
    assert events.index("stored ab") < events.index("newer begun")


def test_many_streams_of_one_node_take_their_turns_one_at_a_time() -> None:
    running: list[int] = []

    async def one(turns: Turns) -> None:
        async with turns.stream(NODE) as mine:
            running.append(1)
            assert len(running) == 1
            await asyncio.sleep(0)
            mine.stop(None)
            running.pop()

    async def run() -> None:
        turns = Turns()
        await asyncio.gather(*(one(turns) for _ in range(20)))

    asyncio.run(run())


def test_an_older_stream_that_does_not_end_makes_the_newer_one_wait_only_so_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inflow, "TURN_TIMEOUT_S", 0.01)

    async def run() -> None:
        turns = Turns()
        async with turns.stream(NODE):
            with pytest.raises(Busy):
                await turns.end(NODE)

    asyncio.run(run())


def test_lanes_go_on_beside_the_stream_and_a_newer_one_takes_the_place_of_the_same_number() -> None:
    async def run() -> None:
        turns = Turns()
        async with turns.stream(NODE) as stream, turns.stream(NODE, 1) as one, turns.stream(NODE, 2) as two:
            newer = asyncio.create_task(turns.stream(NODE, 2).__aenter__())
            with pytest.raises(TakenOver):
                await two.take()
            assert not newer.done()
            turns.stop(NODE, Busy("Now."))
            for each in (stream, one):
                with pytest.raises(Busy):
                    await each.take()
        await newer

    asyncio.run(run())


def test_a_newer_session_waits_until_all_lanes_have_stored_what_they_received() -> None:
    ended: list[int] = []

    async def lane(turns: Turns, number: int, begun: asyncio.Event) -> None:
        async with turns.stream(NODE, number) as mine:
            begun.set()
            with pytest.raises(TakenOver):
                await mine.take()
            await asyncio.sleep(0)
            ended.append(number)

    async def run() -> None:
        turns, begun = Turns(), [asyncio.Event() for _ in inflow.ANY]
        running = [asyncio.create_task(lane(turns, number, each)) for number, each in enumerate(begun)]
        for each in begun:
            await each.wait()
        await turns.end(NODE)
        assert sorted(ended) == list(inflow.ANY)
        await asyncio.gather(*running)

    asyncio.run(run())


@pytest.mark.parametrize("said", ["", "0", "3", "-1", "01", " 1", "x", "9" * 5000])
def test_there_are_no_lanes_but_those_that_central_takes(said: str) -> None:
    with pytest.raises(BadRequest):
        read_lane({"number": said})
    assert [read_lane({"number": str(number)}) for number in range(1, MAX_LANES + 1)] == [1, 2]

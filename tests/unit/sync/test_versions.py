"""Older and newer peers: a version is agreed or refused, and fields that came later do no harm."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec
import pytest
import requests

from appliance.journal.errors import IntegrityError
from appliance.journal.ids import JournalId
from sync import frames, wire
from sync.calls import Caller, Calls
from sync.central.news import read_known
from sync.frames import BadFrame
from sync.link import Address, Link, Reply
from sync.refusals import BadRequest
from sync.wire import Known, NodeReport, SessionRequest, StateAnswer
from tests.support.fixed_signer import FixedSigner

STATE: dict[str, object] = {
    "version": 2,
    "stored": 1,
    "staged": 1,
    "cosigned": None,
    "wanted": [],
    "orders": 0,
    "challenge": "next",
}
KNOWN = {"cosigned": "1", "orders": "2", "wanted": "0", "busy": "0", "spoilt": "0"}
REPORT = {"software": "9", "clock_s": "1", "waiting_since": "", "backlog_bytes": "0"}


class Peer(Link):
    """A central that answers every session with the same state."""

    def __init__(self, **state: object) -> None:
        super().__init__(Address("https://central.example", FixedSigner("authority").certificate))
        self.state = msgspec.json.encode(STATE | state)
        self.asked: list[bytes] = []

    def call(
        self,
        method: str,
        path: str,
        *,
        limit: int,
        body: bytes | Iterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        sign: Callable[[requests.PreparedRequest], None] | None = None,
    ) -> Reply:
        if path == wire.CHALLENGE:
            return Reply({}, b'{"challenge":"first"}')
        assert isinstance(body, bytes)
        self.asked.append(body)
        return Reply({}, self.state)


def open_session(peer: Peer) -> StateAnswer:
    return Calls(peer, Caller(JournalId("a" * 26), b"s" * 32, lambda: 0)).open(b"note", 1, None, 0)


def test_a_node_offers_every_version_that_it_speaks() -> None:
    peer = Peer()
    assert open_session(peer).version == frames.VERSION
    assert msgspec.json.decode(peer.asked[0])["versions"] == list(frames.VERSIONS)


@pytest.mark.parametrize("version", [0, 1, 3, 2**31])
def test_a_central_that_chooses_a_version_that_was_not_offered_is_refused(version: int) -> None:
    with pytest.raises(BadFrame) as caught:
        open_session(Peer(version=version))
    assert "one version" in caught.value.next_step


@pytest.mark.parametrize("offered", [(1,), (3,), (3, 4), (0, 1)])
def test_without_a_common_version_both_sides_say_what_to_do(offered: tuple[int, ...]) -> None:
    with pytest.raises(BadFrame) as caught:
        frames.choose_version(offered)
    assert isinstance(caught.value, IntegrityError)
    assert "not lost" in caught.value.next_step


@pytest.mark.parametrize("offered", [(2,), (3, 2), (2, 3, 4), (1, 2)])
def test_a_newer_node_and_an_older_one_are_spoken_to_in_the_version_that_both_know(offered: tuple[int, ...]) -> None:
    assert frames.choose_version(offered) == 2


def test_a_state_with_fields_that_a_later_central_adds_is_read() -> None:
    assert open_session(Peer(covered_by_backup=12, backup="name")).stored == 1


def test_a_session_request_with_fields_that_a_later_node_adds_is_read() -> None:
    said: dict[str, object] = {"versions": [3, 2], "checkpoint": "", "cosigned": None, "orders": 0, "later": {"a": 1}}
    said["report"] = {"software": "9", "clock_s": 1, "waiting_since": "", "backlog_bytes": 0, "later": 1}
    asked = msgspec.json.decode(msgspec.json.encode(said), type=SessionRequest)
    assert frames.choose_version(asked.versions) == 2
    assert asked.report is not None
    assert asked.report.software == "9"


@pytest.mark.parametrize("more", [{}, {"later": "x"}])
def test_news_are_given_to_a_node_that_says_more_than_is_known(more: dict[str, str]) -> None:
    known, report = read_known(KNOWN | more)
    assert (known, report) == (Known(1, 2, 0, 0, 0), None)
    known, report = read_known(KNOWN | REPORT | more)
    assert (known, report) == (Known(1, 2, 0, 0, 0), NodeReport("9", 1, "", 0))


@pytest.mark.parametrize("missing", sorted(KNOWN))
def test_news_are_refused_to_a_node_that_says_less(missing: str) -> None:
    with pytest.raises(BadRequest):
        read_known({name: value for name, value in KNOWN.items() if name != missing})


def test_a_report_that_is_not_whole_is_refused() -> None:
    with pytest.raises(BadRequest):
        read_known(KNOWN | {"software": "9"})

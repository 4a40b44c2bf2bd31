"""Challenges between requests: a second one waits for whoever asks next, and is no more than central's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import msgspec
import pytest
import requests

from appliance.journal.errors import SanadError
from appliance.journal.ids import JournalId
from sync import signatures, wire
from sync.calls import SPARE_LIFE_S, Caller, Calls, Spare
from sync.link import Address, Link, LinkDown, Reply
from sync.refusals import BadChallenge
from sync.session import CentralState
from sync.signatures import Said
from sync.wire import ChallengeAnswer, Known, StateAnswer

KNOWN = Known(cosigned=0, orders=0, wanted=0, busy=0, spoilt=0)


@dataclass
class Desk:
    """A central that counts its challenges; `troubles` are what the next signed requests meet."""

    asked: list[str] = field(default_factory=list)
    signed: list[str] = field(default_factory=list)
    troubles: list[SanadError] = field(default_factory=list)
    given: int = 0

    def challenge(self) -> str:
        self.given += 1
        return f"challenge {self.given}"


class DeskLink(Link):
    """A link to it."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(Address("https://central.example", b""))
        self._desk = desk

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
        self._desk.asked.append(path.partition("?")[0])
        if path == wire.CHALLENGE:
            return Reply({}, msgspec.json.encode(ChallengeAnswer(self._desk.challenge())))
        assert sign is not None
        sign(requests.Request(method, "https://central.example" + path).prepare())
        if self._desk.troubles:
            raise self._desk.troubles.pop(0)
        state = CentralState(0, 0, None, (), 0)
        challenge, spare = self._desk.challenge(), self._desk.challenge()
        return Reply(
            {}, msgspec.json.encode(StateAnswer.of(state, challenge, version=2, session="s" * 22, spare=spare))
        )


@dataclass
class Stage:
    desk: Desk = field(default_factory=Desk)
    now_s: float = 0.0

    def __post_init__(self) -> None:
        self.spare = Spare(lambda: self.now_s)

    def calls(self, session: str = signatures.NO_SESSION) -> Calls:
        def sign(request: signatures.Outgoing, said: Said, *, seed: bytes, journal: JournalId, now_s: int) -> None:
            self.desk.signed.append(said.nonce)

        return Calls(DeskLink(self.desk), Caller(JournalId("j"), b"", lambda: 0, sign, self.spare), session)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(Link, "__init__", lambda *_: None)
    return Stage()


def test_the_news_beside_a_stream_and_the_next_session_need_not_ask_for_a_challenge(stage: Stage) -> None:
    stage.calls().open(b"", 0, None, 0)
    stage.calls("s" * 22).news(0, KNOWN)
    stage.calls().open(b"", 0, None, 0)
    assert stage.desk.asked == [wire.CHALLENGE, wire.SESSION, wire.NEWS, wire.SESSION]
    assert stage.desk.signed == ["challenge 1", "challenge 3", "challenge 5"]


def test_a_link_that_is_down_does_not_use_it_up(stage: Stage) -> None:
    stage.calls().open(b"", 0, None, 0)
    for _ in range(3):
        stage.desk.troubles = [LinkDown("Down.")]
        with pytest.raises(LinkDown):
            stage.calls().open(b"", 0, None, 0)
    stage.calls().open(b"", 0, None, 0)
    assert stage.desk.asked.count(wire.CHALLENGE) == 1


def test_an_old_one_is_not_used(stage: Stage) -> None:
    stage.calls().open(b"", 0, None, 0)
    stage.now_s = SPARE_LIFE_S
    stage.calls().open(b"", 0, None, 0)
    assert stage.desk.asked.count(wire.CHALLENGE) == 2


def test_a_central_that_began_anew_is_asked_for_one(stage: Stage) -> None:
    stage.calls().open(b"", 0, None, 0)
    stage.desk.troubles = [BadChallenge("Not mine.")]
    stage.calls().open(b"", 0, None, 0)
    assert stage.desk.signed == ["challenge 1", "challenge 3", "challenge 4"]


def test_one_that_was_just_asked_for_and_is_refused_is_not_asked_for_again(stage: Stage) -> None:
    stage.desk.troubles = [BadChallenge("Not mine.")]
    with pytest.raises(BadChallenge):
        stage.calls().open(b"", 0, None, 0)

"""The news beside a stream: what central says meanwhile is taken up, and the stream is told of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from typing import Final, Protocol

import msgspec

from appliance.journal.errors import DeviceError, SanadError
from appliance.journal.ids import BlobDigest
from appliance.records.log import Head
from sync.calls import Caller, Calls
from sync.following import Follower, Timing
from sync.link import Link, LinkDown
from sync.outcome import SyncOutcome
from sync.reporting import EVERY_S
from sync.session import MAX_WANTED
from sync.wire import FEW_WANTED, Known, NodeReport, StateAnswer

NEWS_AT_ONCE: Final = 100
"""Requests that may follow each other without a pause; one a second more. Central gives 512 challenges in 300 s."""
NEWS_PAUSE_S: Final = 1.0
"""Before news are asked for again, where the link broke under them, or they brought no entry further."""

SPARING_PAUSE_S: Final = 240.0
"""Between requests over a metered link, while this node awaits nothing; a challenge lives a little longer."""
SPARING_LOOK_S: Final = 0.5
"""How often is looked meanwhile whether it does."""


class Talk(Protocol):
    """A node's session with central."""

    calls: Calls
    disk_trouble: DeviceError | None
    passed: dict[BlobDigest, None]

    def head(self) -> Head:
        """The journal's head."""

    def take(self, answer: StateAnswer, calls: Calls) -> None:
        """Take up what central says."""

    def compare_clocks(self, answer: StateAnswer) -> None:
        """Hold this node's clock against central's."""

    def take_lists(self, calls: Calls) -> None:
        """Bring the public lists up to date."""

    def are_lists_behind(self) -> bool:
        """Whether central's orders tell of newer ones."""

    def passes(self, answer: StateAnswer, missing: Collection[BlobDigest]) -> bool:
        """Whether a full list of wanted blobs is passed over."""

    def report(self, answer: StateAnswer | None) -> NodeReport:
        """How this node is."""

    def outcome(self, answer: StateAnswer) -> SyncOutcome:
        """Where things stand."""


class Pace:
    """Counts requests.

    Args:
        monotonic_s: seconds on a clock that nobody can set.
    """

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._left = float(NEWS_AT_ONCE)
        self._at_s = monotonic_s()

    def is_spent(self) -> bool:
        """One more was made: whether the next must wait a second."""
        now_s = self._monotonic_s()
        self._left = min(float(NEWS_AT_ONCE), self._left + now_s - self._at_s) - 1
        self._at_s = now_s
        return self._left < 1


class News:
    """Asks central for news, beside a stream. Nobody waits for the last answer: nothing is touched after `end`."""

    def __init__(
        self,
        session: Talk,
        link: Link,
        caller: Caller,
        answer: StateAnswer,
        timing: Timing,
        heard: Callable[[SyncOutcome], None],
    ) -> None:
        self._session = session
        self._link = link
        self._calls = Calls(link, caller, session.calls.session)
        self._answer = answer
        self._timing = timing
        self._heard = heard
        self._guard = threading.Lock()
        self._ended = False
        self._reported_s = -EVERY_S
        self._lists_due = False
        self.follower: Follower | None = None

    def end(self) -> None:
        """Ask no more. What is asked just now may be asked over a dead link: it is not waited for."""
        self._link.abort()
        with self._guard:
            self._ended = True

    def steps(self) -> Iterator[None]:
        """One request each, until told to end, or central knows this session no more: then the stream ends, too."""
        pace = Pace(self._timing.monotonic_s)
        with self._link:
            # Not before a cosignature that somebody waits for.
            self._lists_due = True
            if not self._is_awaited():
                self._take_lists()
            while (asked := self._known()) is not None:
                try:
                    news = self._calls.news(*asked, self._report())
                    pause = not self._take(news)
                    if self._lists_due:
                        self._take_lists()
                except LinkDown:
                    pause = True
                except SanadError:
                    # The stream's own end tells why.
                    self._end_stream()
                    return
                if (pause or pace.is_spent()) and self._timing.wait(NEWS_PAUSE_S):
                    return
                if self._timing.sparing() and self._rests():
                    return
                yield

    def _rests(self) -> bool:
        """Wait while nothing is sent that central would answer; True when the session ends."""
        now_s = self._timing.monotonic_s
        until_s = now_s() + SPARING_PAUSE_S
        while now_s() < until_s:
            with self._guard:
                if self._ended:
                    return True
                if self._is_awaited() or (self.follower is not None and self.follower.blobs_left > 0):
                    return False
            if self._timing.wait(SPARING_LOOK_S):
                return True
        return False

    def _take_lists(self) -> None:
        """When a session begins, and with it at least every now and then, and when an order tells of newer ones."""
        with self._guard:
            self._lists_due = False
            if not self._ended:
                self._session.take_lists(self._calls)

    def _is_awaited(self) -> bool:
        head = self._session.head()
        return head.cosigned_size < head.size

    def _known(self) -> tuple[int, Known] | None:
        with self._guard:
            if self._ended:
                return None
            head, follower, last = self._session.head(), self.follower, self._answer
            busy = follower is not None and follower.blobs_left > 0
            lost = self._session.passes(last, () if follower is None else follower.reader.missing)
            return head.size, Known(
                cosigned=head.cosigned_size,
                orders=last.orders,
                # A full list may hide more: what was on it is sent, so ask for the next.
                wanted=0 if len(last.wanted) >= MAX_WANTED else len(last.wanted),
                busy=int(busy and not lost),
                spoilt=len(last.spoilt),
                passed=len(self._session.passed),
            )

    def _report(self) -> NodeReport | None:
        """How the node is, if that was not said just now."""
        now_s = self._timing.monotonic_s()
        with self._guard:
            if self._ended or now_s - self._reported_s < EVERY_S:
                return None
            self._reported_s = now_s
            return self._session.report(self._answer)

    def _take(self, news: StateAnswer) -> bool:
        """Take up what came; answers whether central has more entries than before."""
        with self._guard:
            if self._ended:
                return True
            news = self._filled_up(news)
            before, self._answer = self._answer, news
            self._session.take(news, self._calls)
            if news.orders > before.orders and self._session.are_lists_behind():
                self._lists_due = True
            if news.stored > before.stored:
                self._session.compare_clocks(news)
            follower = self.follower
            if follower is not None:
                # What this box has no room to keep was countersigned all the same.
                kept = self._session.disk_trouble is None
                follower.heard(news.state(), self._session.head().cosigned_size if kept else news.stored)
            self._heard(self._session.outcome(news))
            return news.stored > before.stored

    def _filled_up(self, news: StateAnswer) -> StateAnswer:
        """A short list of what central lacks, with what it named before and this node has yet to send."""
        if self.follower is None or len(news.wanted) != FEW_WANTED:
            return news
        named = {each.digest for each in news.wanted}
        left = self.follower.files_left - named
        rest = (each for each in self._answer.wanted if each.digest in left)
        return msgspec.structs.replace(news, wanted=(*news.wanted, *rest)[:MAX_WANTED])

    def _end_stream(self) -> None:
        with self._guard:
            if self.follower is not None and not self._ended:
                self.follower.end()

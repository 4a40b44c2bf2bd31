"""The news beside a stream: what central says meanwhile is taken up, and the stream is told of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from typing import Final, Protocol

from appliance.journal.errors import DeviceError, SanadError
from appliance.journal.ids import BlobDigest
from appliance.records.log import Head
from sync.calls import Caller, Calls
from sync.following import Follower, Timing
from sync.link import Link, LinkDown
from sync.outcome import SyncOutcome
from sync.reporting import EVERY_S
from sync.session import MAX_WANTED
from sync.wire import Known, NodeReport, StateAnswer

NEWS_PAUSE_S: Final = 1.0
"""Before news are asked for again, where the link broke under them, or they brought no entry further."""


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

    def passes(self, answer: StateAnswer, missing: Collection[BlobDigest]) -> bool:
        """Whether a full list of wanted blobs is passed over."""

    def report(self, answer: StateAnswer | None) -> NodeReport:
        """How this node is."""

    def outcome(self, answer: StateAnswer) -> SyncOutcome:
        """Where things stand."""


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
        self.follower: Follower | None = None

    def end(self) -> None:
        """Ask no more."""
        with self._guard:
            self._ended = True

    def steps(self) -> Iterator[None]:
        """One request each, until told to end, or central knows this session no more: then the stream ends, too."""
        with self._link:
            # Not before a cosignature that somebody waits for.
            if not (lists_due := self._is_awaited()):
                self._take_lists()
            while (asked := self._known()) is not None:
                try:
                    news = self._calls.news(*asked, self._report())
                    pause = not self._take(news)
                    if lists_due:
                        lists_due = False
                        self._take_lists()
                except LinkDown:
                    pause = True
                except SanadError:
                    # The stream's own end tells why.
                    self._end_stream()
                    return
                if pause and self._timing.wait(NEWS_PAUSE_S):
                    return
                yield

    def _take_lists(self) -> None:
        """When a session begins, and with it at least every now and then."""
        with self._guard:
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
            before, self._answer = self._answer, news
            self._session.take(news, self._calls)
            if news.stored > before.stored:
                self._session.compare_clocks(news)
            follower = self.follower
            if follower is not None:
                # What this box has no room to keep was countersigned all the same.
                kept = self._session.disk_trouble is None
                follower.heard(news.state(), self._session.head().cosigned_size if kept else news.stored)
            self._heard(self._session.outcome(news))
            return news.stored > before.stored

    def _end_stream(self) -> None:
        with self._guard:
            if self.follower is not None and not self._ended:
                self.follower.end()

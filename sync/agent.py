"""The node's side of a sync: what lies past the size that central has countersigned goes up, orders come down.

`sync_once` is one session, in rounds: take what central says (its cosignature, its orders), send what it lacks, hear
what it has now; until everything is countersigned and every blob is there that this node still has. `follow` is one
that goes on: a long stream, and the news beside it. A link that breaks loses nothing: the next session goes on where
central's copy ends.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from appliance.journal.checkpoint import open_cosignature
from appliance.journal.errors import DeviceError, IntegrityError, NetworkError, SanadError
from appliance.journal.ids import BlobDigest, orders_of
from appliance.records.failures import StorageFull, StorageReadOnly
from appliance.records.log import Head, Log
from appliance.store import carried, publiclists
from appliance.store.store import COSIGNER, NODE_KEY, ORDERS_SIGNER, Store
from sync import frames
from sync.calls import Caller, Calls, Spare
from sync.following import Follower, Timing
from sync.frames import End
from sync.heeding import heeding
from sync.lanes import Lanes, Rules
from sync.link import Address, Link
from sync.listsfetch import fetch_lists
from sync.newsbeside import News
from sync.orderstream import read_orders, write_orders
from sync.outcome import SyncOutcome, SyncProgress, Watch, unwatched
from sync.refusals import OutOfStep, StartAgain
from sync.reporting import make_report, software
from sync.session import MAX_WANTED, STREAM_BLOB_BYTES, CentralState, ReadPiece, Sender
from sync.source import Reader, sliced
from sync.storesource import StoreSource
from sync.way import OVER_HTTPS, Way
from sync.wire import Known, NodeReport, StateAnswer

MAX_ROUNDS: Final = 100_000
"""Streams in one session; each must move something."""
MAX_RESTARTS: Final = 3
"""Times that a session is opened anew because both sides were out of step."""


class HeldBack(NetworkError):
    """Something between node and central keeps a stream to itself until it has ended."""


def sync_once(
    store: Store,
    central: Address,
    *,
    now_s: Callable[[], int],
    watch: Watch = unwatched,
    may_send: Callable[[int], bool] = lambda _: True,
    way: Way = OVER_HTTPS,
) -> SyncOutcome:
    """Bring central up to date with this node, and this node with central's orders.

    Args:
        store: the node's, open and enrolled.
        central: where central is.
        now_s: what this node's clock says, in seconds since 1970; it only goes into signatures.
        watch: told how far it is; what it raises ends the session, and nothing is lost.
        may_send: asked before each piece of a sealed file, with its bytes at the most; entries are always sent.
        way: how central is reached.

    Raises:
        NetworkError: central was not reached, or the link broke. IntegrityError: central and this node contradict each
            other, or central refused what it was sent. OperatorError: this node is not enrolled at central.
        DeviceError: this node's disk.
    """
    restarts = 0
    while True:
        try:
            with way.connect(central) as link:
                calls = Calls(link, _caller(store, now_s, way, Spare(lambda: 0.0)))
                session = _Session(store, calls, now_s, watch, may_send)
                with heeding(session):
                    return session.run()
        except (OutOfStep, StartAgain):
            restarts += 1
            if restarts > MAX_RESTARTS:
                raise


def fetch_lists_now(store: Store, central: Address) -> str:
    """Bring the public lists, and nothing else, to a node that has none yet; answers what was in the way."""
    try:
        with Link(central) as link:
            fetch_lists(link, b"", lambda content: publiclists.keep(store, content), lambda _: None)
    except SanadError as error:
        return str(error)
    return ""


def follow(
    store: Store,
    central: Address,
    *,
    now_s: Callable[[], int],
    timing: Timing,
    answered: Callable[[], None],
    heard: Callable[[SyncOutcome], None],
    may_send: Callable[[int], bool] = lambda _: True,
    watch: Watch = unwatched,
    way: Way = OVER_HTTPS,
    spare: Spare | None = None,
) -> SyncOutcome:
    """Keep central up to date with this node, and this node with central's orders, until told to stop.

    Args:
        store: the node's, open and enrolled.
        central: where central is.
        now_s: what this node's clock says, in seconds since 1970; it only goes into signatures.
        timing: how time passes, and whether the service ends.
        answered: called once central has answered.
        heard: told where things stand, whenever central has said something. Another thread may say so.
        may_send: asked before each piece of a sealed file, with its bytes at the most; entries are always sent.
        watch: told how far it is.
        way: how central is reached.
        spare: where a challenge waits for the next session.

    Raises:
        HeldBack: a proxy on the way lets no stream through; use `sync_once` for a while.
        SanadError: as `sync_once`.
    """
    with way.connect(central) as link:
        caller = _caller(store, now_s, way, spare or Spare(timing.monotonic_s))
        session = _Session(store, Calls(link, caller), now_s, watch)

        def open_lanes(lanes: Lanes, count: int) -> None:
            for number in range(1, min(count, way.lanes()) + 1):
                beside = way.connect(central)
                lanes.begin(number, beside, partial(Calls, beside, caller, session.calls.session))

        with heeding(session):
            answer = session.open()
            if not answer.scarce:
                answered()
            news = News(session, way.connect(central), caller, answer, timing, heard)
            way.beside(news.steps())
            try:
                while True:
                    session.take(answer, session.calls)
                    heard(session.outcome(answer))
                    if timing.wait(0.0):
                        return session.outcome(answer)
                    answer = session.stream_on(answer, timing, may_send, news, open_lanes)
            finally:
                news.end()


@dataclass(slots=True)
class _Session:
    """One session."""

    store: Store
    calls: Calls
    now_s: Callable[[], int]
    watch: Watch
    may_send: Callable[[int], bool] = lambda _: True
    """Asked by bounded streams before each piece of a sealed file."""
    files_wait: bool = False
    """Whether it said no to one."""
    entries_sent: int = 0
    blob_bytes_sent: int = 0
    orders_taken: int = 0
    skew_s: int | None = None
    scarce: bool = False
    """Whether central's disk is nearly full: sealed files wait."""
    disk_trouble: DeviceError | None = None
    """Why this box could not keep what central said; it does not keep this node's own entries from going up."""
    trouble: IntegrityError | None = None
    """Why central's orders were not taken up; it does not keep this node's own entries from going up."""
    lists_trouble: str = ""
    missing: dict[BlobDigest, None] = field(default_factory=dict)
    spoilt: set[BlobDigest] = field(default_factory=set)
    passed: dict[BlobDigest, None] = field(default_factory=dict)
    """Blobs that are not here, and that central was told to pass over, so that it names those behind them."""
    told_missing: int = 0
    """How many sealed files it last told central that it has not."""
    handed_back: bool = False
    """Whether central was given its own orders in this session."""
    taking: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> SyncOutcome:
        """In rounds, until everything is there."""
        answer = self.open()
        for _ in range(MAX_ROUNDS):
            self.take(answer, self.calls)
            answer = self._behind_lost(answer)
            head = self.store.head()
            kept = head.size == head.cosigned_size or self.disk_trouble is not None
            done = answer.scarce or self.files_wait or not self._wanted(answer)
            if kept and head.size == answer.stored and done:
                self.take_lists(self.calls)
                if self.disk_trouble is not None:
                    raise self.disk_trouble
                if self.trouble is not None:
                    raise self.trouble
                self._tell_lost(answer)
                return self.outcome(answer)
            before = answer.state(), len(self.missing), len(self.spoilt)
            answer = self._stream(head, answer)
            self._note_spoilt(answer)
            if before == (answer.state(), len(self.missing), len(self.spoilt)):
                raise IntegrityError("Central took nothing of what it asked for.", "Tell central IT.")
        raise IntegrityError("A session with central does not end.", "Tell central IT.")

    def open(self) -> StateAnswer:
        """Open the session."""
        head = self.store.head()
        orders = self.store.orders_head()
        held, root = (0, b"") if orders is None else (orders.size, orders.root)
        return self.calls.open(head.checkpoint, head.size, head.cosigned, held, self.report(None), root)

    def head(self) -> Head:
        """The journal's head."""
        return self.store.head()

    def report(self, answer: StateAnswer | None) -> NodeReport:
        """How this node is, for people at central, as far as central said what it lacks."""
        wanted = () if answer is None else self._known(answer).wanted
        # Before central has said what it lacks, what it lacked when it last did holds.
        missing = len(carried.stuck_files(self.store) if answer is None else self.missing)
        self.told_missing = missing
        with self.store.read() as tx:
            return make_report(
                tx,
                self.store.journal,
                software=software(),
                now_s=self.calls.now_s(),
                wanted=wanted,
                missing=missing,
                blob_bytes=self.store.blob_bytes,
            )

    def outcome(self, answer: StateAnswer) -> SyncOutcome:
        """Where things stand after central's answer."""
        head = self.store.head()
        wanted = {BlobDigest(each.digest) for each in answer.wanted}
        return SyncOutcome(
            size=head.size,
            cosigned_size=head.cosigned_size,
            entries_sent=self.entries_sent,
            blob_bytes_sent=self.blob_bytes_sent,
            orders_taken=self.orders_taken,
            # Not what central wanted before it knew that the subject was erased.
            missing=(*self.passed, *(digest for digest in self.missing if digest in wanted - self.passed.keys())),
            wanted=len(wanted - self.missing.keys() - self.passed.keys()),
            skew_s=self.skew_s,
            lists_trouble=self.lists_trouble,
            central_scarce=self.scarce,
            disk_trouble="" if self.disk_trouble is None else str(self.disk_trouble),
        )

    def take(self, answer: StateAnswer, calls: Calls) -> None:
        """Take up central's cosignature and its orders. What this box has no room for comes again."""
        with self.taking:
            self.scarce = answer.scarce
            self.disk_trouble = None
            try:
                if answer.cosigned is not None and answer.cosigned != self.store.head().cosigned:
                    self.store.take_cosignature(answer.cosigned)
            except (StorageFull, StorageReadOnly) as error:
                self.disk_trouble = error
            try:
                if self.trouble is None:
                    self.take_orders(answer.orders, calls)
            except IntegrityError as error:
                self.trouble = error
            except (StorageFull, StorageReadOnly) as error:
                self.disk_trouble = error

    def take_orders(self, orders: int, calls: Calls) -> None:
        """Bring this node's orders and central's, of which there are so many, to the same.

        Raises:
            SanadError: they contradict each other; or the link, or this box's disk.
        """
        if orders < self._orders_held():
            orders = self._hand_back(calls)
        while orders > (held := self._orders_held()):
            self._take_orders_from(held, calls)

    def compare_clocks(self, answer: StateAnswer) -> None:
        """Hold this node's clock against the time in a cosignature that was given just now."""
        if answer.cosigned is not None:
            signed_s = open_cosignature(answer.cosigned, self.store.central_key(COSIGNER))
            self.skew_s = self.now_s() - signed_s

    def take_lists(self, calls: Calls) -> None:
        """Bring the public lists up to date; what is in the way, where something is, stops nothing else."""
        held, size = publiclists.kept(self.store).content, self.store.head().size
        try:
            calls.fetch_lists(held, lambda content: publiclists.keep(self.store, content), size)
        except SanadError as error:
            self.lists_trouble = str(error)
        else:
            self.lists_trouble = ""

    def are_lists_behind(self) -> bool:
        """Whether central's orders tell of newer public lists than ever came here."""
        return publiclists.are_behind(self.store)

    def stream_on(
        self,
        answer: StateAnswer,
        timing: Timing,
        may_send: Callable[[int], bool],
        news: News,
        open_lanes: Callable[[Lanes, int], None],
    ) -> StateAnswer:
        """One long stream, and the lanes beside it.

        Raises:
            HeldBack: something on the way lets no stream through.
        """
        self._note_spoilt(answer)
        source = StoreSource(self.store)
        size = self.store.head().size
        sender = Sender(self.store.journal, self._known(answer), size, rank=source.rank)
        follower = Follower(source, sender, timing)
        rules = Rules(
            lambda count: not self.scarce and may_send(count),
            lambda: len(self.passed),
            lambda: follower.is_awaited,
        )
        lanes = Lanes(sender, source, follower.reader.missing, rules, timing.monotonic_s)
        follower.may_send, follower.before_end = lanes.may_send, lanes.end
        news.follower = follower

        def watched() -> Iterator[bytes]:
            for part in follower.frames():
                yield part
                self._tell(sender, source.head().size)

        open_lanes(lanes, answer.lanes)
        try:
            ended = self.calls.stream(sliced(watched()), size, answer.staged)
        finally:
            lanes.close()
            news.follower = None
            self._count(sender, follower.reader)
        if follower.stalled:
            raise HeldBack(
                "Something between this node and central (a proxy) holds back what is sent.",
                "Nothing is lost: small requests are sent instead. Ask whoever runs the network to let streams pass.",
            )
        return ended

    def _note_spoilt(self, answer: StateAnswer) -> None:
        for digest in map(BlobDigest, answer.spoilt):
            # What was sent is sound here, so it was spoilt on its way or on central's disk: sent once more.
            if digest in self.spoilt:
                self.missing[digest] = None
            self.spoilt.add(digest)

    def passes(self, answer: StateAnswer, missing: Collection[BlobDigest]) -> bool:
        """Whether all blobs of a full list are among the missing: then it is passed over, for it may hide others."""
        digests = [BlobDigest(each.digest) for each in answer.wanted]
        if len(digests) < MAX_WANTED or not all(digest in missing or digest in self.missing for digest in digests):
            return False
        self.passed.update(dict.fromkeys(digests))
        return True

    def _behind_lost(self, answer: StateAnswer) -> StateAnswer:
        while self.passes(answer, ()):
            answer = self._ask(answer)
        return answer

    def _ask(self, answer: StateAnswer, report: NodeReport | None = None) -> StateAnswer:
        """Hear what central has, at once: no list is as long as the one that is said to be known."""
        head = self.store.head()
        known = Known(
            cosigned=head.cosigned_size,
            orders=answer.orders,
            wanted=MAX_WANTED + 1,
            busy=0,
            spoilt=len(answer.spoilt),
            passed=len(self.passed),
        )
        return self.calls.news(head.size, known, report)

    def _tell_lost(self, answer: StateAnswer) -> None:
        """Tell central how many files this node has not, where it does not know: no news run beside this session."""
        if len(self.missing) != self.told_missing:
            self._ask(answer, self.report(answer))

    def _wanted(self, answer: StateAnswer) -> list[BlobDigest]:
        digests = (BlobDigest(each.digest) for each in answer.wanted)
        return [digest for digest in digests if digest not in self.missing]

    def _known(self, answer: StateAnswer) -> CentralState:
        state = answer.state()
        wanted = tuple(each for each in state.wanted if each.digest not in self.missing)
        return CentralState(state.stored, state.staged, state.cosigned, wanted, state.orders)

    def _orders_held(self) -> int:
        head = self.store.orders_head()
        return 0 if head is None else head.size

    def _take_orders_from(self, held: int, calls: Calls) -> None:
        reply = calls.orders(self.store.head().size, held)
        journal = orders_of(self.store.journal)
        with self.store.read() as tx:
            frontier = Log(tx, journal).frontier()
        found = read_orders(reply, journal, self.store.central_key(ORDERS_SIGNER), frontier)
        if found is None:
            raise IntegrityError("Central says that it has more orders than it gives.", "Tell central IT.")
        self.store.take_orders(*found)
        self.orders_taken += len(found[0])

    def _hand_back(self, calls: Calls) -> int:
        """Give central all its orders, of which it lost some: its own signature proves them.

        Returns:
            How many orders central has then.
        """
        with self.store.read() as tx:
            log = Log(tx, orders_of(self.store.journal))
            head = log.head()
            held = [] if head is None else list(log.entries(0, head.size))
        if head is None or self.handed_back:
            # What central said last may have been said before.
            return 0
        orders = write_orders(log.journal, held, head.size, head.checkpoint)
        size = calls.hand_back(self.store.head().size, orders)
        self.handed_back = True
        return size

    def _stream(self, head: Head, answer: StateAnswer) -> StateAnswer:
        """One bounded stream."""
        source = StoreSource(self.store)
        budget = 0 if answer.scarce else STREAM_BLOB_BYTES
        sender = Sender(self.store.journal, self._known(answer), head.size, rank=source.rank, budget=budget)
        reader = Reader(source, sender)

        def parts() -> Iterator[bytes]:
            yield frames.PREFIX + frames.encode(sender.opening())
            while (need := sender.need()) is not None:
                if isinstance(need, ReadPiece) and not self.may_send(need.limit):
                    self.files_wait = True
                    break
                yield from reader.answer(need)
                self._tell(sender, max(head.size, sender.position))
            yield frames.encode(End())

        try:
            return self.calls.stream(sliced(parts()), head.size, answer.staged)
        finally:
            self._count(sender, reader)

    def _count(self, sender: Sender, reader: Reader) -> None:
        self.entries_sent += sender.entries_sent
        self.blob_bytes_sent += sender.blob_bytes_sent
        self.missing.update(dict.fromkeys(reader.missing))

    def _tell(self, sender: Sender, size: int) -> None:
        left = max(0, size - sender.position)
        done = self.entries_sent + sender.entries_sent
        self.watch(SyncProgress(done, left, self.blob_bytes_sent + sender.blob_bytes_sent, sender.blobs_left))


def _caller(store: Store, now_s: Callable[[], int], way: Way, spare: Spare) -> Caller:
    return Caller(store.journal, store.secret(NODE_KEY), now_s, way.sign, spare)

"""The node's side of a sync: what lies past the size that central has countersigned goes up, orders come down.

One session, in rounds: take what central says (its cosignature, its orders), send what it lacks, hear what it has now;
until everything is countersigned and every blob is there that this node still has. A link that breaks loses nothing:
the next session goes on where central's copy ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeVar

import msgspec
import requests

from appliance.journal.entry import Entry
from appliance.journal.errors import IntegrityError, NetworkError, SanadError
from appliance.journal.ids import BlobDigest, orders_of
from appliance.records.log import Head, Log
from appliance.store.blobs import BlobMissing
from appliance.store.store import NODE_KEY, ORDERS_SIGNER, Store
from sync import frames, signatures, wire
from sync.frames import End, Hello
from sync.link import CHUNK, Address, Link, not_understood
from sync.refusals import OutOfStep, StartAgain
from sync.session import (
    STREAM_BLOB_BYTES,
    Accept,
    CentralState,
    ReadEntries,
    ReadPiece,
    Receiver,
    Sender,
    Stage,
)
from sync.wire import ChallengeAnswer, SessionRequest, StateAnswer

MAX_ROUNDS: Final = 100_000
"""Streams in one session; each must move something."""
MAX_RESTARTS: Final = 3
"""Times that a session is opened anew because both sides were out of step."""
MAX_ORDERS_ANSWER: Final = 16 * 1024 * 1024

PAUSE_S: Final = 30.0
"""Between sessions when all is well."""
BACKOFF_FIRST_S: Final = 1.0
BACKOFF_CAP_S: Final = 300.0
TROUBLE_PAUSE_S: Final = 600.0
"""After something that only people can put right."""


@dataclass(frozen=True, slots=True)
class SyncProgress:
    """How far a session is."""

    entries_sent: int
    entries_left: int
    blob_bytes_sent: int
    blobs_left: int
    """That central has asked for so far; more may follow."""


@dataclass(frozen=True, slots=True)
class SyncOutcome:
    """What a session came to."""

    size: int
    """Entries of the journal."""
    cosigned_size: int
    entries_sent: int
    blob_bytes_sent: int
    orders_taken: int
    missing: tuple[BlobDigest, ...]
    """Blobs that central lacks and this node has not, or not undamaged."""

    @property
    def complete(self) -> bool:
        """Whether central has everything, and has countersigned it."""
        return self.size == self.cosigned_size and not self.missing


Watch = Callable[[SyncProgress], None]
T = TypeVar("T")


def unwatched(_progress: SyncProgress) -> None:
    """Progress that nobody watches."""


def sync_once(store: Store, central: Address, *, now_s: Callable[[], int], watch: Watch = unwatched) -> SyncOutcome:
    """Bring central up to date with this node, and this node with central's orders.

    Args:
        store: the node's, open and enrolled.
        central: where central is.
        now_s: what this node's clock says, in seconds since 1970; it only goes into signatures.
        watch: told how far it is; what it raises ends the session, and nothing is lost.

    Raises:
        NetworkError: central was not reached, or the link broke. IntegrityError: central and this node contradict each
            other, or central refused what it was sent. OperatorError: this node is not enrolled at central.
        DeviceError: this node's disk.
    """
    restarts = 0
    while True:
        try:
            with Link(central) as link:
                return _Session(store, link, now_s, watch).run()
        except (OutOfStep, StartAgain):
            restarts += 1
            if restarts > MAX_RESTARTS:
                raise


def backoff_s(failures: int, random: Callable[[], float]) -> float:
    """How long to wait after so many failures in a row: doubling up to a cap, half of it by chance.

    Args:
        failures: at least 1.
        random: a number from 0 to below 1.

    Returns:
        Seconds.
    """
    longest = min(BACKOFF_CAP_S, BACKOFF_FIRST_S * 2.0 ** min(failures - 1, 16))
    return longest * (0.5 + 0.5 * random())


def keep_synced(
    sync: Callable[[], SyncOutcome],
    *,
    wait: Callable[[float], bool],
    random: Callable[[], float],
    report: Callable[[SyncOutcome | SanadError], None],
) -> None:
    """Sync again and again, for the node service.

    Args:
        sync: `sync_once`, with its arguments.
        wait: waits so many seconds, or less when there is something new; True when the service ends.
        random: a number from 0 to below 1.
        report: told each outcome, and each failure.
    """
    failures = 0
    pause_s = 0.0
    while not wait(pause_s):
        try:
            outcome = sync()
        except NetworkError as error:
            failures += 1
            pause_s = backoff_s(failures, random)
            report(error)
        except SanadError as error:
            pause_s = TROUBLE_PAUSE_S
            report(error)
        else:
            failures, pause_s = 0, PAUSE_S
            report(outcome)


@dataclass(slots=True)
class _Session:
    """One session over one link."""

    store: Store
    link: Link
    now_s: Callable[[], int]
    watch: Watch
    nonce: str = ""
    entries_sent: int = 0
    blob_bytes_sent: int = 0
    orders_taken: int = 0
    trouble: IntegrityError | None = None
    """Why central's orders were not taken up; it does not keep this node's own entries from going up."""
    missing: dict[BlobDigest, None] = field(default_factory=dict)
    spoilt: set[BlobDigest] = field(default_factory=set)

    def run(self) -> SyncOutcome:
        state = self._open()
        for _ in range(MAX_ROUNDS):
            self._take_cosignature(state)
            self._take_orders(state)
            head = self.store.head()
            if self._is_done(head, state):
                if self.trouble is not None:
                    raise self.trouble
                return self._outcome(head, state)
            before = state, len(self.missing), len(self.spoilt)
            state = self._stream(head, state)
            if before == (state, len(self.missing), len(self.spoilt)):
                raise IntegrityError("Central took nothing of what it asked for.", "Tell central IT.")
        raise IntegrityError("A session with central does not end.", "Tell central IT.")

    def _outcome(self, head: Head, state: CentralState) -> SyncOutcome:
        return SyncOutcome(
            size=head.size,
            cosigned_size=head.cosigned_size,
            entries_sent=self.entries_sent,
            blob_bytes_sent=self.blob_bytes_sent,
            orders_taken=self.orders_taken,
            # Not what central wanted before it knew that the subject was erased.
            missing=tuple(each.digest for each in state.wanted),
        )

    def _is_done(self, head: Head, state: CentralState) -> bool:
        wanted = [each for each in state.wanted if each.digest not in self.missing]
        return head.size == head.cosigned_size == state.stored and not wanted

    def _open(self) -> CentralState:
        headers = {signatures.JOURNAL_HEADER: self.store.journal}
        reply = self.link.call("GET", wire.CHALLENGE, limit=wire.MAX_ANSWER, headers=headers)
        self.nonce = _decode(reply.body, ChallengeAnswer).challenge
        head = self.store.head()
        request = SessionRequest((frames.VERSION,), head.checkpoint, head.cosigned, self._orders_held())
        body = msgspec.json.encode(request)
        reply = self.link.call("POST", wire.SESSION, limit=wire.MAX_ANSWER, body=body, sign=self._sign(head.size))
        return self._state(reply.body)

    def _state(self, body: bytes) -> CentralState:
        answer = _decode(body, StateAnswer)
        self.nonce = answer.challenge
        for digest in map(BlobDigest, answer.spoilt):
            # What was sent is sound here, so it was spoilt on its way or on central's disk: sent once more.
            if digest in self.spoilt:
                self.missing[digest] = None
            self.spoilt.add(digest)
        return answer.state()

    def _sign(self, offered: int) -> Callable[[requests.PreparedRequest], None]:
        def sign(request: requests.PreparedRequest) -> None:
            signatures.sign(
                request,
                seed=self.store.secret(NODE_KEY),
                journal=self.store.journal,
                offered=offered,
                nonce=self.nonce,
                now_s=self.now_s(),
            )

        return sign

    def _take_cosignature(self, state: CentralState) -> None:
        if state.cosigned is not None and state.cosigned != self.store.head().cosigned:
            self.store.take_cosignature(state.cosigned)

    # Orders

    def _orders_held(self) -> int:
        head = self.store.orders_head()
        return 0 if head is None else head.size

    def _take_orders(self, state: CentralState) -> None:
        try:
            while self.trouble is None and state.orders > (held := self._orders_held()):
                self._take_orders_from(held)
        except IntegrityError as error:
            self.trouble = error

    def _take_orders_from(self, held: int) -> None:
        size = self.store.head().size
        reply = self.link.call("GET", f"{wire.ORDERS}?from={held}", limit=MAX_ORDERS_ANSWER, sign=self._sign(size))
        self.nonce = reply.headers.get(wire.CHALLENGE_HEADER, "")
        journal = orders_of(self.store.journal)
        with self.store.read() as tx:
            frontier = Log(tx, journal).frontier()
        decoder = frames.Decoder()
        parts = list(decoder.feed(reply.body))
        decoder.finish()
        offered = parts[0].offered if isinstance(parts[0], Hello) else held
        key = self.store.central_key(ORDERS_SIGNER)
        receiver = Receiver(journal, key, offered=offered, stored=frontier.size, frontier=frontier)
        orders: list[Entry] = []
        note = b""
        for effect in map(receiver.take, parts):
            if isinstance(effect, Stage):
                orders += effect.entries
            elif isinstance(effect, Accept):
                note = effect.note
        if not orders:
            raise IntegrityError("Central says that it has more orders than it gives.", "Tell central IT.")
        self.store.take_orders(orders, note)
        self.orders_taken += len(orders)

    # The stream

    def _stream(self, head: Head, state: CentralState) -> CentralState:
        wanted = tuple(each for each in state.wanted if each.digest not in self.missing)
        known = CentralState(state.stored, state.staged, state.cosigned, wanted, state.orders)
        sender = Sender(self.store.journal, known, head.size, budget=STREAM_BLOB_BYTES)
        body = _sliced(self._frames(sender, head.size))
        reply = self.link.call("POST", wire.STREAM, limit=wire.MAX_ANSWER, body=body, sign=self._sign(head.size))
        self.entries_sent += sender.entries_sent
        self.blob_bytes_sent += sender.blob_bytes_sent
        return self._state(reply.body)

    def _frames(self, sender: Sender, size: int) -> Iterator[bytes]:
        """The stream's bytes. Each look at the store is over before anything is sent."""
        yield frames.PREFIX + frames.encode(sender.opening())
        digest, sealed = BlobDigest(""), b""
        while (need := sender.need()) is not None:
            if isinstance(need, ReadEntries):
                entries, head = self._read_entries(need)
                size = head.size
                for frame in sender.entries(entries, head.size, head.checkpoint):
                    yield frames.encode(frame)
            else:
                if need.digest != digest:
                    digest, sealed = need.digest, self._sealed(need)
                start = min(need.offset, len(sealed) - 1)
                if sealed:
                    data = sealed[start : start + need.limit]
                    yield frames.encode(sender.piece(len(sealed), data))
                else:
                    self.missing[need.digest] = None
                    sender.missing()
            self._tell(sender, size)
        yield frames.encode(End())

    def _read_entries(self, need: ReadEntries) -> tuple[list[Entry], Head]:
        with self.store.read() as tx:
            log = Log(tx, self.store.journal)
            head = log.head()
            if head is None:
                raise IntegrityError("The journal has no first entry.", "Run `sanad journal verify`.")
            return list(log.entries(need.start, min(need.start + need.limit, head.size))), head

    def _sealed(self, need: ReadPiece) -> bytes:
        """The blob's bytes, which the store holds against its digest; nothing where it is not here or damaged."""
        try:
            return self.store.sealed_blob(need.digest)
        except BlobMissing:
            return b""

    def _tell(self, sender: Sender, size: int) -> None:
        left = max(0, size - sender.position)
        done = self.entries_sent + sender.entries_sent
        self.watch(SyncProgress(done, left, self.blob_bytes_sent + sender.blob_bytes_sent, sender.blobs_left))


def _sliced(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of `CHUNK`: a time-out of the socket covers one piece."""
    held = bytearray()
    for part in parts:
        held += part
        while len(held) >= CHUNK:
            yield bytes(held[:CHUNK])
            del held[:CHUNK]
    if held:
        yield bytes(held)


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise not_understood() from None

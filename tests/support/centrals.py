"""A central for tests, with or without its server, and nodes that enrol at it over real HTTPS or by hand."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from appliance.access.session import node_session
from appliance.journal import tree
from appliance.journal.checkpoint import Checkpoint, sign_checkpoint
from appliance.journal.entry import Entry, make_entry
from appliance.journal.ids import BlobDigest, JournalId, Kind, journal_id, origin
from appliance.journal.kinds import Body, JournalOpened, NodeStarted, SubjectErased, encode_body
from appliance.journal.notes import Signer
from appliance.journal.tree import Frontier
from appliance.records.moment import Clock
from appliance.sealing import age
from appliance.store.commit import MAX_DRAFTS
from appliance.store.layout import Layout
from appliance.store.store import COSIGNER, LOCKER, ORDERS_SIGNER, PUBLISHER, Draft, NodeKeys, Store
from sync import frames
from sync.central.archive import no_fault
from sync.central.central import Central
from sync.central.layout import CentralLayout
from sync.central.serve import Service, bind
from sync.central.timestamping import Timestamps
from sync.centre import centre_request
from sync.enrol import Enrolled, enrol_request
from sync.frames import BlobPiece, End, Frame, Hello
from sync.invite import EnrolRequest, Invite
from sync.link import Address
from tests.support.nodes import halt, real_clock

HOST = "127.0.0.1"
CENTRE = ("PEW01", "Specimen centre, Peshawar")


def new_central(home: Path, url: str = f"https://{HOST}:1", key: bytes = b"k" * 32) -> Central:
    """Make a central in `home` and open it."""
    home.mkdir(parents=True, exist_ok=True)
    Central.create(CentralLayout(home), key, name="Specimen central", clock=real_clock, random=os.urandom, halt=halt)
    return open_central(home, url, key)


def open_central(
    home: Path,
    url: str = f"https://{HOST}:1",
    key: bytes = b"k" * 32,
    *,
    stored: Callable[[JournalId], None] = no_fault,
    monotonic_s: Callable[[], float] = time.monotonic,
    timestamps: Timestamps | None = None,
    clock: Clock = real_clock,
) -> Central:
    """Open a central that was made before."""
    central = Central(
        CentralLayout(home),
        key,
        url=url,
        clock=clock,
        monotonic_s=monotonic_s,
        random=os.urandom,
        halt=halt,
        stored=stored,
        timestamps=timestamps,
    )
    central.start()
    return central


def free_port() -> int:
    """A port that nothing listens on."""
    with bind(HOST, 0) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def served(
    home: Path,
    *,
    port: int = 0,
    url: str = "",
    stored: Callable[[JournalId], None] = no_fault,
    timestamps: Timestamps | None = None,
    clock: Clock = real_clock,
) -> Iterator[Central]:
    """A central that answers on loopback, made in `home` unless it is there already."""
    listener = bind(HOST, port)
    url = url or f"https://{HOST}:{listener.getsockname()[1]}"
    if not (home / "archive.db").exists():
        new_central(home, url).close()
    central = open_central(home, url, stored=stored, timestamps=timestamps, clock=clock)
    service = Service(central, [HOST, "localhost"], [listener])
    ready = threading.Event()
    thread = threading.Thread(target=service.run, args=(ready.set,))
    thread.start()
    try:
        if not ready.wait(30):
            raise TimeoutError
        yield central
    finally:
        service.stop()
        thread.join(30)
        central.close()


@dataclass
class EnrolledNode:
    """A node's store, and what central gave it."""

    store: Store
    keys: NodeKeys
    enrolled: Enrolled

    @property
    def address(self) -> Address:
        return self.enrolled.address

    def commit(self, count: int = 1, *, about: str = "-", blobs: tuple[BlobDigest, ...] = ()) -> list[Entry]:
        """Commit entries, some at once."""
        draft = Draft(NodeStarted(software="test", orphans_removed=0), about, blobs)
        made: list[Entry] = []
        while len(made) < count:
            some = min(count - len(made), MAX_DRAFTS)
            made += self.store.commit(node_session(), lambda _, some=some: [draft] * some)  # type: ignore[misc]
        return made


def cloned(node: EnrolledNode, home: Path) -> EnrolledNode:
    """The same box, as it is now, on another disk."""
    key = node.store._database._key
    node.store.close()
    shutil.copytree(node.store.layout.home, home)
    node.store, copy = (
        Store(Layout(each), key, clock=real_clock, random=os.urandom, halt=halt)
        for each in (node.store.layout.home, home)
    )
    return EnrolledNode(copy, node.keys, node.enrolled)


def create_store(home: Path, keys: NodeKeys, invite: Invite, key: bytes = b"") -> Store:
    """Make a node's store for an invite."""
    opened = JournalOpened(
        centre=invite.centre,
        centre_name=invite.centre_name,
        node_key=public(keys.node).hex(),
        age_recipient=age.recipient_of(keys.age_identity),
        software="test",
    )
    home.mkdir(parents=True, exist_ok=True)
    key = key or os.urandom(32)
    return Store.create(Layout(home), key, keys, opened, clock=real_clock, random=os.urandom, halt=halt)


def enrol(home: Path, invite: Invite, key: bytes = b"") -> EnrolledNode:
    """Make a node in `home` and enrol it over the network, as the command line does."""
    keys = NodeKeys.generate(os.urandom)
    store = create_store(home, keys, invite, key)
    (first,) = store.entries(0, 1)
    enrolled = enrol_request(
        invite,
        journal=store.signer,
        node_key=keys.node,
        centre_key=keys.centre,
        recipient=age.recipient_of(keys.age_identity),
        entry=first,
    )
    store.remember(
        **{
            COSIGNER: enrolled.cosigner.text,
            ORDERS_SIGNER: enrolled.orders_key.text,
            PUBLISHER: enrolled.publisher.text,
            LOCKER: enrolled.locker,
        }
    )
    store.take_orders(enrolled.orders, enrolled.orders_checkpoint)
    store.take_cosignature(enrolled.cosigned)
    return EnrolledNode(store, keys, enrolled)


def public(seed: bytes) -> bytes:
    """The public half of an Ed25519 seed."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


@dataclass
class Scribe:
    """A node without a store, which writes whatever a test wants: also what no honest node would."""

    seed: bytes = field(default_factory=lambda: os.urandom(32))
    node_key: bytes = field(default_factory=lambda: os.urandom(32))
    identity: str = field(default_factory=age.new_identity)
    entries: list[Entry] = field(default_factory=list)
    centre_key: bytes = field(default_factory=lambda: NodeKeys.generate(os.urandom).centre)

    @property
    def journal(self) -> JournalId:
        return journal_id(public(self.seed))

    @property
    def signer(self) -> Signer:
        return Signer(origin(self.journal), self.seed)

    def opens(self, centre: str = CENTRE[0], centre_name: str = CENTRE[1]) -> Entry:
        """Write entry 0."""
        return self.write(
            JournalOpened(
                centre=centre,
                centre_name=centre_name,
                node_key=public(self.node_key).hex(),
                age_recipient=age.recipient_of(self.identity),
                software="test",
            )
        )

    def write(
        self, body: Body | None = None, about: str = "-", blobs: tuple[BlobDigest, ...] = (), by: str = "node"
    ) -> Entry:
        """Write the next entry."""
        body = NodeStarted(software="test", orphans_removed=len(self.entries)) if body is None else body
        entry = make_entry(
            journal=self.journal,
            seq=len(self.entries),
            at="2026-11-22T09:00:00.000Z",
            by=by,
            kind=Kind(body.KIND),
            about=about,
            body=encode_body(body),
            salt=os.urandom(16),
            blobs=blobs,
        )
        self.entries.append(entry)
        return entry

    def grow(self, count: int) -> Scribe:
        """Write entries that say nothing much."""
        for _ in range(count):
            self.write()
        return self

    def erases(self, about: str) -> Entry:
        """Write that a subject is erased, and forget its bodies."""
        entry = self.write(SubjectErased(reason="asked for"), about)
        for place, older in enumerate(self.entries[:-1]):
            if older.header.about == about:
                self.entries[place] = Entry(older.header, older.header_bytes, None, None)
        return entry

    def edge(self, size: int) -> Frontier:
        frontier = tree.EMPTY
        for entry in self.entries[:size]:
            frontier, _ = frontier.append(entry.leaf)
        return frontier

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        size = len(self.entries) if size is None else size
        return Checkpoint(self.signer.name, size, self.edge(size).root())

    def note(self, size: int | None = None) -> bytes:
        """The signed checkpoint at a size."""
        return sign_checkpoint(self.checkpoint(size), self.signer)

    def frames(self, start: int, stop: int | None = None, *, note: bool = True) -> list[Frame]:
        """An honest stream of entries, without its `End`."""
        stop = len(self.entries) if stop is None else stop
        items = ((entry.header_bytes, entry.salt, entry.body) for entry in self.entries[start:stop])
        parts: list[Frame] = [Hello(self.journal, stop), *frames.batches(items)]
        return [*parts, frames.Checkpoint(self.note(stop))] if note else parts

    def request(self, invite: Invite) -> EnrolRequest:
        """An honest request to enrol."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.journal)])
        key = Ed25519PrivateKey.from_private_bytes(self.node_key)
        csr = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, None)
        first = self.entries[0]
        return EnrolRequest(
            invite=invite.id,
            secret=invite.secret,
            csr=csr.public_bytes(Encoding.DER),
            journal_key=public(self.seed),
            centre_csr=centre_request(self.centre_key, invite.centre, invite.centre_name),
            recipient=age.recipient_of(self.identity),
            entry=(first.header_bytes, first.salt, first.body),
            checkpoint=self.note(1),
        )


def stream(parts: list[Frame], *, end: bool = True) -> bytes:
    """The bytes of a stream."""
    return frames.PREFIX + b"".join(map(frames.encode, [*parts, End()] if end else parts))


def pieces(sealed: bytes, start: int = 0) -> list[Frame]:
    """A blob as frames."""
    digest = age.digest_of(sealed)
    return [
        BlobPiece(digest, len(sealed), at, sealed[at : min(at + frames.MAX_PIECE, len(sealed))])
        for at in range(start, len(sealed), frames.MAX_PIECE)
    ]

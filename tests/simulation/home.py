"""A node's home for the fault tests: its fixed keys, a store that tells what it promised, a stand-in for central."""

from __future__ import annotations

import hashlib
import os
import random
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NoReturn

import msgspec

from appliance.access.session import Session
from appliance.journal import kinds as k
from appliance.journal.checkpoint import Checkpoint, cosign, sign_checkpoint
from appliance.journal.entry import SALT_BYTES, Entry, make_entry
from appliance.journal.ids import Kind, orders_of, origin
from appliance.journal.notes import COSIGNATURE, Signer
from appliance.journal.tree import EMPTY
from appliance.records.database import Tx
from appliance.records.failures import StorageFailed
from appliance.records.log import Log
from appliance.sealing import age
from appliance.store.layout import Layout
from appliance.store.store import COSIGNER, LOCKER, ORDERS_SIGNER, PUBLISHER, Act, NodeKeys, Store
from sync.enrol import enrol_request
from sync.invite import Invite
from sync.link import Address
from tests.support.centrals import public

KEY: Final = bytes(range(32))
CENTRAL_SEED: Final = bytes(range(32, 64))
COSIGNER_SEED: Final = bytes(range(64, 96))
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
STOPPED: Final = 74


def say(*words: object) -> None:
    """Tells the outside world, in one system call: from here on it is a promise."""
    os.write(1, (" ".join(str(word) for word in words) + "\n").encode())


def stop(error: StorageFailed) -> NoReturn:
    """What the command line does when the disk failed: the sentence, and the end of the process."""
    print(error, file=sys.stderr, flush=True)
    os._exit(STOPPED)


class TellingStore(Store):
    """A store that says each entry once it is committed."""

    def commit(self, session: Session, act: Act, *, beside: Callable[[Tx], None] | None = None) -> list[Entry]:
        entries = super().commit(session, act, beside=beside)
        _tell(entries)
        return entries


def _tell(entries: Iterable[Entry]) -> None:
    for entry in entries:
        say("ack", entry.header.seq, fingerprint(entry.header_bytes))


def fingerprint(header: bytes) -> str:
    """What the writer says of an entry, and the audit compares."""
    return hashlib.sha256(header).hexdigest()


def clock(draw: random.Random) -> Callable[[], datetime]:
    """A clock that moves a second with every look, from a start drawn from the seed."""
    moment = START + timedelta(seconds=draw.randrange(1000))

    def now() -> datetime:
        nonlocal moment
        moment += timedelta(seconds=1)
        return moment

    return now


def create(home: Path, draw: random.Random) -> Store:
    """Makes a store in an empty home, as enrolment would."""
    keys = NodeKeys.generate(draw.randbytes)
    opened = k.JournalOpened(
        centre="TST-1",
        centre_name="A centre for tests",
        node_key="00" * 32,
        age_recipient=age.recipient_of(keys.age_identity),
        software="test",
    )
    now = clock(draw)
    store = Store.create(Layout(home), KEY, keys, opened, clock=now, random=draw.randbytes, halt=stop)
    store.remember(
        **{
            COSIGNER: cosigner().verifier.text,
            ORDERS_SIGNER: orders_signer(store).verifier.text,
            LOCKER: age.recipient_of(age.new_identity()),
        }
    )
    return store


def enrol(home: Path, invite: Invite, draw: random.Random, address: Path) -> None:
    """Makes a store and enrols it at a real central; `address` is written for writers that sync with it."""
    keys = NodeKeys.generate(draw.randbytes)
    opened = k.JournalOpened(
        centre=invite.centre,
        centre_name=invite.centre_name,
        node_key=public(keys.node).hex(),
        age_recipient=age.recipient_of(keys.age_identity),
        software="test",
    )
    now = clock(draw)
    store = Store.create(Layout(home), KEY, keys, opened, clock=now, random=draw.randbytes, halt=stop)
    with store.closing():
        (first,) = store.entries(0, 1)
        recipient = age.recipient_of(keys.age_identity)
        enrolled = enrol_request(
            invite,
            journal=store.signer,
            node_key=keys.node,
            centre_key=keys.centre,
            recipient=recipient,
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
    address.write_bytes(msgspec.json.encode(enrolled.address))


def read_address(path: Path) -> Address:
    """Where `enrol` found central."""
    return msgspec.json.decode(path.read_bytes(), type=Address)


def begin(home: Path, draw: random.Random) -> None:
    """Makes a store, and says its first entry."""
    with create(home, draw).closing() as store:
        _tell(store.entries(0, 1))


def open_store(home: Path, draw: random.Random, synchronous: str = "FULL") -> Store:
    """Opens the store as a process of the node does."""
    now = clock(draw)
    return TellingStore(Layout(home), KEY, clock=now, random=draw.randbytes, halt=stop, synchronous=synchronous)


def reopen(home: Path) -> Store:
    """Opens the store to look at it; it tells nobody, and a failing disk raises."""
    draw = random.Random(0)
    return Store(Layout(home), KEY, clock=clock(draw), random=draw.randbytes, halt=_raise)


def _raise(error: StorageFailed) -> NoReturn:
    raise error


def cosigner() -> Signer:
    """The key with which central countersigns."""
    return Signer("sanad/central/test", COSIGNER_SEED, COSIGNATURE)


def orders_signer(store: Store) -> Signer:
    """The key with which central signs this node's orders."""
    return Signer(origin(orders_of(store.journal)), CENTRAL_SEED)


def lease_numbers(store: Store) -> int:
    """Central gives one more order, and the node takes it up; answers the size of the orders journal."""
    journal, signer = orders_of(store.journal), orders_signer(store)
    with store.read() as tx:
        log = Log(tx, journal)
        frontier = log.frontier() if log.head() is not None else EMPTY
    first = 1 + frontier.size * 100
    order = make_entry(
        journal=journal,
        seq=frontier.size,
        at=store.now(),
        by="central",
        kind=Kind(k.NumbersLeased.KIND),
        about="-",
        body=k.encode_body(k.NumbersLeased(prefix="TST-1-", first=first, last=first + 99)),
        salt=bytes(SALT_BYTES),
    )
    after, _ = frontier.append(order.leaf)
    note = sign_checkpoint(Checkpoint(signer.name, after.size, after.root()), signer)
    return store.take_orders([order], note)


def countersign(store: Store) -> int:
    """Central countersigns all there is; answers the size."""
    return store.take_cosignature(cosign(store.head().checkpoint, cosigner(), int(START.timestamp())))

"""One central, opened: its two databases, its keys, and everything that it does for nodes and for people.

Central's private keys lie in the archive's database and nowhere else: the orders key, the cosigner's, the publisher's,
the authority's, the server's, and the age identities of the locker and of recovery.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final

import msgspec
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import bindparam, select

from appliance.certificates.lists import publisher_name
from appliance.journal.checkpoint import open_checkpoint
from appliance.journal.errors import BugError
from appliance.journal.ids import BlobDigest, EntityId, JournalId, entity_id
from appliance.journal.kinds import Body
from appliance.journal.notes import COSIGNATURE, Signer, VerifierKey
from appliance.records import tables as log_tables
from appliance.records.database import Database, Halt, Tx
from appliance.records.disk import write_durably
from appliance.records.failures import StorageFull, StorageReadOnly
from appliance.records.folding import Progress, no_progress
from appliance.records.moment import Clock
from appliance.sealing import age
from sync import frames, signatures, wire
from sync.central import endedkeys, registry
from sync.central import tables as t
from sync.central.archive import Archive, no_fault
from sync.central.authority import Authority, key_bytes, load_key, new_key, server_certificate
from sync.central.backups import Backups
from sync.central.certifying import Certifier, try_answer
from sync.central.challenges import Challenges
from sync.central.conflicts import Conflicts
from sync.central.courier import CourierDesk
from sync.central.enrolment import Enrolment, Identity
from sync.central.fleet import Fleet
from sync.central.followups import do_each
from sync.central.footing import Footing, on_disk
from sync.central.index import Index
from sync.central.ingest import Ingest
from sync.central.layout import CentralLayout
from sync.central.locker import Locker
from sync.central.nodestatus import NodeStatus, node_status
from sync.central.ordering import Ordering
from sync.central.orders import Orders
from sync.central.ordersback import OrdersBack
from sync.central.readiness import Readiness
from sync.central.registry import Node
from sync.central.room import is_scarce
from sync.central.sessions import NodeSession, Sessions
from sync.central.stampdesk import StampDesk
from sync.central.timestamping import Timestamps, own_timestamps
from sync.central.troubles import LIMITS, Limits
from sync.central.trust import Trust
from sync.central.viewers import Viewers
from sync.invite import Invite, fingerprint
from sync.refusals import BadRequest, OutOfStep
from sync.session import CentralState
from sync.signatures import Claims, Incoming
from sync.wire import SessionRequest, StateAnswer

Randomness = Callable[[int], bytes]

_SECRET = select(log_tables.secrets.c.value).where(log_tables.secrets.c.name == bindparam("name"))
_ADD_SECRET = sa.insert(log_tables.secrets)
_LOCAL = select(log_tables.local.c.value).where(log_tables.local.c.name == bindparam("name"))
_ADD_LOCAL = sa.insert(log_tables.local)
_SESSION_DECODER: Final = msgspec.json.Decoder(SessionRequest)

SETTLE_S: Final = 1.0
"""For what came just now to be folded, before the public lists are looked at."""

ORDERS_KEY: Final = "orders-key"
COSIGN_KEY: Final = "cosign-key"
LISTS_KEY: Final = "lists-key"
CA_KEY: Final = "ca-key"
CA_CERTIFICATE: Final = "ca-certificate"
TLS_KEY: Final = "tls-key"
LOCKER_IDENTITY: Final = "age-identity"
RECOVERY_IDENTITY: Final = "recovery-identity"


class Central:
    """An open central. Several processes may open one home; one of them serves.

    Args:
        layout: central's home.
        key: the key of both databases, 32 bytes.
        url: the public address, `https://host` or `https://host:port`: what nodes sign and what invites say.
        clock: what time it is.
        monotonic_s: seconds on a clock that nobody can set.
        random: a cryptographic source of random bytes.
        halt: called, and never returns, when the disk failed while being written.
        stored: see `Archive`.
        timestamps: a service outside, to be asked in the place of central's own.
        limits: from when on people are told that something is wrong with a node.
        footing: what to stand on in the place of what lies in the home.

    Raises:
        StoreMissing, StoreUnreadable: there is no central here, or this is not its key.
    """

    def __init__(
        self,
        layout: CentralLayout,
        key: bytes,
        *,
        url: str,
        clock: Clock,
        monotonic_s: Callable[[], float],
        random: Randomness,
        halt: Halt,
        stored: Callable[[JournalId], None] = no_fault,
        timestamps: Timestamps | None = None,
        limits: Limits = LIMITS,
        footing: Footing | None = None,
    ) -> None:
        self.layout = layout
        self.url = url.rstrip("/")
        self._clock = clock
        self.monotonic_s = monotonic_s
        self.random = random
        footing = footing or on_disk(layout, key, halt=halt)
        self._archive_db, self._index_db, self._locker = footing.archive, footing.index, footing.locker
        self._verify, self._disk = footing.verify, footing.disk
        self.id = EntityId(self._local("id"))
        self.name = self._local("name")
        self._cosigner = Signer(f"sanad/central/{self.id}", self._secret(COSIGN_KEY), COSIGNATURE)
        self._orders = Orders(self._secret(ORDERS_KEY), clock, random)
        self._orders_back = OrdersBack(self._archive_db, self._orders)
        self._authority = Authority.load(self._secret(CA_KEY), self._secret(CA_CERTIFICATE))
        self.archive = Archive(self._archive_db, self._locker, self._cosigner, clock=clock, halt=halt, stored=stored)
        self.backups = Backups(self._archive_db, self._index_db, self._locker, self._give, clock)
        self._certifier = Certifier(self._archive_db, self._index_db, self._authority, self._give, clock)
        self.viewers = Viewers(self._archive_db, clock=clock, random=random)
        both = self._archive_db, self._index_db
        self.fleet = Fleet(*both, layout, clock=clock, monotonic_s=monotonic_s, limits=limits, give=self._give)
        self.conflicts = Conflicts(self._archive_db, self._index_db, clock, self.fleet.forget_picture, self._give)
        self.index = Index(
            self._index_db, self._archive_db, self._followed, self.fleet.sightings.folded, thread=footing.folding
        )
        self.readiness = Readiness(self._archive_db, self.index, layout, limits, clock=clock, monotonic_s=monotonic_s)
        self._challenges = Challenges(monotonic_s, random)
        self._sessions = Sessions(random)
        self.trust = Trust(
            self._archive_db,
            self._index_db,
            layout.lists,
            Signer(publisher_name(self.id), self._secret(LISTS_KEY)),
            self._authority,
            self._cosigner.verifier,
            self._give,
            lambda *order: self.ordering.stand(*order),
            lambda: self.stamps.timestamps.remembered,
            self._settle,
            clock=clock,
            monotonic_s=monotonic_s,
        )
        timestamps = timestamps or own_timestamps(self._archive_db, self._authority, self.id, clock, random)
        self.courier = CourierDesk(
            *(self._archive_db, self.archive, self._locker, self._orders, self._orders_back, self.index, self.trust),
            lambda journal: self.ordering.try_catch_up(journal),
            lambda: self._secret(LOCKER_IDENTITY).decode(),
            random,
            self.fleet.refused,
        )
        self.stamps = StampDesk(timestamps, self._authority, self.trust.crl, clock, self._challenges.give)
        self.ordering = Ordering(self._archive_db, self._index_db, self._give, clock, random)
        self._enrolment = self._new_enrolment()

    @classmethod
    def create(
        cls, layout: CentralLayout, key: bytes, *, name: str, clock: Clock, random: Randomness, halt: Halt
    ) -> None:
        """Make a central in a new home: databases, folders, and all its keys.

        Whoever calls sees to it that a home that was not made whole does not count.

        Args:
            layout: central's home; it may hold the key slots already.
            key: the key of both databases, 32 bytes.
            name: what nodes and people call it.
            clock: what time it is.
            random: a cryptographic source of random bytes.
            halt: called, and never returns, when the disk failed while being written.

        Raises:
            StorageFull, StorageReadOnly: the home can't be written.
        """
        Locker.create(layout.blobs, layout.incoming)
        layout.keys.mkdir(mode=0o700, exist_ok=True)
        central = entity_id(random(16))
        authority = Authority.create(f"Sanad central {central}", clock())
        certificate = authority.certificate
        secrets = {
            ORDERS_KEY: random(32),
            COSIGN_KEY: random(32),
            LISTS_KEY: random(32),
            CA_KEY: authority.secret,
            CA_CERTIFICATE: certificate.public_bytes(Encoding.DER),
            TLS_KEY: key_bytes(new_key()),
            LOCKER_IDENTITY: age.new_identity().encode(),
            RECOVERY_IDENTITY: age.new_identity().encode(),
        }
        Database.create(
            layout.index, key, (log_tables.LOG, log_tables.FOLDED), lock=layout.index.with_suffix(".lock"), halt=halt
        ).close()
        write_durably(layout.authority, certificate.public_bytes(Encoding.PEM))
        archive = Database.create(
            layout.archive, key, (log_tables.LOG, t.CENTRAL), lock=layout.archive.with_suffix(".lock"), halt=halt
        )
        with archive.write() as tx:
            tx.many(_ADD_SECRET, [{"name": each, "value": value} for each, value in secrets.items()])
            tx.many(_ADD_LOCAL, [{"name": "id", "value": central}, {"name": "name", "value": name}])
        archive.close()

    def start(self, progress: Progress = no_progress) -> None:
        """Make good what a crash left: doomed files, unwanted pieces, entries not folded, officers not answered."""
        with self._archive_db.write() as tx:
            # What a later version keeps beside what this home was made with.
            tx.create(t.CENTRAL)
        self.fleet.tell_held()
        self.archive.tidy()
        self.index.read_all([status.node.journal for status in self.nodes()], progress)

    def close(self) -> None:
        """Stop folding, and close both databases."""
        self.index.close()
        # When nodes were last seen is worth less than an end without an error.
        with contextlib.suppress(StorageFull, StorageReadOnly):
            self.fleet.sightings.flush()
        self._archive_db.close()
        self._index_db.close()

    def check(self) -> None:
        """Read the archive once; raises what is wrong with it."""
        self._local("id")

    # For people

    def invite(self, centre: str, centre_name: str) -> Invite:
        """Invite a node.

        Args:
            centre: the code of its centre: 2 to 16 capitals and digits.
            centre_name: the centre's name.

        Raises:
            OperatorError: the code or the name is not of its form.
        """
        with self._archive_db.write() as tx:
            return registry.add_invite(
                tx,
                url=self.url,
                authority=self._authority.certificate.public_bytes(Encoding.DER),
                centre=centre,
                centre_name=centre_name,
                now_s=int(self._clock().timestamp()),
                random=self.random,
            )

    def nodes(self) -> list[NodeStatus]:
        """Every enrolled node, and how far central's copy of it is."""
        with self._archive_db.read() as tx:
            return [node_status(tx, node) for node in registry.all_nodes(tx)]

    def fingerprint_of(self, journal: JournalId) -> str:
        """Of a node's key, for people to compare.

        Raises:
            NotEnrolled: there is no such node.
        """
        with self._archive_db.read() as tx:
            return node_status(tx, registry.require_node(tx, journal)).fingerprint

    def fetch(self, digest: BlobDigest) -> bytes:
        """Open one blob.

        Raises:
            NoSuchBlob: it is not here. SealError: it was not sealed to this central.
        """
        return age.open_sealed(self._locker.read(digest), self._secret(LOCKER_IDENTITY).decode())

    def holds(self, digest: BlobDigest) -> bool:
        """Whether that blob is here, whole."""
        return self._locker.holds(digest)

    def order(self, journal: JournalId, bodies: Sequence[Body]) -> None:
        """Order something of a node; it is told when it next syncs.

        Raises:
            NotEnrolled: there is no such node.
        """
        with self._archive_db.write() as tx:
            self._give(tx, registry.require_node(tx, journal), bodies)

    def lease(self, journal: JournalId) -> None:
        """Give a node the next block of certificate numbers.

        Raises:
            NotEnrolled: there is no such node.
        """
        with self._archive_db.write() as tx:
            node = registry.require_node(tx, journal)
            self._give(tx, node, [registry.lease_numbers(tx, node.centre, journal)])

    @property
    def cosigner(self) -> VerifierKey:
        """What verifies central's cosignatures."""
        return self._cosigner.verifier

    @property
    def fingerprint(self) -> str:
        """Of the authority's key, for people to compare."""
        return fingerprint(self._authority.certificate.public_key())

    def server_identity(self, hosts: Sequence[str]) -> tuple[bytes, EllipticCurvePrivateKey]:
        """The server's certificate (PEM), made anew where it is for other hosts or has grown old, and its key."""
        key = load_key(self._secret(TLS_KEY))
        return server_certificate(self._authority, self.layout.server, key, hosts, self._clock()), key

    # For nodes

    def challenge(self, journal: JournalId) -> str:
        """A nonce for the next signed request of this node."""
        return self._challenges.give(journal)

    def authenticate(self, request: Incoming, *, held: bool = False) -> tuple[Node, Claims]:
        """Say which node signed a request, and take back its challenge; with `held`, also one in quarantine.

        Raises:
            NotEnrolled, BadSignature, BadRequest, BadChallenge, Busy, Quarantined: it is not to be answered.
        """
        with self._archive_db.read() as tx:
            node = registry.require_node(tx, signatures.claimed_journal(request))
            endedkeys.refuse_stopped(tx, node.journal)
        claims = self._verify(request, node.node_key)
        self._challenges.spend(node.journal, claims.nonce)
        self.fleet.sightings.heard(node.journal, claims.offered)
        if not held:
            self.fleet.refuse_held(node.journal)
        return node, claims

    def session(self, node: Node, claims: Claims, body: bytes) -> StateAnswer:
        """Answer what central has of a node.

        Raises:
            BadRequest: the body is no `SessionRequest`. Fork, Rollback, BadCheckpoint: see `Archive.offer`.
            Quarantined: it is in quarantine; how many orders central has for it is said all the same.
        """
        try:
            request = _SESSION_DECODER.decode(body)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            raise BadRequest("A session request is not of its form.") from None
        self.fleet.refuse_held(node.journal, lambda: self._agree(node, request))
        self.fleet.told(node.journal, request.report)
        version = frames.choose_version(request.versions)
        offered = open_checkpoint(request.checkpoint, node.verifier)
        if offered.size != claims.offered:
            raise BadRequest("A node offers another size than it signed for.")
        if request.cosigned is not None and len(request.cosigned) > wire.MAX_NOTE:
            raise BadRequest("A countersigned checkpoint is larger than any.")
        agreed = self._agree(node, request)
        state = self.archive.offer(node, offered, request.cosigned)
        self.fleet.opened(node.journal, complete=state.stored == offered.size)
        behind = agreed if agreed < request.orders else None
        return self._answer(node, state, self._sessions.begin(node.journal, version, behind))

    def _agree(self, node: Node, request: SessionRequest) -> int:
        """How many orders central says to a node that it has; what every node is to have is among them."""
        known = node.journal, request.orders, request.orders_root
        agreed = self._orders_back.agreed(*known)
        # A central that forgot orders first has those back that the node holds.
        if agreed >= request.orders and self.ordering.try_catch_up(node.journal):
            agreed = self._orders_back.agreed(*known)
        return agreed

    def ingest(
        self, node: Node, claims: Claims, news: Callable[[], None] = lambda: None, *, lane: bool = False
    ) -> Ingest:
        """Begin a stream, or a lane beside it.

        Args:
            node: whose it is.
            claims: what its request signed.
            news: told when there is something that the node waits to hear.
            lane: whether it is a lane.

        Raises:
            OutOfStep: it is not of the node's newest session, or does not begin where central's copy ends.
        """
        session = self._sessions.require(node.journal, claims.session)
        ingest = Ingest(self.archive, node, claims.offered, self.index.soon, session, news, lane=lane)
        if ingest.start != claims.offset:
            raise OutOfStep("A stream begins elsewhere than where central's copy of the node ends.", "Sync again.")
        return ingest

    def finish(self, node: Node, ingest: Ingest) -> StateAnswer:
        """End a stream whose bytes all came.

        Raises:
            BadFrame: it was cut.
        """
        ingest.finish()
        self.fleet.sightings.sound(node.journal)
        return self._answer(node, self.archive.state(node.journal, ingest.session.passed), ingest.session)

    def state(self, node: Node, claims: Claims, passed: int = 0) -> StateAnswer:
        """What central has of a node now, in its newest session; see `Known.passed`.

        Raises:
            OutOfStep: the request is of an older one. Quarantined: the node was put into quarantine since.
        """
        self.fleet.refuse_held(node.journal)
        session = self._sessions.require(node.journal, claims.session)
        session.passed = passed
        if session.agreed is None:
            self.ordering.remind(node.journal)
        return self._answer(node, self.archive.state(node.journal, passed), session)

    def _answer(self, node: Node, state: CentralState, session: NodeSession) -> StateAnswer:
        self.fleet.sightings.spoilt(node.journal, len(session.spoilt))
        return StateAnswer.of(
            state if session.agreed is None else replace(state, orders=session.agreed),
            self.challenge(node.journal),
            version=session.version,
            session=session.name,
            spoilt=tuple(session.spoilt),
            spare=self.challenge(node.journal),
            scarce=is_scarce(self._disk),
        )

    def orders_stream(self, node: Node, start: int) -> bytes:
        """The orders for a node from `start` on, as frames."""
        with self._archive_db.read() as tx:
            parts = self._orders.frames(tx, node.journal, start)
        return frames.PREFIX + b"".join(map(frames.encode, parts))

    def take_orders_back(self, node: Node, body: bytes) -> int:
        """Take up orders that this central gave and lost; see `OrdersBack.take`."""
        size = self._orders_back.take(node.journal, body)
        self._sessions.agree(node.journal)
        self.index.soon(node.journal)
        return size

    def enrol(self, body: bytes) -> bytes:
        """Enrol a node; see `Enrolment.enrol`."""
        return self._enrolment.enrol(body, self.index.soon)

    def _followed(self, journal: JournalId) -> None:
        # Looked up at each call: the index is made before the last of them.
        do_each(
            journal,
            certificates=partial(try_answer, self._certifier),
            conflicts=self.conflicts.look,
            backups=self.backups.look,
            orders=self.ordering.try_catch_up,
        )

    def _give(self, tx: Tx, node: Node, bodies: Sequence[Body]) -> None:
        self._orders.give(tx, node.journal, bodies)

    def _settle(self) -> None:
        # Whoever syncs and then asks for the lists is to find in them what it just carried here.
        with suppress(TimeoutError):
            self.index.settle(SETTLE_S)

    def _new_enrolment(self) -> Enrolment:
        locker, recovery = (
            age.recipient_of(self._secret(name).decode()) for name in (LOCKER_IDENTITY, RECOVERY_IDENTITY)
        )
        identity = Identity(self.id, self.name, locker, recovery, self.trust.key.text)
        return Enrolment(self._archive_db, self._authority, self._orders, self._cosigner, identity, clock=self._clock)

    def _secret(self, name: str) -> bytes:
        with self._archive_db.read() as tx:
            row = tx.one(_SECRET, {"name": name})
        if row is None:
            raise BugError(f"Central's archive holds no secret named {name}.")
        return bytes(row[0])

    def _local(self, name: str) -> str:
        with self._archive_db.read() as tx:
            row = tx.one(_LOCAL, {"name": name})
        if row is None:
            raise BugError(f"Central's archive does not say its {name}.")
        return str(row[0])

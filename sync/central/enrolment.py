"""Enrolling a node: one request, judged whole, answered in one transaction, and answered the same again.

Accepted is a node that shows all of these, in this order:

 1. an invite that central gave, with its secret;
 2. the node key: it signed the CSR, whose name is the journal; and the centre's key, whose CSR names the centre;
 3. the journal key, from which the journal's name is derived: it signed the checkpoint over entry 0;
 4. entry 0, `journal.opened`, which names the invite's centre, the node key and the age recipient.

An invite enrols one node, within a day. The node that it enrolled may ask again, because the answer may be lost on its
way; any other is refused. What one transaction writes: the node, its entry 0, its orders with the first block of
numbers, and the invite's use with the answer. Central's cosignature in the answer leaves only after that is durable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance.journal import ids, tree
from appliance.journal.checkpoint import cosign, open_checkpoint
from appliance.journal.entry import Entry, read_entry
from appliance.journal.ids import EntityId, JournalId, journal_id, origin
from appliance.journal.kinds import JournalOpened, OrdersOpened, decode_body
from appliance.journal.notes import NOTE_SIGNATURE, Signer, VerifierKey
from appliance.records.database import Database, Tx
from appliance.records.log import Log
from appliance.records.moment import Clock, at_text
from appliance.sealing.age import canonical_recipient
from sync.central import registry
from sync.central.authority import Authority, read_centre_request, read_request
from sync.central.orders import Orders
from sync.central.registry import Given, Node
from sync.centre import centre_subject
from sync.invite import EnrolAnswer, EnrolRequest
from sync.packing import Item
from sync.refusals import BadRequest, InviteExpired, InviteUsed

_DECODER: Final = msgspec.json.Decoder(EnrolRequest)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who central is to its nodes."""

    id: EntityId
    name: str
    locker: str
    """Recipient of every blob (age)."""
    recovery: str
    """Recipient of every node's recovery slot (age)."""
    publisher: str
    """Verifier key of the public lists."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request whose proofs hold."""

    journal: JournalId
    node_key: Ed25519PublicKey
    centre_key: EllipticCurvePublicKey
    verifier: VerifierKey
    recipient: str
    entry: Entry


class Enrolment:
    """Enrols nodes.

    Args:
        database: the archive.
        authority: certifies the keys of nodes and centres.
        orders: writes the first orders.
        cosigner: countersigns the journal's first checkpoint.
        identity: what the node is told of central.
        clock: what time it is.
    """

    def __init__(
        self,
        database: Database,
        authority: Authority,
        orders: Orders,
        cosigner: Signer,
        identity: Identity,
        *,
        clock: Clock,
    ) -> None:
        self._database = database
        self._authority = authority
        self._orders = orders
        self._cosigner = cosigner
        self._identity = identity
        self._clock = clock

    def enrol(self, body: bytes, enrolled: Callable[[JournalId], object]) -> bytes:
        """Answer a request.

        Args:
            body: an `EnrolRequest`, as JSON.
            enrolled: told the journal once its node is enrolled.

        Returns:
            An `EnrolAnswer`, as JSON.

        Raises:
            BadRequest, IntegrityError: it is no request, or a proof in it does not hold.
            InviteUnknown, InviteExpired, InviteUsed: the invite does not help this node.
        """
        request = _read(body)
        with self._database.read() as tx:
            given = registry.find_invite(tx, request.invite, request.secret)
        # Whoever has no invite, or proves nothing, makes no writer wait.
        asked = _prove(request, given)
        with self._database.write() as tx:
            given = registry.find_invite(tx, request.invite, request.secret)
            node = registry.find_node(tx, asked.journal)
            if given.used_by is not None:
                if given.used_by != asked.journal or given.answer is None or not _is_same(node, asked):
                    raise InviteUsed("Another node has used this invite.", "Ask central IT for a new one.")
                return given.answer
            now = self._clock()
            if now.timestamp() > given.expires_s:
                raise InviteExpired("This invite is more than a day old.", "Ask central IT for a new one.")
            if node is not None:
                raise InviteUsed("This node is enrolled already.", "Use the settings that it was given then.")
            answer = msgspec.json.encode(self._admit(tx, request, asked, given))
            registry.use_invite(tx, given.id, asked.journal, answer)
        enrolled(asked.journal)
        return answer

    def _admit(self, tx: Tx, request: EnrolRequest, asked: _Asked, given: Given) -> EnrolAnswer:
        now = self._clock()
        certificate = self._authority.certify_node(asked.node_key, asked.journal, now).public_bytes(Encoding.DER)
        subject = centre_subject(given.centre, given.centre_name)
        for_centre = self._authority.certify_centre(asked.centre_key, subject, now).public_bytes(Encoding.DER)
        node = Node(
            journal=asked.journal,
            journal_key=asked.verifier.public,
            node_key=_raw(asked.node_key),
            recipient=asked.recipient,
            centre=given.centre,
            centre_name=given.centre_name,
            certificate=certificate,
            centre_certificate=for_centre,
            enrolled_at=at_text(now),
            floor=None,
        )
        registry.add_node(tx, node)
        log = Log(tx, asked.journal)
        log.set_head(log.append([asked.entry], tree.EMPTY), request.checkpoint)
        cosigned = cosign(request.checkpoint, self._cosigner, int(now.timestamp()))
        log.set_cosigned(1, cosigned)
        opened = OrdersOpened(node=asked.journal, centre=given.centre, central_name=self._identity.name)
        numbers = registry.lease_numbers(tx, given.centre, asked.journal)
        orders, note = self._orders.give(tx, asked.journal, [opened, numbers])
        return EnrolAnswer(
            central=self._identity.id,
            central_name=self._identity.name,
            certificate=certificate,
            centre_certificate=for_centre,
            cosigner=self._cosigner.verifier.text,
            orders_key=self._orders.signer(asked.journal).verifier.text,
            publisher=self._identity.publisher,
            locker=self._identity.locker,
            recovery=self._identity.recovery,
            orders=tuple(_item(order) for order in orders),
            orders_checkpoint=note,
            cosigned=cosigned,
        )


def _read(body: bytes) -> EnrolRequest:
    try:
        return _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise BadRequest("A request to enrol is not of its form.", "Bring node and central to one version.") from None


def _prove(request: EnrolRequest, given: Given) -> _Asked:
    """Check the proofs 2 to 4.

    Raises:
        IntegrityError: one does not hold.
    """
    if len(request.journal_key) != ids.PUBLIC_KEY_BYTES:
        raise BadRequest("A request to enrol holds no journal key.")
    journal = journal_id(request.journal_key)
    node_key = read_request(request.csr, journal)
    centre_key = read_centre_request(request.centre_csr, centre_subject(given.centre, given.centre_name))
    verifier = VerifierKey(origin(journal), NOTE_SIGNATURE, request.journal_key)
    entry = read_entry(*request.entry)
    checkpoint = open_checkpoint(request.checkpoint, verifier)
    header = entry.header
    if (header.journal, header.seq, header.by, header.about, header.blobs) != (journal, 0, ids.NODE, ids.NOBODY, ()):
        raise BadRequest("The first entry of the journal is not as it must be.")
    if (checkpoint.size, checkpoint.root) != (1, tree.EMPTY.append(entry.leaf)[0].root()):
        raise BadRequest("The journal's checkpoint is not over its first entry.")
    opened = None if entry.body is None else decode_body(header.kind, entry.body)
    if not isinstance(opened, JournalOpened):
        raise BadRequest("The first entry of the journal does not open it.")
    if (opened.node_key, opened.age_recipient) != (_raw(node_key).hex(), canonical_recipient(request.recipient)):
        raise BadRequest("The first entry of the journal names other keys than the request.")
    if (opened.centre, opened.centre_name) != (given.centre, given.centre_name):
        raise BadRequest("The first entry of the journal names another centre than the invite.")
    return _Asked(journal, node_key, centre_key, verifier, opened.age_recipient, entry)


def _is_same(node: Node | None, asked: _Asked) -> bool:
    """Whether it is the node that was enrolled, with the same keys."""
    if node is None or node.node_key != _raw(asked.node_key):
        return False
    return x509.load_der_x509_certificate(node.centre_certificate).public_key() == asked.centre_key


def _item(entry: Entry) -> Item:
    return entry.header_bytes, entry.salt, entry.body


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)

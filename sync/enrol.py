"""The node's side of enrolling: one request under the invite, and an answer that must prove itself.

The answer comes from the authority that the invite pins, so it is central's; it is still held against what the node
knows: its own keys, its own journal, its own centre.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from appliance.certificates.lists import publisher_name
from appliance.journal import tree
from appliance.journal.checkpoint import Checkpoint, open_checkpoint, open_cosignature, sign_checkpoint
from appliance.journal.entry import Entry
from appliance.journal.errors import IntegrityError
from appliance.journal.ids import JournalId, orders_of, origin
from appliance.journal.kinds import OrdersOpened, decode_body
from appliance.journal.notes import COSIGNATURE, NOTE_SIGNATURE, Signer, VerifierKey
from appliance.sealing.age import canonical_recipient
from sync import frames, wire
from sync.centre import centre_request, check_centre_certificate
from sync.invite import MAX_ENROL, EnrolAnswer, EnrolRequest, Invite, fingerprint
from sync.link import Address, Link, not_understood
from sync.session import Accept, Receiver, Stage


class BadAnswer(IntegrityError):
    """Central's answer contradicts what this node knows."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What central gave to this node, verified."""

    address: Address
    central: str
    """Central's identifier."""
    central_name: str
    certificate: bytes
    """This node's, DER."""
    centre_certificate: bytes
    """The centre's, DER."""
    cosigner: VerifierKey
    orders_key: VerifierKey
    publisher: VerifierKey
    """Of central's public lists."""
    locker: str
    """Recipient of every blob, beside this node (age)."""
    recovery: str
    """Recipient of the recovery slot (age)."""
    orders: tuple[Entry, ...]
    orders_checkpoint: bytes
    cosigned: bytes
    """The journal's checkpoint of size 1, countersigned."""

    @property
    def central_fingerprint(self) -> str:
        """Of the key of central's authority, for people to compare."""
        return fingerprint(x509.load_der_x509_certificate(self.address.authority).public_key())

    @property
    def node_fingerprint(self) -> str:
        """Of the node key, for people to compare."""
        return fingerprint(x509.load_der_x509_certificate(self.certificate).public_key())


def enrol_request(
    invite: Invite, *, journal: Signer, node_key: bytes, centre_key: bytes, recipient: str, entry: Entry
) -> Enrolled:
    """Enrol this node.

    The same call may be made again, as long as the answer has not arrived.

    Args:
        invite: from central, by hand.
        journal: signs the journal's checkpoints.
        node_key: the Ed25519 seed that signs requests, 32 bytes.
        centre_key: what signs certificates for citizens, PKCS #8, DER.
        recipient: of this node's age identity.
        entry: entry 0 of the journal.

    Raises:
        InviteUnknown, InviteExpired, InviteUsed: central refused the invite.
        BadAnswer, BadCentreCertificate: central's answer does not prove itself.
        NetworkError: central was not reached.
    """
    private = Ed25519PrivateKey.from_private_bytes(node_key)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, entry.header.journal)])
    csr = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(private, None)
    root = tree.EMPTY.append(entry.leaf)[0].root()
    request = EnrolRequest(
        invite=invite.id,
        secret=invite.secret,
        csr=csr.public_bytes(Encoding.DER),
        journal_key=journal.verifier.public,
        centre_csr=centre_request(centre_key, invite.centre, invite.centre_name),
        recipient=recipient,
        entry=(entry.header_bytes, entry.salt, entry.body),
        checkpoint=sign_checkpoint(Checkpoint(journal.name, 1, root), journal),
    )
    address = Address(invite.url, invite.authority)
    with Link(address) as link:
        reply = link.call("POST", wire.ENROL, limit=MAX_ENROL, body=msgspec.json.encode(request))
    try:
        answer = msgspec.json.decode(reply.body, type=EnrolAnswer)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise not_understood() from None
    check_centre_certificate(answer.centre_certificate, invite.authority, centre_key, invite.centre, invite.centre_name)
    return _verified(answer, invite, address, journal, private, Checkpoint(journal.name, 1, root))


def _verified(
    answer: EnrolAnswer,
    invite: Invite,
    address: Address,
    journal: Signer,
    node_key: Ed25519PrivateKey,
    checkpoint: Checkpoint,
) -> Enrolled:
    """Hold an answer against what this node knows; IntegrityError says what does not fit."""
    mine = JournalId(journal.name.rpartition("/")[2])
    _check_certificate(answer.certificate, invite.authority, mine, node_key)
    cosigner, orders_key, publisher = map(VerifierKey.parse, (answer.cosigner, answer.orders_key, answer.publisher))
    if (cosigner.name, cosigner.algorithm) != (f"sanad/central/{answer.central}", COSIGNATURE):
        raise BadAnswer("Central's key for cosignatures is not as it must be.")
    if (orders_key.name, orders_key.algorithm) != (origin(orders_of(mine)), NOTE_SIGNATURE):
        raise BadAnswer("Central's key for orders is not as it must be.")
    if (publisher.name, publisher.algorithm) != (publisher_name(answer.central), NOTE_SIGNATURE):
        raise BadAnswer("Central's key for public lists is not as it must be.")
    if open_checkpoint(answer.cosigned, journal.verifier) != checkpoint:
        raise BadAnswer("Central countersigned another journal than this node's.")
    open_cosignature(answer.cosigned, cosigner)
    orders = _check_orders(answer, mine, orders_key)
    opened = decode_body(orders[0].header.kind, orders[0].body or b"")
    if not isinstance(opened, OrdersOpened) or (opened.node, opened.centre) != (mine, invite.centre):
        raise BadAnswer("Central's first order is not for this node.")
    return Enrolled(
        address=address,
        central=answer.central,
        central_name=answer.central_name,
        certificate=answer.certificate,
        centre_certificate=answer.centre_certificate,
        cosigner=cosigner,
        orders_key=orders_key,
        publisher=publisher,
        locker=canonical_recipient(answer.locker),
        recovery=canonical_recipient(answer.recovery),
        orders=orders,
        orders_checkpoint=answer.orders_checkpoint,
        cosigned=answer.cosigned,
    )


def _check_certificate(certificate: bytes, authority: bytes, journal: JournalId, node_key: Ed25519PrivateKey) -> None:
    try:
        mine = x509.load_der_x509_certificate(certificate)
        mine.verify_directly_issued_by(x509.load_der_x509_certificate(authority))
        names = [each.value for each in mine.subject]
        fits = mine.public_key() == node_key.public_key()
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.InvalidVersion):
        raise BadAnswer("Central's certificate for this node is not by central's authority.") from None
    if not fits or names != [journal]:
        raise BadAnswer("Central's certificate is for another node.")


def _check_orders(answer: EnrolAnswer, journal: JournalId, key: VerifierKey) -> tuple[Entry, ...]:
    receiver = Receiver(orders_of(journal), key, offered=0, stored=0, frontier=tree.EMPTY)
    receiver.take(frames.Hello(orders_of(journal), 0))
    staged = receiver.take(frames.Entries(answer.orders))
    accepted = receiver.take(frames.Checkpoint(answer.orders_checkpoint))
    if not isinstance(staged, Stage) or not isinstance(accepted, Accept) or not staged.entries:
        raise BadAnswer("Central gave this node no orders.")
    return staged.entries

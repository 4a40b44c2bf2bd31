"""What an invite holds, and what a node and central say to each other when the node enrols.

An invite is one line of text, good once and for a day, carried by people: it names central's address, pins central's
own certificate authority, and holds a secret. Whoever has it can enrol a node; whoever only watches the wire cannot.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Annotated, Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance.journal.errors import OperatorError
from sync.packing import Item

INVITE_LIFE_S: Final = 24 * 3600
SECRET_BYTES: Final = 32
MAX_INVITE: Final = 8192
"""Characters of the line."""
MAX_ENROL: Final = 256 * 1024
"""Bytes of a request or an answer."""

INVITE_START: Final = "sanad-invite-"
_PREFIX: Final = INVITE_START + "1-"
_CHECK_BYTES: Final = 4

Code = Annotated[str, msgspec.Meta(pattern=r"\A[A-Z0-9]{2,16}\Z")]
"""A centre's short name; numbers begin with it, so it holds no hyphen."""
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\A[^\x00-\x1f\x7f]*\Z")]
Address = Annotated[str, msgspec.Meta(max_length=200, pattern=r"\Ahttps://[A-Za-z0-9.:\[\]-]+\Z")]
InviteId = Annotated[str, msgspec.Meta(pattern=r"\A[a-z2-7]{26}\Z")]


class BadInvite(OperatorError):
    """A line that is no invite, or not all of one."""


class Invite(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that a new node must know."""

    url: Address
    """Central's public address: `https://`, host, and port if it is not 443."""
    authority: bytes
    """The certificate of central's authority, DER."""
    id: InviteId
    secret: bytes
    expires_s: int
    """Seconds since 1970, by central's clock."""
    centre: Code
    centre_name: Name

    def __repr__(self) -> str:
        return f"Invite({self.id}, centre={self.centre})"


class EnrolRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a node asks with. It proves that it holds its keys, by the CSRs and the checkpoint, and the invite."""

    invite: InviteId
    secret: bytes
    csr: bytes
    """PKCS #10, DER, by the node key; its common name is the journal."""
    journal_key: bytes
    """Ed25519, 32 bytes."""
    centre_csr: bytes
    """PKCS #10, DER, by the centre's key; its subject is the invite's centre (`sync.centre`)."""
    recipient: Annotated[str, msgspec.Meta(max_length=100)]
    """Where central seals what it sends to this node (age)."""
    entry: Item
    """Entry 0, `journal.opened`."""
    checkpoint: bytes
    """The journal's signed checkpoint of size 1."""

    def __repr__(self) -> str:
        return f"EnrolRequest({self.invite})"


class EnrolAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What central gives to an enrolled node. The same node is given the same answer again."""

    central: InviteId
    """Central's own identifier."""
    central_name: Name
    certificate: bytes
    """The node's, DER."""
    centre_certificate: bytes
    """The centre's, DER."""
    cosigner: str
    """Verifier key of central's cosignatures."""
    orders_key: str
    """Verifier key of the checkpoints of the orders for this node."""
    publisher: str
    """Verifier key of central's public lists."""
    locker: str
    """Recipient of every blob, beside the node (age)."""
    recovery: str
    """Recipient of the recovery slot (age)."""
    orders: tuple[Item, ...]
    orders_checkpoint: bytes
    cosigned: bytes
    """The node's checkpoint of size 1, countersigned."""


def encode_invite(invite: Invite) -> str:
    """Write the line that people carry."""
    payload = msgspec.msgpack.encode(invite)
    check = hashlib.sha256(payload).digest()[:_CHECK_BYTES]
    return _PREFIX + base64.urlsafe_b64encode(payload + check).decode("ascii").rstrip("=")


def parse_invite(text: str) -> Invite:
    """Read the line, also if it was wrapped or padded with blanks on its way.

    Raises:
        BadInvite: it is not a whole invite.
    """
    line = re.sub(r"\s+", "", text[: 2 * MAX_INVITE])
    encoded = line.removeprefix(_PREFIX)
    if encoded == line or len(line) > MAX_INVITE:
        raise BadInvite("This is not an invite.", f"Copy the whole line; it begins with {_PREFIX}")
    try:
        raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        payload, check = raw[:-_CHECK_BYTES], raw[-_CHECK_BYTES:]
        if hashlib.sha256(payload).digest()[:_CHECK_BYTES] != check:
            raise BadInvite("This invite was not copied completely, or was changed.", "Copy the whole line again.")
        invite = msgspec.msgpack.decode(payload, type=Invite)
        x509.load_der_x509_certificate(invite.authority)
    except (binascii.Error, ValueError, x509.InvalidVersion, msgspec.MsgspecError, RecursionError):
        raise BadInvite("This invite cannot be read.", "Ask central for a new one.") from None
    if len(invite.secret) != SECRET_BYTES:
        raise BadInvite("This invite cannot be read.", "Ask central for a new one.")
    return invite


def fingerprint(key: PublicKeyTypes) -> str:
    """The SHA-256 of a public key (SubjectPublicKeyInfo, DER), as people compare it: groups of four hex digits."""
    digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    return " ".join(digest[start : start + 4] for start in range(0, len(digest), 4))

"""Central's timestamp service (RFC 3161): a key of its own, certified by central's authority for nothing else.

It states that a digest was known at a time, by central's clock, and nothing of what the digest is over: enrolled nodes
may ask for anything. Serial numbers are random (128 bits), so that none comes twice after central was restored from a
backup. Digests other than SHA-256 are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from typing import Final, Protocol

import sqlalchemy as sa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import bindparam, select

from appliance.certificates import der
from appliance.certificates.cms import MAX_SIGNATURE, signed_content
from appliance.certificates.der import BadDer, integer, oid, sequence, tlv
from appliance.certificates.signer import DocumentSigner, SoftwareSigner
from appliance.certificates.timestamps import GRANTED, MAX_REQUEST, REJECTED
from appliance.certificates.timestamptokens import SHA256_ALGORITHM, STATEMENT
from appliance.records import tables as log_tables
from appliance.records.database import Database, Tx
from appliance.records.moment import Clock
from sync.central.authority import Authority, key_bytes, new_key

POLICY: Final = "2.25.280189930116982128382564070107541909502"
"""Under which the embedded service stamps; an identifier made of a random UUID (ITU-T X.667)."""
SERIAL_BYTES: Final = 16
MAX_NONCE_BITS: Final = 256
ACCURACY_S: Final = 1
"""Whole seconds are stated. How far central's clock itself is from the true time, nobody here knows."""
KEY: Final = "timestamp-key"
CERTIFICATE: Final = "timestamp-certificate"
_SECRET: Final = select(log_tables.secrets.c.value).where(log_tables.secrets.c.name == bindparam("name"))
_ADD_SECRET: Final = sa.insert(log_tables.secrets)
# Why a request is refused (RFC 3161, section 2.4.2).
BAD_ALGORITHM: Final = 0
BAD_REQUEST: Final = 2
BAD_FORM: Final = 5
UNACCEPTED_POLICY: Final = 15
UNACCEPTED_EXTENSION: Final = 16


@dataclass(frozen=True, slots=True)
class Service:
    """What a node must know of the service before it asks, because it goes into the document before the timestamp."""

    authorities: tuple[bytes, ...]
    """By which its timestamps are judged, DER."""
    certificates: tuple[bytes, ...]
    """The service's own, and those up to the authorities, DER."""
    crls: tuple[bytes, ...]
    """Of authorities that are not central's own, DER."""
    policy: str | None
    room: int
    """Bytes of the largest timestamp."""


class Timestamps(Protocol):
    """A timestamp service as central offers it: its own, or one outside."""

    @property
    def remembered(self) -> Service | None:
        """What is known of it without asking anybody."""

    def service(self) -> Service:
        """What must be known of it.

        Raises:
            NoTimestamp: it cannot be reached.
        """

    def answer(self, request: bytes) -> bytes:
        """Answer a request (TimeStampReq, DER) with a TimeStampResp, DER; it may be a refusal.

        Raises:
            NoTimestamp: it cannot be reached.
        """


@dataclass(frozen=True, slots=True)
class Asked:
    """A request (RFC 3161, section 2.4.1), as far as it is answered."""

    digest: bytes
    policy: bytes | None
    """An OBJECT IDENTIFIER, DER."""
    nonce: int | None
    with_certificate: bool


class RequestRefused(Exception):
    """A request that gets no timestamp; the bit says why."""

    def __init__(self, bit: int) -> None:
        super().__init__(bit)
        self.bit = bit


class OwnTimestamps:
    """The embedded service.

    Args:
        signer: its key and certificate.
        authority: the certificate of central's authority, DER.
        clock: what time it is.
        random: a cryptographic source of random bytes.
    """

    def __init__(
        self, signer: DocumentSigner, authority: bytes, *, clock: Clock, random: Callable[[int], bytes]
    ) -> None:
        self._signer = signer
        self._authority = authority
        self._clock = clock
        self._random = random
        largest = Asked(bytes(SHA256.digest_size), None, 1 << MAX_NONCE_BITS - 1, with_certificate=True)
        # Two signatures differ by some bytes, and so do two numbers.
        self._room = len(self._token(largest)) + MAX_SIGNATURE

    @property
    def remembered(self) -> Service:
        """See `Timestamps`."""
        return self.service()

    def service(self) -> Service:
        """See `Timestamps`."""
        return Service((self._authority,), (self._signer.certificate,), (), POLICY, self._room)

    def answer(self, request: bytes) -> bytes:
        """See `Timestamps`."""
        try:
            asked = read_request(request)
            if asked.policy not in (None, oid(POLICY)):
                raise RequestRefused(UNACCEPTED_POLICY)
        except RequestRefused as refused:
            return refusal(refused.bit)
        return sequence(sequence(integer(GRANTED)), self._token(asked))

    def _token(self, asked: Asked) -> bytes:
        statement = sequence(
            integer(1),
            oid(POLICY),
            sequence(sequence(SHA256_ALGORITHM, tlv(der.NULL)), tlv(der.OCTETS, asked.digest)),
            integer(int.from_bytes(self._random(SERIAL_BYTES))),
            tlv(der.GENERALIZED_TIME, f"{self._clock().astimezone(UTC):%Y%m%d%H%M%SZ}".encode()),
            sequence(integer(ACCURACY_S)),
            b"" if asked.nonce is None else integer(asked.nonce),
        )
        return signed_content(STATEMENT, statement, self._signer, with_certificates=asked.with_certificate)


def refusal(bit: int) -> bytes:
    """An answer that gives no timestamp (RFC 3161, section 2.4.2).

    Args:
        bit: why.
    """
    # A BIT STRING that ends with its one bit; the first byte counts those left over.
    failure = tlv(der.BITS, bytes([7 - bit % 8]), (0x80 >> bit % 8).to_bytes(bit // 8 + 1))
    return sequence(sequence(integer(REJECTED), failure))


def read_request(request: bytes) -> Asked:
    """Read a request.

    Raises:
        RequestRefused: it is none, or not over a SHA-256.
    """
    if len(request) > MAX_REQUEST:
        raise RequestRefused(BAD_REQUEST)
    try:
        asked = der.whole(request)
        version = asked.integer()
        imprint = asked.inside()
        algorithm = imprint.inside()
        kind, digest = algorithm.raw(der.OID), imprint.take(der.OCTETS)
        algorithm.maybe(der.NULL)
        policy = asked.raw() if asked.tag == der.OID else None
        nonce = asked.integer() if asked.tag == der.INTEGER else None
        wanted = asked.maybe(der.BOOLEAN)
        extensions = asked.maybe(der.CONTEXT_0)
        for each in (algorithm, imprint, asked):
            each.end()
    except BadDer:
        raise RequestRefused(BAD_FORM) from None
    if kind != SHA256_ALGORITHM:
        raise RequestRefused(BAD_ALGORITHM)
    if len(digest) != SHA256.digest_size:
        raise RequestRefused(BAD_FORM)
    if extensions is not None:
        raise RequestRefused(UNACCEPTED_EXTENSION)
    if version != 1 or (nonce is not None and nonce.bit_length() > MAX_NONCE_BITS):
        raise RequestRefused(BAD_REQUEST)
    return Asked(digest, policy, nonce, with_certificate=wanted == b"\xff")


def own_timestamps(
    database: Database, authority: Authority, central: str, clock: Clock, random: Callable[[int], bytes]
) -> OwnTimestamps:
    """The embedded service of a central, whose key is made, certified and kept where there is none yet.

    Args:
        database: the archive; the key lies in it and nowhere else.
        authority: certifies the key.
        central: central's identifier, for the name in the certificate.
        clock: what time it is.
        random: a cryptographic source of random bytes.
    """
    with database.read() as tx:
        kept = _kept(tx)
    if kept is None:
        with database.write() as tx:
            kept = _kept(tx) or _made(tx, authority, f"Sanad central {central} timestamps")
    signer = SoftwareSigner(*kept, chain=())
    return OwnTimestamps(signer, authority.certificate.public_bytes(Encoding.DER), clock=clock, random=random)


def _kept(tx: Tx) -> tuple[bytes, bytes] | None:
    rows = [tx.one(_SECRET, {"name": name}) for name in (KEY, CERTIFICATE)]
    key, certificate = (None if row is None else bytes(row[0]) for row in rows)
    return None if key is None or certificate is None else (key, certificate)


def _made(tx: Tx, authority: Authority, name: str) -> tuple[bytes, bytes]:
    key = new_key()
    certificate = authority.certify_timestamps(key.public_key(), name).public_bytes(Encoding.DER)
    made = key_bytes(key), certificate
    tx.many(_ADD_SECRET, [{"name": each, "value": value} for each, value in zip((KEY, CERTIFICATE), made, strict=True)])
    return made

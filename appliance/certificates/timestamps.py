"""Timestamps (RFC 3161): what is asked, and what an answer must be before it goes into a document.

An answer is accepted when all of these hold, in this order:

 1. it is no larger than it may be, is whole, and says that the request was granted;
 2. it holds one statement, signed once, over this digest (SHA-256), with this nonce, under the policy asked for;
 3. what the signer signed names the statement, by digest, and the signer's certificate, which is there;
 4. the signature holds;
 5. the certificate is for timestamps and for nothing else, said critically, and leads to an authority that is believed,
    all of it valid at the time that is stated, none of it revoked;
 6. the time is not before and not after what the caller knows of it.

The clock of this machine is asked nothing: the time in a timestamp is that of the service.
"""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from appliance.certificates import chains, cms, der
from appliance.certificates.chains import BadChain
from appliance.certificates.der import BadDer, Reader, integer, oid, sequence, tlv
from appliance.certificates.timestamptokens import (
    MAX_TOKEN,
    SHA256_ALGORITHM,
    STATEMENT,
    BadTimestamp,
    Signed,
    Stated,
    Token,
    read_token,
)
from appliance.journal.errors import BugError, NetworkError

NONCE_BYTES: Final = 16
MAX_REQUEST: Final = 512
"""Bytes."""
MAX_RESPONSE: Final = MAX_TOKEN + 1024
"""Bytes."""
MIN_RSA_BITS: Final = 2048

GRANTED: Final = 0
REJECTED: Final = 2
FAILURES: Final = {
    0: "it does not accept the digest's kind",
    2: "it does not carry out such requests",
    5: "the request was not of its form",
    14: "it has no time",
    15: "it does not stamp under that policy",
    16: "it does not know an extension",
    25: "it failed",
}
"""What a refusal says, by its bit (RFC 3161, section 2.4.2)."""

_SIGNING_CERTIFICATE: Final = oid("1.2.840.113549.1.9.16.2.12")
_RSA: Final = oid("1.2.840.113549.1.1.1")
# By the kind of a digest: the hash, and what a signature over it by ECDSA and by RSA is called.
_HASHES: Final[dict[bytes, tuple[HashAlgorithm, bytes, bytes]]] = {
    SHA256_ALGORITHM: (SHA256(), oid("1.2.840.10045.4.3.2"), oid("1.2.840.113549.1.1.11")),
    oid("2.16.840.1.101.3.4.2.2"): (SHA384(), oid("1.2.840.10045.4.3.3"), oid("1.2.840.113549.1.1.12")),
    oid("2.16.840.1.101.3.4.2.3"): (SHA512(), oid("1.2.840.10045.4.3.4"), oid("1.2.840.113549.1.1.13")),
}


class StampRefused(NetworkError):
    """The timestamp service gave no timestamp."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The timestamp service refused: {why}.", "It is asked again at the next sync.")


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a timestamp."""

    der: bytes
    digest: bytes
    nonce: int
    policy: str | None


@dataclass(frozen=True, slots=True)
class Believed:
    """By what timestamps are judged: authorities and revocation lists, all DER."""

    authorities: tuple[bytes, ...]
    crls: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Material:
    """What central gives for raising documents, before any timestamp is asked for."""

    at: datetime
    """Central's time when it gave this, aware: the time that counts."""
    believed: Believed
    """By what the timestamps are judged; all of it goes into the documents."""
    certificates: tuple[bytes, ...]
    """The timestamp service's, and those between it and its authority, DER."""
    policy: str | None
    """Under which it stamps, dotted; None where any will do."""
    room: int
    """Bytes of its largest timestamp."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A timestamp that holds."""

    token: bytes
    """CMS SignedData (RFC 5652), DER."""
    at: datetime
    """When, by the service's clock, aware."""
    service: str
    """The common name of the service's certificate."""
    chain: tuple[bytes, ...]
    """The service's certificate and those up to the authority, DER."""


def make_request(digest: bytes, nonce: bytes, policy: str | None = None) -> Request:
    """Ask for a timestamp over a digest, and for the certificate with it.

    Args:
        digest: SHA-256, 32 bytes.
        nonce: `NONCE_BYTES` random bytes.
        policy: the policy that it must be given under, dotted; None where any will do.
    """
    if len(digest) != SHA256.digest_size or len(nonce) != NONCE_BYTES:
        raise BugError("A request for a timestamp holds a SHA-256 and a nonce.")
    number = int.from_bytes(nonce)
    imprint = sequence(sequence(SHA256_ALGORITHM, tlv(der.NULL)), tlv(der.OCTETS, digest))
    wanted = b"" if policy is None else oid(policy)
    asked = sequence(integer(1), imprint, wanted, integer(number), tlv(der.BOOLEAN, b"\xff"))
    return Request(asked, digest, number, policy)


def check_response(
    response: bytes, request: Request, believed: Believed, *, earliest: datetime, latest: datetime
) -> Stamp:
    """Take a timestamp from the service's answer.

    Args:
        response: TimeStampResp (RFC 3161, section 2.4.2), DER.
        request: what was asked.
        believed: by what it is judged.
        earliest: the stated time is not before this, aware.
        latest: nor after this.

    Raises:
        StampRefused: the service says no.
        BadTimestamp: it is not an answer to this request, or one of the checks above fails.
    """
    if len(response) > MAX_RESPONSE:
        raise BadTimestamp("The timestamp service's answer is larger than any.")
    try:
        answer = der.whole(response)
        why = _refusal(answer.inside())
        token = b"" if why is not None else answer.raw(der.SEQUENCE)
        if why is None:
            answer.end()
    except BadDer:
        raise BadTimestamp("The timestamp service's answer cannot be read.") from None
    if why is not None:
        raise StampRefused(why)
    stamp, stated = _check(token, request.digest, believed)
    if stated.nonce != request.nonce:
        raise BadTimestamp("A timestamp answers another request.")
    if request.policy is not None and stated.policy != oid(request.policy):
        raise BadTimestamp("A timestamp was given under another policy than the one that was asked for.")
    if not earliest <= stamp.at <= latest:
        raise BadTimestamp(f"A timestamp states a time that cannot be: {stamp.at:%Y-%m-%d %H:%M:%S} UTC.")
    return stamp


def check_token(token: bytes, digest: bytes, believed: Believed) -> Stamp:
    """Judge a timestamp that is in a document already: all but 1 and 6.

    Args:
        token: CMS SignedData, DER, with nothing behind it.
        digest: SHA-256 of what it must be over.
        believed: by what it is judged.

    Raises:
        BadTimestamp: a check fails.
    """
    return _check(token, digest, believed)[0]


def _check(token: bytes, digest: bytes, believed: Believed) -> tuple[Stamp, Stated]:
    try:
        found = read_token(token)
        stated = found.stated
        if stated.digest != digest:
            raise BadTimestamp("A timestamp is over another document.")
        own = _signed_by(found)
        chain = _accepted(own, found.certificates, believed, stated.at)
    except BadChain as error:
        raise BadTimestamp(f"A timestamp's certificate is not accepted. {error.sentence}") from None
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension):
        raise BadTimestamp("A timestamp cannot be read.") from None
    name = own.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    shown = str(name[0].value) if name else own.subject.rfc4514_string()
    return Stamp(token, stated.at, shown, tuple(each.public_bytes(Encoding.DER) for each in chain)), stated


def _refusal(status: Reader) -> str | None:
    """Why there is no timestamp, by what RFC 3161 gives names to; None where there is one. Free text is not shown."""
    number = status.integer()
    status.maybe(der.SEQUENCE)
    bits = status.maybe(der.BITS) or b"\0"
    status.end()
    if number == GRANTED:
        return None
    set_bits = [8 * place + bit for place, byte in enumerate(bits[1:]) for bit in range(8) if byte & 0x80 >> bit]
    return "; ".join(FAILURES[each] for each in set_bits if each in FAILURES) or "it gave no reason"


def _signed_by(token: Token) -> x509.Certificate:
    """The certificate by whose key the statement was signed: checks 3 and 4."""
    hashed, said = _hash(token.signer.digest_kind)[0], token.signer.attributes
    if said.get(cms.CONTENT_TYPE) != STATEMENT:
        raise BadTimestamp("A timestamp is signed as something else.")
    if said.get(cms.MESSAGE_DIGEST) != tlv(der.OCTETS, hashlib.new(hashed.name, token.statement).digest()):
        raise BadTimestamp("A timestamp's statement was changed.")
    algorithm, wanted = _named(said)
    for own in token.certificates:
        if hashlib.new(algorithm, own.public_bytes(Encoding.DER), usedforsecurity=False).digest() == wanted:
            _see_signed(own, token.signer)
            return own
    raise BadTimestamp("A timestamp does not carry the certificate that it names.")


def _named(said: dict[bytes, bytes]) -> tuple[str, bytes]:
    """By which hash, and by what value of it, the signer's certificate is named (RFC 5816, section 2.2.1)."""
    if cms.SIGNING_CERTIFICATE_V2 in said:
        first = der.whole(said[cms.SIGNING_CERTIFICATE_V2]).inside().inside()
        kind = first.inside().raw(der.OID) if first.tag == der.SEQUENCE else SHA256_ALGORITHM
        return _hash(kind)[0].name, first.take(der.OCTETS)
    if _SIGNING_CERTIFICATE in said:
        return "sha1", der.whole(said[_SIGNING_CERTIFICATE]).inside().inside().take(der.OCTETS)
    raise BadTimestamp("A timestamp does not name its certificate.")


def _see_signed(certificate: x509.Certificate, signer: Signed) -> None:
    key = certificate.public_key()
    hashed, by_ecdsa, by_rsa = _hash(signer.digest_kind)
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and signer.kind == by_ecdsa:
            key.verify(signer.signature, signer.content, ec.ECDSA(hashed))
        elif isinstance(key, rsa.RSAPublicKey) and key.key_size >= MIN_RSA_BITS and signer.kind in (_RSA, by_rsa):
            key.verify(signer.signature, signer.content, padding.PKCS1v15(), hashed)
        else:
            raise BadTimestamp("A timestamp is signed in a way that is not accepted here.")
    except InvalidSignature:
        raise BadTimestamp("A timestamp's signature does not hold.") from None


def _accepted(
    own: x509.Certificate, others: tuple[x509.Certificate, ...], believed: Believed, at: datetime
) -> tuple[x509.Certificate, ...]:
    """The chain of the service's certificate: check 5."""
    try:
        purpose = own.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        raise BadTimestamp("A timestamp's certificate is not one for timestamps.") from None
    if not purpose.critical or list(purpose.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise BadTimestamp("A timestamp's certificate is not one for timestamps alone.")
    if not chains.signs_as_an_end(own):
        raise BadTimestamp("A timestamp's certificate is an authority's, or one that signs nothing.")
    chain = chains.find_chain(own, others, [chains.load_certificate(each) for each in believed.authorities], at)
    crls = [chains.load_crl(each) for each in believed.crls]
    for each, issuer in itertools.pairwise(chain):
        if chains.revocation(each, issuer, crls) is not None:
            raise BadTimestamp("A timestamp's certificate was revoked.")
    return chain


def _hash(kind: bytes) -> tuple[HashAlgorithm, bytes, bytes]:
    if kind not in _HASHES:
        raise BadTimestamp("A timestamp uses a digest that is not accepted here.")
    return _HASHES[kind]

"""What is in a timestamp (RFC 3161, section 2.4.2: CMS SignedData over TSTInfo), read strictly and not judged yet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography import x509

from appliance.certificates import chains, cms, der
from appliance.certificates.der import Reader, oid, tlv
from appliance.journal.errors import IntegrityError

MAX_TOKEN: Final = 24 * 1024
"""Bytes of a timestamp with its certificates."""

STATEMENT: Final = oid("1.2.840.113549.1.9.16.1.4")
"""What the content of a timestamp is: id-ct-TSTInfo."""
SHA256_ALGORITHM: Final = oid("2.16.840.1.101.3.4.2.1")
_TIME: Final = re.compile(rb"(\d{4})" + rb"(\d\d)" * 5 + rb"(?:\.(\d{0,5}[1-9]))?Z")


class BadTimestamp(IntegrityError):
    """A timestamp is not what it must be."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, "Nothing was changed. Tell central IT.")


@dataclass(frozen=True, slots=True)
class Stated:
    """TSTInfo (RFC 3161, section 2.4.2), as far as it matters."""

    policy: bytes
    digest: bytes
    at: datetime
    nonce: int | None


@dataclass(frozen=True, slots=True)
class Signed:
    """SignerInfo (RFC 5652, section 5.3), as far as it matters."""

    digest_kind: bytes
    attributes: dict[bytes, bytes]
    content: bytes
    """The attributes as they were signed."""
    kind: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Token:
    """A timestamp taken apart."""

    statement: bytes
    """TSTInfo, DER."""
    stated: Stated
    certificates: tuple[x509.Certificate, ...]
    signer: Signed


def read_token(token: bytes) -> Token:
    """Take a timestamp apart (RFC 5652, section 5.1).

    Raises:
        BadTimestamp: it is of another form.
        BadDer, BadChain, ValueError: it cannot be read.
    """
    if len(token) > MAX_TOKEN:
        raise BadTimestamp("A timestamp is larger than any.")
    envelope = der.whole(token)
    if envelope.raw(der.OID) != cms.SIGNED_DATA:
        raise BadTimestamp("A timestamp is not signed.")
    wrapped = envelope.inside(der.CONTEXT_0)
    signed = wrapped.inside()
    for each in (envelope, wrapped):
        each.end()
    signed.integer()
    signed.take(der.SET)
    held = signed.inside()
    if held.raw(der.OID) != STATEMENT:
        raise BadTimestamp("A timestamp holds another statement than it must.")
    statement = der.whole(held.raw(), der.CONTEXT_0).take(der.OCTETS)
    certificates = []
    carried = Reader(signed.maybe(der.CONTEXT_0) or b"")
    while carried.tag is not None:
        certificates.append(chains.load_certificate(carried.raw(der.SEQUENCE)))
    signed.maybe(der.CONTEXT_1)
    signers = signed.inside(der.SET)
    signed.end()
    signer = _read_signer(signers.inside())
    signers.end()
    return Token(statement, _read_statement(der.whole(statement)), tuple(certificates), signer)


def _read_signer(signer: Reader) -> Signed:
    signer.integer()
    signer.raw()
    digest_kind = signer.inside().raw(der.OID)
    content = signer.take(der.CONTEXT_0)
    kind = signer.inside().raw(der.OID)
    signature = signer.take(der.OCTETS)
    signer.maybe(der.CONTEXT_1)
    signer.end()
    attributes: dict[bytes, bytes] = {}
    reader = Reader(content)
    while reader.tag is not None:
        attribute = reader.inside()
        name, values = attribute.raw(der.OID), attribute.inside(der.SET)
        if name in attributes:
            raise BadTimestamp("A timestamp says one thing twice.")
        attributes[name] = values.raw()
        for each in (attribute, values):
            each.end()
    # Signed as a SET; in the file an implicit tag stands in its place (RFC 5652, section 5.4).
    return Signed(digest_kind, attributes, tlv(der.SET, content), kind, signature)


def _read_statement(info: Reader) -> Stated:
    version, policy = info.integer(), info.raw(der.OID)
    imprint = info.inside()
    kind, digest = imprint.inside().raw(der.OID), imprint.take(der.OCTETS)
    imprint.end()
    info.integer()
    time = _TIME.fullmatch(info.take(der.GENERALIZED_TIME))
    info.maybe(der.SEQUENCE)
    info.maybe(der.BOOLEAN)
    nonce = info.integer() if info.tag == der.INTEGER else None
    info.maybe(der.CONTEXT_0)
    info.end()
    if version != 1 or kind != SHA256_ALGORITHM or time is None:
        raise BadTimestamp("A timestamp's statement is not of its form.")
    # Not by `strptime`, which loads more of itself when it is first called: a confined reader could not.
    year, month, day, hour, minute, second = map(int, time.groups()[:6])
    fraction = int((time[7] or b"").ljust(6, b"0"))
    at = datetime(year, month, day, hour, minute, second, fraction, UTC)
    return Stated(policy, digest, at, nonce)

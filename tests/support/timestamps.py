"""A timestamp service for tests: central's own at an honest time, and one that answers whatever a test wants."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance.certificates import der
from appliance.certificates.cms import signed_content
from appliance.certificates.der import integer, oid, sequence, tlv
from appliance.certificates.signer import SoftwareSigner
from appliance.certificates.timestamps import Believed, Material, Request, Stamp, check_response, make_request
from appliance.certificates.timestamptokens import SHA256_ALGORITHM, STATEMENT
from sync.central.authority import VALID_FROM, Authority, RevokedCertificate, key_bytes, new_key
from sync.central.timestamping import POLICY, OwnTimestamps
from tests.support.sealing_centre import NOW

LATER: Final = NOW + timedelta(hours=3)
"""When central is reached."""


@dataclass(frozen=True)
class Tsa:
    """Central's own service, over an authority, at one time."""

    authority: Authority
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    at: datetime = LATER
    asked: list[int] = field(default_factory=list)
    """How many requests came, each time."""

    @property
    def signer(self) -> SoftwareSigner:
        return SoftwareSigner(key_bytes(self.key), self.certificate.public_bytes(Encoding.DER), ())

    @property
    def service(self) -> OwnTimestamps:
        authority = self.authority.certificate.public_bytes(Encoding.DER)
        return OwnTimestamps(self.signer, authority, clock=lambda: self.at, random=os.urandom)

    def believed(self, revoked: Sequence[RevokedCertificate] = ()) -> Believed:
        crl = self.authority.crl(revoked, number=1, at=self.at - timedelta(minutes=1))
        return Believed((self.authority.certificate.public_bytes(Encoding.DER),), (crl,))

    # As `appliance.casework.raising.Stamps`

    def material(self) -> Material:
        service = self.service.service()
        return Material(self.at, self.believed(), service.certificates, service.policy, service.room)

    def stamps(self, requests: Sequence[bytes]) -> Sequence[bytes]:
        self.asked.append(len(requests))
        return [self.service.answer(each) for each in requests]

    def request(self, digest: bytes) -> Request:
        return make_request(digest, os.urandom(16), POLICY)

    def stamp(self, digest: bytes) -> bytes:
        request = self.request(digest)
        return self.judge(self.service.answer(request.der), request).token

    def judge(self, answer: bytes, request: Request, believed: Believed | None = None) -> Stamp:
        """What a node says of an answer."""
        margin = timedelta(minutes=5)
        return check_response(
            answer, request, believed or self.believed(), earliest=self.at - margin, latest=self.at + margin
        )


def new_tsa(authority: Authority | None = None, at: datetime = LATER) -> Tsa:
    """A fresh service."""
    authority = authority or Authority.create("Sanad central specimen", NOW)
    key = new_key()
    return Tsa(authority, key, authority.certify_timestamps(key.public_key(), "Specimen timestamps"), at)


@dataclass(frozen=True)
class Answer:
    """An answer, part by part; a test changes one."""

    digest: bytes
    nonce: int | None
    at: str = f"{LATER:%Y%m%d%H%M%SZ}"
    policy: str = POLICY
    version: int = 1
    algorithm: bytes = SHA256_ALGORITHM
    status: bytes = integer(0)
    statement_kind: bytes = STATEMENT
    extensions: bytes = b""
    with_certificate: bool = True

    def token(self, signer: SoftwareSigner) -> bytes:
        statement = sequence(
            integer(self.version),
            oid(self.policy),
            sequence(sequence(self.algorithm), tlv(der.OCTETS, self.digest)),
            integer(7),
            tlv(der.GENERALIZED_TIME, self.at.encode()),
            b"" if self.nonce is None else integer(self.nonce),
            self.extensions,
        )
        return signed_content(self.statement_kind, statement, signer, with_certificates=self.with_certificate)

    def by(self, signer: SoftwareSigner) -> bytes:
        return sequence(sequence(self.status), self.token(signer))


def honest(request: Request) -> Answer:
    """What an honest service answers."""
    return Answer(request.digest, request.nonce)


def tsa_certificate(
    tsa: Tsa,
    *,
    usage: Sequence[x509.ObjectIdentifier] | None = (ExtendedKeyUsageOID.TIME_STAMPING,),
    critical: bool = True,
    until: datetime | None = None,
    more: Sequence[x509.ExtensionType] = (),
) -> Tsa:
    """The same service with a certificate of another kind."""
    authority = tsa.authority
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Strange timestamps")]))
        .issuer_name(authority.certificate.subject)
        .public_key(tsa.key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(VALID_FROM)
        .not_valid_after(until or datetime(2040, 1, 1, tzinfo=UTC))
    )
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(usage)), critical=critical)
    for each in more:
        builder = builder.add_extension(each, critical=True)
    return replace(tsa, certificate=builder.sign(authority._key, SHA256()))

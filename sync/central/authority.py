"""Central's own certificate authority: X.509 (RFC 5280) on ECDSA P-256, because browsers know no Ed25519.

It certifies central's server (TLS), each node's key (Ed25519), each centre's key (P-256), which signs documents, and
central's own timestamps. A node's certificate can serve no server, a centre's opens no connection, and the authority's
can sign no other authority. A node's key is not revoked by X.509: central simply stops believing it. Of those that sign
documents or timestamps, the authority's revocation list says which are revoked; it goes into the documents.

Every certificate but an officer's is valid from the year 2000 on: a node whose clock lost its battery must still reach
central.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance.certificates.officer import CLOCK_SLACK, OFFICER_LIFE
from appliance.journal.errors import BugError, IntegrityError
from appliance.journal.ids import JournalId
from appliance.records.disk import write_durably

VALID_FROM: Final = datetime(2000, 1, 1, tzinfo=UTC)
AUTHORITY_LIFE: Final = timedelta(days=30 * 365)
SERVER_LIFE: Final = timedelta(days=825)
"""As long as browsers accept."""
SERVER_RENEWAL: Final = timedelta(days=400)
"""A server certificate with less than this left is made anew at the next start."""
NODE_LIFE: Final = timedelta(days=10 * 365)
CENTRE_LIFE: Final = timedelta(days=10 * 365)
CENTRE_USAGE: Final = (ExtendedKeyUsageOID.EMAIL_PROTECTION, x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36"))
"""Document signing (RFC 9336); and e-mail, because NSS, by which `pdfsig` judges, knows no other kind of signer."""
CRL_LIFE: Final = timedelta(days=30)
MAX_CSR: Final = 4096
"""Bytes."""

_NO_USAGE: Final = {
    "key_encipherment": False,
    "data_encipherment": False,
    "key_agreement": False,
    "encipher_only": False,
    "decipher_only": False,
}


class BadRequestOfCertificate(IntegrityError):
    """A certificate signing request that this authority does not follow."""


@dataclass(frozen=True, slots=True)
class RevokedCertificate:
    """A certificate of this authority that is not believed any more."""

    serial: int
    at: datetime
    """Since when, aware."""
    reason: x509.ReasonFlags


class Authority:
    """The authority's key and certificate."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self._key = key
        self.certificate = certificate

    @classmethod
    def create(cls, name: str, now: datetime) -> Authority:
        """Make a new authority.

        Args:
            name: its common name.
            now: the present, aware.
        """
        key = new_key()
        subject = _common_name(name)
        builder = _certificate(subject, subject, key.public_key(), now + AUTHORITY_LIFE, authority=key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_usage(certificates=True), critical=True)
        return cls(key, builder.sign(key, SHA256()))

    @classmethod
    def load(cls, key: bytes, certificate: bytes) -> Authority:
        """Take up an authority from its private key (PKCS #8, DER) and its certificate (DER).

        Raises:
            IntegrityError: the two do not belong together.
        """
        private = load_key(key)
        loaded = x509.load_der_x509_certificate(certificate)
        if loaded.public_key() != private.public_key():
            raise IntegrityError("The certificate of central's authority is not that of its key.", "Restore a backup.")
        return cls(private, loaded)

    @property
    def secret(self) -> bytes:
        """The private key, PKCS #8, DER."""
        return key_bytes(self._key)

    def certify_server(self, key: ec.EllipticCurvePublicKey, hosts: Sequence[str], now: datetime) -> x509.Certificate:
        """Certify central's server.

        Args:
            key: the server's public key.
            hosts: the names and addresses that nodes and browsers reach it by.
            now: the present, aware.
        """
        if not hosts:
            raise BugError("A server certificate is for at least one name.")
        names = x509.SubjectAlternativeName([_host(host) for host in hosts])
        builder = _certificate(
            _common_name(hosts[0][:64]), self.certificate.subject, key, now + SERVER_LIFE, authority=self._public()
        )
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(certificates=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        return builder.add_extension(names, critical=False).sign(self._key, SHA256())

    def certify_node(self, key: ed25519.Ed25519PublicKey, journal: JournalId, now: datetime) -> x509.Certificate:
        """Certify a node's key for its journal."""
        builder = _certificate(
            _common_name(journal), self.certificate.subject, key, now + NODE_LIFE, authority=self._public()
        )
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(certificates=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=True)
        return builder.sign(self._key, SHA256())

    def certify_centre(self, key: ec.EllipticCurvePublicKey, subject: x509.Name, now: datetime) -> x509.Certificate:
        """Certify a centre's key, to sign documents by and for nothing else.

        Args:
            key: the centre's public key.
            subject: `sync.centre.centre_subject`.
            now: the present, aware.
        """
        builder = _certificate(subject, self.certificate.subject, key, now + CENTRE_LIFE, authority=self._public())
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(certificates=False, commits=True), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage(CENTRE_USAGE), critical=False)
        return builder.sign(self._key, SHA256())

    def certify_officer(self, key: ec.EllipticCurvePublicKey, subject: x509.Name, now: datetime) -> x509.Certificate:
        """Certify an officer's key, to commit to the content of documents by and for nothing else.

        Its life is short, and begins when it is made: an officer who has left does not sign for long, nor backwards.

        Args:
            key: the officer's public key.
            subject: `appliance.certificates.officer.officer_subject`.
            now: the present, aware.
        """
        begin, end = now - CLOCK_SLACK, now + OFFICER_LIFE
        builder = _certificate(subject, self.certificate.subject, key, end, authority=self._public(), begin=begin)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        usage = x509.KeyUsage(
            digital_signature=False, content_commitment=True, key_cert_sign=False, crl_sign=False, **_NO_USAGE
        )
        builder = builder.add_extension(usage, critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage(CENTRE_USAGE), critical=False)
        return builder.sign(self._key, SHA256())

    def certify_timestamps(self, key: ec.EllipticCurvePublicKey, name: str) -> x509.Certificate:
        """Certify the key of central's timestamps, for nothing else (RFC 3161, section 2.3), as long as this authority.

        Args:
            key: its public key.
            name: its common name.
        """
        until = self.certificate.not_valid_after_utc
        builder = _certificate(_common_name(name), self.certificate.subject, key, until, authority=self._public())
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(certificates=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        return builder.sign(self._key, SHA256())

    def crl(self, revoked: Iterable[RevokedCertificate], *, number: int, at: datetime) -> bytes:
        """The authority's revocation list (RFC 5280, section 5), DER.

        Args:
            revoked: every certificate that is revoked.
            number: of the list; it rises, also after central was restored from a backup (section 5.2.3).
            at: when it is made, aware.
        """
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(at)
            .next_update(at + CRL_LIFE)
            .add_extension(x509.CRLNumber(number), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._public()), critical=False)
        )
        for each in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(each.serial).revocation_date(each.at)
            # A reason that is not known is not written (RFC 5280, section 5.3.1).
            if each.reason is not x509.ReasonFlags.unspecified:
                entry = entry.add_extension(x509.CRLReason(each.reason), critical=False)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self._key, SHA256()).public_bytes(Encoding.DER)

    def _public(self) -> ec.EllipticCurvePublicKey:
        return self._key.public_key()


def new_key() -> ec.EllipticCurvePrivateKey:
    """A fresh P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def key_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key as PKCS #8, DER."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def load_key(key: bytes) -> ec.EllipticCurvePrivateKey:
    """Read what `key_bytes` wrote.

    Raises:
        IntegrityError: it is no P-256 key.
    """
    try:
        loaded = load_der_private_key(key, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        loaded = None
    if not isinstance(loaded, ec.EllipticCurvePrivateKey):
        raise IntegrityError("A key of central's cannot be read.", "Restore central's store from a backup.")
    return loaded


def read_request(csr: bytes, journal: JournalId) -> ed25519.Ed25519PublicKey:
    """Read whose key a node asks to have certified, and check that it holds the key.

    Args:
        csr: PKCS #10 (RFC 2986), DER.
        journal: what the common name must be.

    Raises:
        BadRequestOfCertificate: it is another form, key or name, or not signed by that key.
    """
    key = _requested(csr, _common_name(journal))
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise _wrong_request()
    return key


def read_centre_request(csr: bytes, subject: x509.Name) -> ec.EllipticCurvePublicKey:
    """Read which key a node asks to have certified for its centre, and check that it holds the key.

    Args:
        csr: PKCS #10 (RFC 2986), DER.
        subject: what its subject must be.

    Raises:
        BadRequestOfCertificate: it is another form, key or name, or not signed by that key.
    """
    key = _requested(csr, subject)
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise _wrong_request()
    return key


def _requested(csr: bytes, subject: x509.Name) -> CertificatePublicKeyTypes:
    if len(csr) > MAX_CSR:
        raise _wrong_request()
    try:
        request = x509.load_der_x509_csr(csr)
        key = request.public_key()
        holds = request.is_signature_valid
        named = request.subject == subject
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion):
        raise _wrong_request() from None
    if not holds or not named:
        raise _wrong_request()
    return key


def _wrong_request() -> BadRequestOfCertificate:
    return BadRequestOfCertificate("The node's request for a certificate is not as it must be.")


def server_certificate(
    authority: Authority, place: Path, key: ec.EllipticCurvePrivateKey, hosts: Sequence[str], now: datetime
) -> bytes:
    """The server's certificate (PEM), from its file; made anew where it is for other hosts or has grown old."""
    with suppress(FileNotFoundError, ValueError):
        pem = place.read_bytes()
        certificate = x509.load_pem_x509_certificate(pem)
        if certificate.public_key() == key.public_key() and serves(certificate, hosts, now):
            return pem
    pem = authority.certify_server(key.public_key(), hosts, now).public_bytes(Encoding.PEM)
    write_durably(place, pem)
    return pem


def serves(certificate: x509.Certificate, hosts: Sequence[str], now: datetime) -> bool:
    """Whether a server certificate is for exactly these hosts and not due for renewal."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return list(names) == [_host(host) for host in hosts] and now + SERVER_RENEWAL < certificate.not_valid_after_utc


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey,
    until: datetime,
    *,
    authority: ec.EllipticCurvePublicKey,
    begin: datetime = VALID_FROM,
) -> x509.CertificateBuilder:
    """What all our certificates have in common."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority), critical=False)
    )


def _usage(*, certificates: bool, commits: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certificates,
        content_commitment=commits,
        key_cert_sign=certificates,
        crl_sign=certificates,
        **_NO_USAGE,
    )


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)

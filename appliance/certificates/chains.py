"""From a certificate to an authority that is believed (RFC 5280, section 6.1, for the short chains that occur here).

Names and signatures must fit, every certificate must hold at the time that is asked about, and authorities must be
ones. What a critical extension says and this module does not know is not passed over: such a certificate is refused.
Whether one was revoked is a question of its own (`revocation`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from appliance.journal.errors import IntegrityError

MAX_CHAIN: Final = 5
"""Certificates from the first to the authority."""
MAX_CERTIFICATE: Final = 8 * 1024
"""Bytes, DER."""
MAX_CRL: Final = 1024 * 1024
"""Bytes, DER."""

_KNOWN: Final = frozenset(
    {ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE, ExtensionOID.EXTENDED_KEY_USAGE}
    | {ExtensionOID.SUBJECT_KEY_IDENTIFIER, ExtensionOID.AUTHORITY_KEY_IDENTIFIER}
    | {ExtensionOID.CERTIFICATE_POLICIES, ExtensionOID.SUBJECT_ALTERNATIVE_NAME}
)
_UNREADABLE: Final = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension)


class BadChain(IntegrityError):
    """A certificate does not lead to an authority that is believed."""


def load_certificate(der: bytes) -> x509.Certificate:
    """Read a certificate.

    Raises:
        BadChain: it is none, or larger than any.
    """
    if len(der) > MAX_CERTIFICATE:
        raise BadChain("A certificate is larger than any.", "Tell central IT.")
    try:
        return x509.load_der_x509_certificate(der)
    except _UNREADABLE:
        raise BadChain("A certificate cannot be read.", "Tell central IT.") from None


def load_crl(der: bytes) -> x509.CertificateRevocationList:
    """Read a revocation list.

    Raises:
        BadChain: it is none, or larger than any.
    """
    if len(der) > MAX_CRL:
        raise BadChain("A revocation list is larger than any.", "Tell central IT.")
    try:
        return x509.load_der_x509_crl(der)
    except _UNREADABLE:
        raise BadChain("A revocation list cannot be read.", "Tell central IT.") from None


def find_chain(
    certificate: x509.Certificate,
    others: Sequence[x509.Certificate],
    authorities: Sequence[x509.Certificate],
    at: datetime,
) -> tuple[x509.Certificate, ...]:
    """The certificates from one to an authority that is believed, both included.

    Args:
        certificate: the first; what it may be used for is the caller's question.
        others: certificates that may lie between.
        authorities: those that are believed.
        at: when all of them must hold, aware.

    Raises:
        BadChain: there is no such chain.
    """
    chain = [certificate]
    while len(chain) <= MAX_CHAIN:
        last = chain[-1]
        _see_valid(last, at)
        if last in authorities:
            return tuple(chain)
        below = len(chain) - 1
        issuer = next((each for each in (*authorities, *others) if _issued(last, each, below)), None)
        if issuer is None:
            break
        chain.append(issuer)
    raise BadChain("A certificate is not by an authority that is believed here.", "Tell central IT.")


def signs_as_an_end(certificate: x509.Certificate) -> bool:
    """Whether what a certificate says of itself lets its key sign data, and no other certificates.

    Raises:
        ValueError: it cannot be read.
    """
    found = {each.oid: each.value for each in certificate.extensions}
    basic, usage = found.get(ExtensionOID.BASIC_CONSTRAINTS), found.get(ExtensionOID.KEY_USAGE)
    if isinstance(basic, x509.BasicConstraints) and basic.ca:
        return False
    if not isinstance(usage, x509.KeyUsage):
        return True
    return (usage.digital_signature or usage.content_commitment) and not usage.key_cert_sign


def revocation(
    certificate: x509.Certificate, issuer: x509.Certificate, crls: Sequence[x509.CertificateRevocationList]
) -> datetime | None:
    """Since when a certificate is revoked, by the lists of its issuer; None where none of them names it.

    Raises:
        BadChain: a list under the issuer's name is not signed by it.
    """
    for crl in crls:
        if crl.issuer != certificate.issuer:
            continue
        try:
            signed = crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
        except _UNREADABLE:
            signed = False
        if not signed:
            raise BadChain("A revocation list is not signed by its authority.", "Tell central IT.")
        entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
        if entry is not None:
            return entry.revocation_date_utc
    return None


def _see_valid(certificate: x509.Certificate, at: datetime) -> None:
    try:
        extensions = list(certificate.extensions)
    except _UNREADABLE:
        raise BadChain("A certificate cannot be read.", "Tell central IT.") from None
    if any(each.critical and each.oid not in _KNOWN for each in extensions):
        raise BadChain("A certificate demands what is not known here.", "Tell central IT.")
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise BadChain("A certificate has expired, or is not valid yet.", "Tell central IT.")


def _issued(certificate: x509.Certificate, issuer: x509.Certificate, below: int) -> bool:
    """Whether one certificate is by another, which may issue it; `below` authorities stand under the other already."""
    try:
        certificate.verify_directly_issued_by(issuer)
        basic = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = issuer.extensions.get_extension_for_class(x509.KeyUsage).value
        purposes = _purposes(issuer)
    except (*_UNREADABLE, InvalidSignature, x509.ExtensionNotFound):
        return False
    deep_enough = basic.path_length is None or basic.path_length >= below
    return basic.ca and deep_enough and usage.key_cert_sign and _allows(purposes, _purposes(certificate))


def _purposes(certificate: x509.Certificate) -> frozenset[x509.ObjectIdentifier]:
    try:
        return frozenset(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return frozenset()


def _allows(purposes: frozenset[x509.ObjectIdentifier], below: frozenset[x509.ObjectIdentifier]) -> bool:
    """Whether an authority of these purposes may certify for those; one that names none may for all."""
    return not purposes or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in purposes or below <= purposes

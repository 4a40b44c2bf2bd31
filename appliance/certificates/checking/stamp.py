"""A document timestamp (RFC 3161): whole, over this file, and by a service that is trusted.

As with the seal, it is built again from its parts and compared, so that no byte of it goes unchecked. Services outside
write theirs in one of a few forms (with or without the parameters of an algorithm, the signer named in one of two
ways); one of those it must be. It names its own certificate by digest; others that it carries must be among the
validation data, which it is over.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.certificates import cms, der
from appliance.certificates.checking.faults import Broken
from appliance.certificates.der import BadDer, integer, sequence, tlv
from appliance.certificates.timestamps import Believed, check_token
from appliance.certificates.timestamptokens import STATEMENT, BadTimestamp, Token, read_token
from appliance.journal.errors import IntegrityError

DAMAGED: Final = "The timestamp on the file is damaged, or not over this file."
_NULL: Final = tlv(der.NULL)
_KEY_IDENTIFIER: Final = 0x80


def check(token: bytes, digest: bytes, kept: Collection[bytes]) -> None:
    """Check that a timestamp is whole and over this digest, whoever gave it.

    Args:
        token: CMS SignedData, DER.
        digest: of what it must be over, SHA-256.
        kept: the certificates that the file keeps for its signatures, DER.

    Raises:
        Broken: it is not.
    """
    try:
        found = read_token(token)
        carried = [each.public_bytes(Encoding.DER) for each in found.certificates]
        # Each of its certificates is believed here, so that only the signature decides.
        own = check_token(token, digest, Believed(tuple(carried))).chain[0]
    except (IntegrityError, BadDer, ValueError):
        raise Broken(DAMAGED) from None
    if token not in _forms(found, own, carried) or not {*carried} <= {own, *kept}:
        raise Broken(DAMAGED)


def trusted_at(token: bytes, digest: bytes, authorities: Sequence[bytes]) -> datetime | None:
    """When a timestamp says that its digest was there; None where its service leads to none of the authorities.

    Args:
        token: one that `check` let through.
        digest: what it is over.
        authorities: X.509, DER; of authorities, or of timestamp services themselves.
    """
    try:
        return check_token(token, digest, Believed(tuple(authorities))).at
    except BadTimestamp:
        return None


def service(token: bytes) -> bytes:
    """The certificate of the service that gave a timestamp, DER."""
    found = read_token(token)
    carried = tuple(each.public_bytes(Encoding.DER) for each in found.certificates)
    return check_token(token, found.stated.digest, Believed(carried)).chain[0]


def _forms(token: Token, own: bytes, carried: Sequence[bytes]) -> Iterator[bytes]:
    """Every way in which a service may write this timestamp."""
    signer = token.signer
    loaded = x509.load_der_x509_certificate(own)
    named = [(1, sequence(loaded.issuer.public_bytes(), integer(loaded.serial_number)))]
    try:
        key = loaded.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        named.append((3, tlv(_KEY_IDENTIFIER, key)))
    except x509.ExtensionNotFound:
        pass
    held = sequence(STATEMENT, tlv(der.CONTEXT_0, tlv(der.OCTETS, token.statement)))
    certificates = tlv(der.CONTEXT_0, *carried)
    # The attributes were signed as a SET, and are sent under an implicit tag of the same length.
    attributes = bytes([der.CONTEXT_0]) + signer.content[1:]
    octets = tlv(der.OCTETS, signer.signature)
    for outer, inner, by in itertools.product((b"", _NULL), repeat=3):
        for version, name in named:
            kinds = sequence(signer.digest_kind, inner), sequence(signer.kind, by)
            said = sequence(integer(version), name, kinds[0], attributes, kinds[1], octets)
            used = tlv(der.SET, sequence(signer.digest_kind, outer))
            data = sequence(integer(3), used, held, certificates, tlv(der.SET, said))
            yield sequence(cms.SIGNED_DATA, tlv(der.CONTEXT_0, data))

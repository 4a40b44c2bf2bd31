"""COSE_Sign1 (RFC 9052, section 4.2) with ES256 (RFC 9053, section 2.1): a payload that one key signs.

Written in one form: tagged, deterministic, algorithm and key identifier in the protected header, nothing in the other.
Read is every form that the standard permits: without its tag or inside that of a CWT, the identifier in either header,
an empty protected header in both its forms. What is signed is the bytes as they came, never as we would write them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from appliance.certificates import cbor

ES256: Final = -7
ALGORITHM, CRITICAL, KEY_ID = 1, 2, 4
"""Labels of a header (RFC 9052, section 3.1)."""
SIGN1_TAG: Final = 18
CWT_TAG: Final = 61
"""Of RFC 8392, section 6; around that of COSE_Sign1."""
MAX_KEY_ID: Final = 64
_HALF: Final = 32
_EMPTY_MAP: Final = b"\xa0"


class BadCose(ValueError):
    """Bytes that are no COSE_Sign1, or one that this module must not accept."""


@dataclass(frozen=True, slots=True)
class Sign1:
    """A message as it was read. Nothing of it is verified."""

    protected: bytes
    """The protected header as it came, without its wrapping."""
    payload: bytes
    signature: bytes
    algorithm: int | None
    """From either header; only `ES256` is ever verified."""
    kid: bytes | None
    """What names the key: a hint, from either header."""

    @property
    def digest(self) -> bytes:
        """The SHA-256 of what is signed: Sig_structure, section 4.4."""
        return _digest(self.protected, self.payload)


def sign1(payload: bytes, kid: bytes, sign: Callable[[bytes], bytes]) -> bytes:
    """Sign a payload.

    Args:
        payload: what is signed.
        kid: names the key.
        sign: takes a SHA-256, gives an ECDSA signature by a P-256 key, DER.

    Returns:
        A tagged COSE_Sign1.
    """
    protected = cbor.encode({ALGORITHM: ES256, KEY_ID: kid})
    r, s = decode_dss_signature(sign(_digest(protected, payload)))
    signature = r.to_bytes(_HALF) + s.to_bytes(_HALF)
    return cbor.encode(cbor.Tagged(SIGN1_TAG, [protected, {}, payload, signature]))


def read_sign1(data: bytes) -> Sign1:
    """Read a COSE_Sign1 and verify nothing.

    Raises:
        BadCose: it is none, its payload is not inside it, a label stands in both headers, or one must be understood
            that we do not understand.
    """
    try:
        item = cbor.decode(data)
        for tag in (CWT_TAG, SIGN1_TAG):
            if isinstance(item, cbor.Tagged) and item.tag == tag:
                item = item.value
        if not isinstance(item, list) or len(item) != 4:
            raise BadCose("not four parts")
        protected, unprotected, payload, signature = item
        if not isinstance(protected, bytes) or not isinstance(payload, bytes) or not isinstance(signature, bytes):
            raise BadCose("a part of another kind than it must be")
        # An empty header may be written as no bytes or as an empty map (section 3).
        header = cbor.decode(protected or _EMPTY_MAP)
    except cbor.BadCbor as error:
        raise BadCose(str(error)) from None
    if not isinstance(header, dict) or not isinstance(unprotected, dict):
        raise BadCose("a header that is no map")
    if header.keys() & unprotected.keys():
        raise BadCose("a label stands in both headers")
    if CRITICAL in header or CRITICAL in unprotected:
        raise BadCose("a header that must be understood, and is not")
    both = {**unprotected, **header}
    algorithm, kid = both.get(ALGORITHM), both.get(KEY_ID)
    if kid is not None and not (isinstance(kid, bytes) and len(kid) <= MAX_KEY_ID):
        raise BadCose("a key identifier that is none")
    known = algorithm if isinstance(algorithm, int) and not isinstance(algorithm, bool) else None
    return Sign1(protected if header else b"", payload, signature, known, kid)


def verifies(message: Sign1, key: ec.EllipticCurvePublicKey) -> bool:
    """Whether a P-256 key signed the message with ES256."""
    if message.algorithm != ES256 or not isinstance(key.curve, ec.SECP256R1) or len(message.signature) != 2 * _HALF:
        return False
    r, s = (int.from_bytes(half) for half in (message.signature[:_HALF], message.signature[_HALF:]))
    try:
        key.verify(encode_dss_signature(r, s), message.digest, ec.ECDSA(Prehashed(SHA256())))
    except InvalidSignature:
        return False
    return True


def _digest(protected: bytes, payload: bytes) -> bytes:
    return hashlib.sha256(cbor.encode(["Signature1", protected, b"", payload])).digest()

"""Codes as they are printed on certificates, layer by layer, and codes that must be refused.

    python -m tests.vectors.generate_qr          writes tests/vectors/qr/ anew

A test reads them. `docs/qr-format.md` says what each layer is. The key is public: nobody may trust it. What zlib makes
of a message differs between its makers, so only what it unpacks to is fixed.
"""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import cbor2
import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.certificates import base45, cbor, cose, qr
from appliance.certificates.codes import draw_code
from appliance.certificates.record import CertificateRecord, encode_record, record_hash
from appliance.certificates.signer import kid
from tests.support.certificates import domicile, residence
from tests.support.fixed_signer import FixedSigner
from tests.vectors import VECTORS

SIGNER: Final = FixedSigner()
STRANGER: Final = FixedSigner("stranger")
AT: Final = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
_EMPTY: Final[dict[int, object]] = {}


def with_holder(record: CertificateRecord, **changes: str) -> CertificateRecord:
    """The record of somebody with other particulars."""
    return msgspec.structs.replace(record, holder=msgspec.structs.replace(record.holder, **changes))


def records() -> dict[str, CertificateRecord]:
    """What the good codes are about, by their names."""
    wide = "".join(chr(0x4E00 + 97 * place % 20_000) for place in range(200))
    return {
        "domicile, English and Urdu": domicile(),
        "residence, English and Hindi, expires": residence(),
        "no native name, birth that is no date": with_holder(domicile(), name_native="", born="about 1950"),
        "longest names, left out": with_holder(domicile(), name=wide, name_native=wide[::-1]),
    }


def good(name: str, record: CertificateRecord) -> dict[str, object]:
    """A code, and each layer of it."""
    record_bytes = encode_record(record)
    text = qr.make_code(record, record_hash(record_bytes), SIGNER, at=AT)
    message = qr.unpack(text)
    parsed = cose.read_sign1(message)
    return {
        "name": name,
        "record": record_bytes.decode(),
        "record_sha256": record_hash(record_bytes),
        "claims": parsed.payload.hex(),
        "claims_diagnostic": _diagnostic(cbor.decode(parsed.payload)),
        "protected": parsed.protected.hex(),
        "sig_structure": cbor.encode(["Signature1", parsed.protected, b"", parsed.payload]).hex(),
        "signature": parsed.signature.hex(),
        "cose": message.hex(),
        "zlib": base45.decode(text.removeprefix(qr.PREFIX)).hex(),
        "text": text,
        "qr_version": (draw_code(text).modules - 8 - 17) // 4,
    }


def tolerated() -> dict[str, str]:
    """Codes in other forms than we write, that the standards permit."""
    payload = _payload()
    protected, unprotected = {1: cose.ES256}, {4: kid(SIGNER.certificate)}
    tagged = cose.sign1(payload, kid(SIGNER.certificate), SIGNER.sign)
    bare = cbor2.dumps(cbor2.loads(tagged).value)
    return {
        "kid in the unprotected header": qr.pack(_signed(payload, protected, unprotected)),
        "without the tag of COSE_Sign1": qr.pack(bare),
        "inside the tag of a CWT": qr.pack(b"\xd8\x3d" + tagged),
        "days as text (RFC 8943, tag 1004)": _changed(lambda claims: None),
        "claims and fields that are not known": _changed(
            lambda claims: (claims.update({7: b"id"}), claims[169].update({99: 1}), claims[-65537].update({99: 1}))
        ),
    }


def bad() -> list[dict[str, str]]:
    """Codes that must be refused, with the step at which."""
    text = qr.make_code(residence(), record_hash(encode_record(residence())), SIGNER, at=AT)
    packed = base45.decode(text.removeprefix(qr.PREFIX))
    message = zlib.decompress(packed)
    payload = _payload()
    good_sign1 = cbor2.loads(message).value
    named = kid(SIGNER.certificate)
    refused = {
        ("read", "another prefix"): text.replace("SANAD1:", "SANAD2:"),
        ("read", "in small letters"): text.lower(),
        ("read", "cut by one character"): text[:-1],
        ("read", "a group of base45 above two bytes"): text[:7] + ":::" + text[10:],
        ("read", "bytes after the packed ones"): qr.PREFIX + base45.encode(packed + b"\0"),
        ("read", "bytes after the message"): qr.pack(message + b"\0"),
        ("read", "unpacks to a megabyte"): qr.PREFIX + base45.encode(zlib.compress(bytes(1_000_000), 9)),
        ("read", "three parts"): qr.pack(cbor2.dumps(good_sign1[:3])),
        ("read", "no kid"): qr.pack(_signed(payload, {1: cose.ES256}, _EMPTY)),
        ("read", "kid in both headers"): qr.pack(_signed(payload, {1: cose.ES256, 4: named}, {4: named})),
        ("read", "a claim comes twice"): qr.pack(_sign(b"\xa5\x01\x65GGN01" + payload[1:], named)),
        ("read", "no private claim"): _changed(lambda claims: claims.pop(-65537)),
        ("read", "a hash of 31 bytes"): _changed(lambda claims: claims[-65537].update({5: bytes(31)})),
        ("read", "exp on another day than it says"): _changed(lambda claims: claims.update({4: claims[4] + 86400})),
        ("read", "a name that turns what follows"): _changed(lambda claims: claims[169].update({4: "a\u202eb"})),
        ("verify", "signed by a stranger"): qr.pack(cose.sign1(payload, named, STRANGER.sign)),
        ("verify", "names a stranger"): qr.pack(cose.sign1(payload, kid(STRANGER.certificate), SIGNER.sign)),
        ("verify", "a claim changed after it was signed"): qr.pack(message.replace(b"Asha", b"Usha")),
        ("verify", "r and s are nought"): qr.pack(cbor2.dumps([*good_sign1[:3], bytes(64)])),
        ("verify", "another algorithm in the header"): qr.pack(_signed(payload, {1: -35, 4: named}, _EMPTY)),
    }
    return [{"name": name, "at": step, "text": text} for (step, name), text in refused.items()]


def codes() -> dict[str, object]:
    """What `codes.json` holds."""
    return {
        "about": "Codes of certificates: docs/qr-format.md. The key is public. Made by tests/vectors/generate_qr.py.",
        "good": [good(name, record) for name, record in records().items()],
        "tolerated": [{"name": name, "text": text} for name, text in tolerated().items()],
        "bad": bad(),
    }


def _payload() -> bytes:
    record = residence()
    text = qr.make_code(record, record_hash(encode_record(record)), SIGNER, at=AT)
    return cose.read_sign1(qr.unpack(text)).payload


def _sign(payload: bytes, named: bytes) -> bytes:
    return cose.sign1(payload, named, SIGNER.sign)


def _signed(payload: bytes, protected: dict[int, Any], unprotected: dict[int, Any]) -> bytes:
    """Signed well, with any headers."""
    header = cbor2.dumps(protected)
    r, s = decode_dss_signature(SIGNER.sign(cose.Sign1(header, payload, b"", None, None).digest))
    signature = r.to_bytes(32) + s.to_bytes(32)
    return cbor2.dumps(cbor2.CBORTag(cose.SIGN1_TAG, [header, unprotected, payload, signature]))


def _changed(change: Callable[[dict[Any, Any]], object]) -> str:
    """The claims as another program would write them, changed, and signed well."""
    claims = cbor2.loads(_payload())
    change(claims)
    return qr.pack(_sign(cbor2.dumps(claims), kid(SIGNER.certificate)))


def _diagnostic(item: cbor.Item) -> str:
    """Diagnostic notation (RFC 8949, section 8)."""
    if isinstance(item, dict):
        return "{" + ", ".join(f"{_diagnostic(key)}: {_diagnostic(value)}" for key, value in item.items()) + "}"
    if isinstance(item, list):
        return "[" + ", ".join(map(_diagnostic, item)) + "]"
    if isinstance(item, cbor.Tagged):
        return f"{item.tag}({_diagnostic(item.value)})"
    return f"h'{item.hex()}'" if isinstance(item, bytes) else json.dumps(item, ensure_ascii=False)


def main() -> int:
    """Write them."""
    folder = VECTORS / "qr"
    folder.mkdir(exist_ok=True)
    (folder / "key.pem").write_bytes(SIGNER.key_pem)
    certificate = x509.load_der_x509_certificate(SIGNER.certificate)
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "codes.json").write_text(json.dumps(codes(), ensure_ascii=False, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The code on a certificate's page: whom it is about, what it is, the hash of its record, signed (docs/qr-format.md).

`SANAD1:` base45 ( zlib ( COSE_Sign1 ( claims ) ) )

Who reads it needs no network: with the signer's certificate, it proves what it says. It does not prove that the paper
around it says the same: a person compares name and number, and the file's record is compared by its hash. Reading and
verifying are two steps, because which certificate to verify with is known only once the code is read.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Annotated, Final

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.certificates import base45, cose, cwt
from appliance.certificates.cbor import Item, Key, Tagged
from appliance.certificates.person import CodeHolder, read_person, that_say, write_person
from appliance.certificates.record import CertificateRecord, Date, Line, Number, is_date
from appliance.certificates.signer import DocumentSigner, kid, signed_by
from appliance.journal.errors import IntegrityError

PREFIX: Final = "SANAD1:"
MAX_TEXT: Final = 734
"""Characters that a code of version 17 holds at level M (ISO/IEC 18004, table 7)."""
MAX_READ_TEXT: Final = 4296
"""Characters that any code holds."""
MAX_MESSAGE: Final = 16 * 1024
"""Bytes of what is unpacked."""
MAX_LEFT_OUT: Final = 8


_C_NUMBER, _C_SERVICE, _C_ISSUED_ON, _C_EXPIRES_ON, _C_RECORD = range(1, 6)
_C_SPECIMEN, _C_IDENTITY_KIND, _C_BORN_AS_SAID, _C_LEFT_OUT = range(6, 10)
"""Keys of our own claim; those of the person are in `person`."""
_OF_HOLDER: Final = ("name", "name_native", "born", "identity_number_shown")
"""What the code says of the holder, if there is room."""
_DAYS_TAG, _DAY_TAG = 100, 1004
"""A day as days since 1970-01-01, which is shorter, and as ISO 8601 (RFC 8943)."""
_EPOCH: Final = date(1970, 1, 1)
_DAY_S: Final = 86_400
_HASH_BYTES: Final = 32
_NOT_OURS: Final = "The code is not that of a certificate of ours, or it is damaged."


class BadCode(IntegrityError):
    """A text that is no code of ours, or one that its key does not vouch for."""


class _Said(msgspec.Struct, frozen=True, kw_only=True):
    number: Number
    service: Line
    centre: Line
    issued_on: Date
    expires_on: Date | None
    holder: CodeHolder
    left_out: Annotated[tuple[Line, ...], msgspec.Meta(max_length=MAX_LEFT_OUT)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeClaims:
    """What a code says, before anything is verified. Times are in seconds since 1970."""

    number: str
    service: str
    centre: str
    issued_on: str
    expires_on: str | None
    record_sha256: str
    holder: CodeHolder
    specimen: bool
    left_out: tuple[str, ...]
    """Fields of the holder that the record has, and that had no room here."""
    issued_at_s: int | None
    """When it was signed: the signer's claim."""
    kid: bytes
    """What names the certificate that it is to be verified with; see `signer.kid`."""
    message: cose.Sign1
    """What is signed."""


def make_code(
    record: CertificateRecord, record_sha256: str, signer: DocumentSigner, *, at: datetime | None = None
) -> str:
    """The text of a certificate's code, of version 17 at the most.

    Where there is no room for all of the holder, whole fields are left out, and named as left out: first the name in
    the second script, then the longest of the others. Nothing is ever shortened.

    Args:
        record: what it is about.
        record_sha256: of the record's canonical bytes, hexadecimal.
        signer: whose word the code is. `casework.issuing` says why it is the centre, whoever signs the file.
        at: when it is signed, aware; a claim.

    Raises:
        BadCode: the record's number, service or centre alone is too long for a code.
        IntegrityError: the signer's certificate is another key's.
        SanadError: the signer's key could not be used.
    """
    holder = {name: getattr(record.holder, name) for name in _OF_HOLDER}
    left_out: list[str] = []
    while True:
        claims = _claims(record, record_sha256, holder, left_out, at)
        text = pack(cose.sign1(cwt.write_claims(claims), kid(signer.certificate), partial(signed_by, signer)))
        if len(text) <= MAX_TEXT:
            return text
        said = {name: value for name, value in holder.items() if value}
        if not said:
            raise BadCode("This certificate's number, service and centre do not fit into a code.")
        longest = max(said, key=lambda name: (name == "name_native", len(said[name].encode())))
        holder[longest] = ""
        left_out.append(longest)


def read_code(text: str) -> CodeClaims:
    """Read a code, and verify nothing but that it contradicts neither its form nor itself.

    Raises:
        BadCode: it is no code of ours.
    """
    try:
        message = cose.read_sign1(unpack(text))
        claims = cwt.read_claims(message.payload)
        return _read(message, claims)
    except (ValueError, OverflowError):
        raise BadCode(_NOT_OURS) from None


def verify_code(code: CodeClaims, certificate: bytes) -> None:
    """Check that the key of a certificate signed a code. Whether that certificate is trusted is another question.

    Args:
        code: as it was read.
        certificate: DER.

    Raises:
        BadCode: it did not, or it is no certificate of a P-256 key.
    """
    if kid(certificate) != code.kid:
        raise BadCode("The code names another signer.")
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion):
        raise BadCode("The certificate of the code's signer cannot be read.") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not cose.verifies(code.message, key):
        raise BadCode("The signature in the code is false: it was changed, or is not by the signer that it names.")


def pack(message: bytes, prefix: str = PREFIX) -> str:
    """A message as the text of a code: zlib (RFC 1950), base45, prefix."""
    return prefix + base45.encode(zlib.compress(message, 9))


def unpack(text: str, prefix: str = PREFIX) -> bytes:
    """The message in the text of a code.

    Raises:
        ValueError: the text is of another form, or holds more than `MAX_MESSAGE` bytes.
    """
    if not text.startswith(prefix) or len(text) > MAX_READ_TEXT:
        raise ValueError("another prefix, or too long")
    unpacking = zlib.decompressobj()
    try:
        message = unpacking.decompress(base45.decode(text.removeprefix(prefix)), MAX_MESSAGE)
    except zlib.error:
        raise ValueError("not as zlib packs") from None
    if not unpacking.eof or unpacking.unused_data:
        raise ValueError("cut off, too long, or something after its end")
    return message


def expires_at_s(expires_on: str) -> int:
    """When a certificate ceases to hold that holds until a day: the end of that day in UTC, seconds since 1970."""
    return _days(expires_on) * _DAY_S + _DAY_S


def _claims(
    record: CertificateRecord, record_sha256: str, holder: Mapping[str, str], left_out: list[str], at: datetime | None
) -> cwt.Claims:
    native = next((each for each in record.languages if each != "en"), "")
    born = holder["born"]
    until = record.expires_on
    certificate: dict[Key, Item] = {
        _C_NUMBER: record.number,
        _C_SERVICE: record.service,
        _C_ISSUED_ON: Tagged(_DAYS_TAG, _days(record.issued_on)),
        _C_EXPIRES_ON: "" if until is None else Tagged(_DAYS_TAG, _days(until)),
        _C_RECORD: bytes.fromhex(record_sha256),
        _C_SPECIMEN: record.specimen or "",
        _C_IDENTITY_KIND: record.holder.identity_kind if holder["identity_number_shown"] else "",
        _C_BORN_AS_SAID: "" if is_date(born) else born,
        _C_LEFT_OUT: list(left_out) or "",
    }
    return cwt.Claims(
        issuer=record.centre,
        expires_at_s=None if until is None else expires_at_s(until),
        issued_at_s=None if at is None else int(at.timestamp()),
        others={cwt.PERSON: write_person(holder, native), cwt.CERTIFICATE: that_say(certificate)},
    )


def _read(message: cose.Sign1, claims: cwt.Claims) -> CodeClaims:
    person, certificate = claims.others.get(cwt.PERSON, {}), claims.others.get(cwt.CERTIFICATE)
    if not isinstance(person, dict) or not isinstance(certificate, dict) or message.kid is None:
        raise BadCode(_NOT_OURS)
    record = certificate.get(_C_RECORD)
    specimen = certificate.get(_C_SPECIMEN, False)
    left_out = certificate.get(_C_LEFT_OUT, [])
    if not isinstance(record, bytes) or len(record) != _HASH_BYTES or not isinstance(specimen, bool):
        raise BadCode(_NOT_OURS)
    said = msgspec.convert(
        {
            "number": certificate.get(_C_NUMBER),
            "service": certificate.get(_C_SERVICE),
            "centre": claims.issuer,
            "issued_on": _day(certificate.get(_C_ISSUED_ON)),
            "expires_on": None if _C_EXPIRES_ON not in certificate else _day(certificate[_C_EXPIRES_ON]),
            "holder": {
                "born": certificate.get(_C_BORN_AS_SAID, ""),
                "identity_kind": certificate.get(_C_IDENTITY_KIND, ""),
                **read_person(person),
            },
            "left_out": left_out,
        },
        _Said,
    )
    # One end, said twice: for readers of any CWT in seconds, for people as a day.
    if claims.expires_at_s != (None if said.expires_on is None else expires_at_s(said.expires_on)):
        raise BadCode("The code contradicts itself about the day until which the certificate holds.")
    return CodeClaims(
        number=said.number,
        service=said.service,
        centre=said.centre,
        issued_on=said.issued_on,
        expires_on=said.expires_on,
        record_sha256=record.hex(),
        holder=said.holder,
        specimen=specimen,
        left_out=said.left_out,
        issued_at_s=claims.issued_at_s,
        kid=message.kid,
        message=message,
    )


def _days(day: str) -> int:
    return (date.fromisoformat(day) - _EPOCH).days


def _day(value: Item) -> str:
    """A day, in either form of RFC 8943."""
    if isinstance(value, Tagged) and value.tag == _DAYS_TAG and type(value.value) is int:
        return (_EPOCH + timedelta(days=value.value)).isoformat()
    if isinstance(value, Tagged) and value.tag == _DAY_TAG and isinstance(value.value, str) and is_date(value.value):
        return value.value
    raise BadCode(_NOT_OURS)

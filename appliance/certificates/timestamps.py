"""Timestamps (RFC 3161): what is asked, and what an answer must be before it goes into a document.

An answer is accepted when all of these hold, in this order:

 1. it is no larger than it may be, is whole, and says that the request was granted;
 2. it holds one signed statement, of one signer, over this digest (SHA-256), with this nonce, under the policy asked for;
 3. what the signer signed names the statement, by digest, and the signer's certificate, which is there;
 4. the signature holds;
 5. the certificate is for timestamps and for nothing else, said critically, and leads to an authority that is believed,
    all of it valid at the time that is stated, none of it revoked;
 6. the time is not before and not after what the caller knows of it.

The clock of this machine is asked nothing: the time in a timestamp is that of the service.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from asn1crypto import algos, cms, core, tsp
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from appliance.certificates import chains
from appliance.certificates.chains import BadChain
from appliance.journal.errors import BugError, IntegrityError, NetworkError

NONCE_BYTES: Final = 16
MAX_REQUEST: Final = 512
"""Bytes."""
MAX_TOKEN: Final = 24 * 1024
"""Bytes of a timestamp with its certificates."""
MAX_RESPONSE: Final = MAX_TOKEN + 1024
"""Bytes."""
REQUEST_TYPE: Final = "application/timestamp-query"
RESPONSE_TYPE: Final = "application/timestamp-reply"

MIN_RSA_BITS: Final = 2048
_GEN_TIME: Final = re.compile(rb"\d{14}(\.\d{0,5}[1-9])?Z")
_HASHES: Final[dict[str, HashAlgorithm]] = {"sha256": SHA256(), "sha384": SHA384(), "sha512": SHA512()}
_MALFORMED: Final = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)


class Response(core.Sequence):  # type: ignore[misc]
    """RFC 3161, section 2.4.2; in asn1crypto's own the timestamp is not optional."""

    _fields = [("status", tsp.PKIStatusInfo), ("time_stamp_token", cms.ContentInfo, {"optional": True})]  # noqa: RUF012


class BadTimestamp(IntegrityError):
    """A timestamp is not what it must be."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, "Nothing was changed. Tell central IT.")


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
    fields = {
        "version": 1,
        "message_imprint": {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": digest},
        "nonce": number,
        "cert_req": True,
    }
    if policy is not None:
        fields["req_policy"] = policy
    return Request(tsp.TimeStampReq(fields).dump(), digest, number, policy)


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
        answer = Response.load(response, strict=True)
        refused = _why(answer["status"])
        token = answer["time_stamp_token"].dump()
    except _MALFORMED:
        raise BadTimestamp("The timestamp service's answer cannot be read.") from None
    if refused:
        raise StampRefused(refused)
    stamp, info = _check(token, request.digest, believed)
    if info["nonce"].native != request.nonce:
        raise BadTimestamp("A timestamp answers another request.")
    if request.policy is not None and info["policy"].native != request.policy:
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


def _check(token: bytes, digest: bytes, believed: Believed) -> tuple[Stamp, Any]:
    if len(token) > MAX_TOKEN:
        raise BadTimestamp("A timestamp is larger than any.")
    try:
        return _judge(token, digest, believed)
    except BadChain as error:
        raise BadTimestamp(f"A timestamp's certificate is not accepted. {error.sentence}") from None
    except (*_MALFORMED, UnsupportedAlgorithm, x509.DuplicateExtension):
        raise BadTimestamp("A timestamp cannot be read.") from None


def _judge(token: bytes, digest: bytes, believed: Believed) -> tuple[Stamp, Any]:
    envelope = cms.ContentInfo.load(token, strict=True)
    if envelope["content_type"].native != "signed_data":
        raise BadTimestamp("A timestamp is not signed.")
    signed = envelope["content"]
    content = signed["encap_content_info"]
    if content["content_type"].native != "tst_info" or len(signed["signer_infos"]) != 1:
        raise BadTimestamp("A timestamp holds another statement, or other signatures, than it must.")
    statement = bytes(content["content"])
    info = tsp.TSTInfo.load(statement, strict=True)
    imprint = info["message_imprint"]
    if imprint["hash_algorithm"]["algorithm"].native != "sha256" or imprint["hashed_message"].native != digest:
        raise BadTimestamp("A timestamp is over another document.")
    if info["version"].native != "v1" or info["extensions"].native or not _GEN_TIME.fullmatch(_raw(info["gen_time"])):
        raise BadTimestamp("A timestamp's statement is not of its form.")
    certificates = [chains.load_certificate(each.dump()) for each in signed["certificates"]]
    (signer,) = signed["signer_infos"]
    own = _signed_by(signer, statement, certificates)
    at: datetime = info["gen_time"].native
    chain = _accepted(own, certificates, believed, at)
    name = own.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    shown = str(name[0].value) if name else own.subject.rfc4514_string()
    return Stamp(token, at, shown, tuple(each.public_bytes(Encoding.DER) for each in chain)), info


def _signed_by(signer: Any, statement: bytes, certificates: list[x509.Certificate]) -> x509.Certificate:
    """The certificate by whose key the statement was signed, checks 3 and 4."""
    attributes: dict[str, Any] = {}
    for each in signer["signed_attrs"]:
        if each["type"].native in attributes or len(each["values"]) != 1:
            raise BadTimestamp("A timestamp says one thing twice.")
        attributes[each["type"].native] = each["values"][0]
    hashed = _hash(signer["digest_algorithm"]["algorithm"].native)
    if attributes["content_type"].native != "tst_info":
        raise BadTimestamp("A timestamp is signed as something else.")
    if attributes["message_digest"].native != hashlib.new(hashed.name, statement).digest():
        raise BadTimestamp("A timestamp's statement was changed.")
    named = _named(attributes)
    own = next((each for each in certificates if named(each)), None)
    if own is None:
        raise BadTimestamp("A timestamp does not name its own certificate.")
    # The attributes are signed as a SET; in the file an implicit tag stands in its place (RFC 5652, section 5.4).
    content = b"\x31" + signer["signed_attrs"].dump()[1:]
    _see_signed(own, signer["signature_algorithm"], signer["signature"].native, content, hashed)
    return own


def _named(attributes: dict[str, Any]) -> Any:
    """Tells whether a certificate is the one that the signed attributes name (RFC 5816, section 2.2.1)."""
    if "signing_certificate_v2" in attributes:
        first = attributes["signing_certificate_v2"]["certs"][0]
        algorithm = _hash(first["hash_algorithm"]["algorithm"].native).name
    else:
        first = attributes["signing_certificate"]["certs"][0]
        algorithm = "sha1"
    wanted = first["cert_hash"].native

    def is_named(certificate: x509.Certificate) -> bool:
        der = certificate.public_bytes(Encoding.DER)
        return bool(hashlib.new(algorithm, der, usedforsecurity=False).digest() == wanted)

    return is_named


def _see_signed(
    certificate: x509.Certificate,
    algorithm: algos.SignedDigestAlgorithm,
    signature: bytes,
    content: bytes,
    hashed: HashAlgorithm,
) -> None:
    key, kind = certificate.public_key(), algorithm["algorithm"].native
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and kind == f"{hashed.name}_ecdsa":
            key.verify(signature, content, ec.ECDSA(hashed))
            return
        is_rsa = kind in ("rsassa_pkcs1v15", f"{hashed.name}_rsa")
        if isinstance(key, rsa.RSAPublicKey) and key.key_size >= MIN_RSA_BITS and is_rsa:
            key.verify(signature, content, padding.PKCS1v15(), hashed)
            return
    except InvalidSignature:
        raise BadTimestamp("A timestamp's signature does not hold.") from None
    raise BadTimestamp("A timestamp is signed in a way that is not accepted here.")


def _accepted(
    own: x509.Certificate, others: list[x509.Certificate], believed: Believed, at: datetime
) -> tuple[x509.Certificate, ...]:
    """The chain of the service's certificate, check 5."""
    try:
        purpose = own.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        raise BadTimestamp("A timestamp's certificate is not one for timestamps.") from None
    if not purpose.critical or list(purpose.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise BadTimestamp("A timestamp's certificate is not one for timestamps alone.")
    chain = chains.find_chain(own, others, [chains.load_certificate(each) for each in believed.authorities], at)
    crls = [chains.load_crl(each) for each in believed.crls]
    for each, issuer in zip(chain, chain[1:], strict=False):
        if chains.revocation(each, issuer, crls) is not None:
            raise BadTimestamp("A timestamp's certificate was revoked.")
    return chain


def _hash(name: str) -> HashAlgorithm:
    if name not in _HASHES:
        raise BadTimestamp("A timestamp uses a digest that is not accepted here.")
    return _HASHES[name]


def _raw(value: Any) -> bytes:
    return bytes(value.contents)


def _why(status: Any) -> str:
    """What a refusal says of itself, by names that RFC 3161 gives; its free text is not shown. Empty if granted."""
    if status["status"].native == "granted":
        return ""
    failure = status["fail_info"].native
    named = sorted(failure) if failure else [str(status["status"].native)]
    return ", ".join(each.replace("_", " ") for each in named)

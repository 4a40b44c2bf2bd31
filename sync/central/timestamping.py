"""Central's timestamp service (RFC 3161): a key of its own, certified by central's authority for nothing else.

It states that a digest was known at a time, by central's clock, and nothing of what the digest is over: enrolled nodes
may ask for anything. Serial numbers are random (128 bits), so that none comes twice after central was restored from a
backup. Digests other than SHA-256 are refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from asn1crypto import cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from appliance.certificates.timestamps import MAX_REQUEST, Response
from appliance.records.moment import Clock

POLICY: Final = "2.25.280189930116982128382564070107541909502"
"""Under which the embedded service stamps; an identifier made of a random UUID (ITU-T X.667)."""
SERIAL_BYTES: Final = 16
MAX_NONCE_BYTES: Final = 33
ACCURACY: Final = timedelta(seconds=1)
"""Whole seconds are stated. How far central's clock itself is from the true time, nobody here knows."""
_SLACK: Final = 16
"""A signature and the nonce's sign bit make a timestamp some bytes larger or smaller."""
_MALFORMED: Final = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class Service:
    """What a node must know of the service before it asks, because it goes into the document before the timestamp."""

    authorities: tuple[bytes, ...]
    """By which its timestamps are judged, DER."""
    certificates: tuple[bytes, ...]
    """The service's own, and those up to the authorities, DER."""
    crls: tuple[bytes, ...]
    """Of authorities that are not central's own, DER."""
    policy: str | None
    room: int
    """Bytes of the largest timestamp."""


class Timestamps(Protocol):
    """A timestamp service as central offers it: its own, or one outside."""

    def service(self) -> Service:
        """What must be known of it.

        Raises:
            NoTimestamp: it cannot be reached.
        """

    def answer(self, request: bytes) -> bytes:
        """Answer a request (TimeStampReq, DER) with a TimeStampResp, DER; it may be a refusal.

        Raises:
            NoTimestamp: it cannot be reached.
        """


class OwnTimestamps:
    """The embedded service.

    Args:
        key: P-256.
        certificate: by central's authority, DER.
        authority: its certificate, DER.
        clock: what time it is.
        random: a cryptographic source of random bytes.
    """

    def __init__(
        self,
        key: ec.EllipticCurvePrivateKey,
        certificate: bytes,
        authority: bytes,
        *,
        clock: Clock,
        random: Callable[[int], bytes],
    ) -> None:
        self._key = key
        self._certificate = asn1_x509.Certificate.load(certificate)
        self._authority = authority
        self._clock = clock
        self._random = random
        self._signer = {
            "version": "v1",
            "sid": cms.IssuerAndSerialNumber(
                {"issuer": self._certificate.issuer, "serial_number": self._certificate.serial_number}
            ),
        }
        largest = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": bytes(SHA256.digest_size)}
        self._room = len(self._token(tsp.MessageImprint(largest), None, with_certificate=True)) + MAX_NONCE_BYTES

    def service(self) -> Service:
        """See `Timestamps`."""
        return Service((self._authority,), (self._certificate.dump(),), (), POLICY, self._room + _SLACK)

    def answer(self, request: bytes) -> bytes:
        """See `Timestamps`."""
        if len(request) > MAX_REQUEST:
            return _refusal("bad_request")
        try:
            asked = tsp.TimeStampReq.load(request, strict=True)
            imprint, nonce, policy = asked["message_imprint"], asked["nonce"].native, asked["req_policy"].native
            algorithm, digest = imprint["hash_algorithm"]["algorithm"].native, imprint["hashed_message"].native
            version, extensions, wanted = asked["version"].native, asked["extensions"].native, asked["cert_req"].native
        except _MALFORMED:
            return _refusal("bad_data_format")
        if version != "v1" or (nonce is not None and nonce.bit_length() >= 8 * MAX_NONCE_BYTES):
            return _refusal("bad_request")
        if algorithm != "sha256":
            return _refusal("bad_alg")
        if len(digest) != SHA256.digest_size:
            return _refusal("bad_data_format")
        if policy not in (None, POLICY):
            return _refusal("unaccepted_policy")
        if extensions:
            return _refusal("unaccepted_extensions")
        token = self._token(imprint, nonce, with_certificate=wanted)
        return bytes(
            Response({"status": {"status": "granted"}, "time_stamp_token": cms.ContentInfo.load(token)}).dump()
        )

    def _token(self, imprint: tsp.MessageImprint, nonce: int | None, *, with_certificate: bool) -> bytes:
        now = self._clock()
        fields = {
            "version": "v1",
            "policy": POLICY,
            "message_imprint": imprint,
            "serial_number": int.from_bytes(self._random(SERIAL_BYTES)),
            "gen_time": now.replace(microsecond=0),
            "accuracy": {"seconds": int(ACCURACY.total_seconds())},
        }
        if nonce is not None:
            fields["nonce"] = nonce
        statement = tsp.TSTInfo(fields).dump()
        attributes = cms.CMSAttributes(
            [
                _attribute("content_type", "tst_info"),
                _attribute("message_digest", hashlib.sha256(statement).digest()),
                _attribute("signing_certificate_v2", {"certs": [{"cert_hash": self._certificate.sha256}]}),
            ]
        )
        signature = self._key.sign(attributes.dump(), ec.ECDSA(SHA256()))
        signer = {
            **self._signer,
            "digest_algorithm": {"algorithm": "sha256"},
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": "sha256_ecdsa"},
            "signature": signature,
        }
        signed = {
            "version": "v3",
            "digest_algorithms": [{"algorithm": "sha256"}],
            "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(statement)},
            "signer_infos": [signer],
        }
        if with_certificate:
            signed["certificates"] = [self._certificate]
        return bytes(cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)}).dump())


def _attribute(kind: str, value: object) -> cms.CMSAttribute:
    return cms.CMSAttribute({"type": kind, "values": [value]})


def _refusal(why: str) -> bytes:
    return bytes(Response({"status": {"status": "rejection", "fail_info": {why}}}).dump())

"""Request signatures: the RFC's own vector, other implementations as judges, and everything that must be refused."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from http_message_signatures import HTTPMessageSigner, InvalidSignature, MappingKeyResolver, algorithms

from appliance.journal.ids import JournalId
from sync import signatures
from sync.refusals import BadRequest, BadSignature
from sync.signatures import Claims, Said, TimelessVerifier
from tests.support.centrals import public

SEED = bytes(range(32))
JOURNAL = JournalId("abcdefghijklmnopqrstuvwxyz")
URL = "https://central.example:8443"
NONCE = "bm9uY2U="
SESSION = "c2Vzc2lvbi1uYW1lZA"
COVERED_HEADERS = ("sanad-journal", "sanad-offered-size", "sanad-session", "sanad-offset")
NOW_S = 1_795_338_000

# RFC 9421, appendix B.1.4 and B.2.6.
RFC_PUBLIC = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=
-----END PUBLIC KEY-----
"""
RFC_PRIVATE = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----
"""
RFC_HEADERS = {
    "Host": "example.com",
    "Date": "Tue, 20 Apr 2021 02:07:55 GMT",
    "Content-Type": "application/json",
    "Content-Length": "18",
}
RFC_INPUT = (
    'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")'
    ';created=1618884473;keyid="test-key-ed25519"'
)
RFC_SIGNATURE = "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:"


class Message:
    """What the library signs and verifies."""

    def __init__(self, method: str, url: str, headers: dict[str, str]) -> None:
        self.method, self.url, self.headers = method, url, headers


def rfc_message() -> Message:
    return Message("POST", "https://example.com/foo?param=Value&Pet=dog", dict(RFC_HEADERS))


def test_the_ed25519_vector_of_the_rfc_verifies_by_the_verifier_in_use() -> None:
    message = rfc_message()
    message.headers |= {"Signature-Input": RFC_INPUT, "Signature": RFC_SIGNATURE}
    key = load_pem_public_key(RFC_PUBLIC.encode())
    assert isinstance(key, Ed25519PublicKey)
    verifier = TimelessVerifier(
        signature_algorithm=algorithms.ED25519,
        key_resolver=MappingKeyResolver(public_keys={"test-key-ed25519": key}, private_keys={}),
    )
    assert verifier.verify(message, max_age=None)
    message.headers["Date"] = "Tue, 20 Apr 2021 02:07:56 GMT"
    with pytest.raises(InvalidSignature):
        verifier.verify(message, max_age=None)


def test_the_ed25519_vector_of_the_rfc_is_what_the_signer_in_use_makes() -> None:
    message = rfc_message()
    key = load_pem_private_key(RFC_PRIVATE.encode(), None)
    assert isinstance(key, Ed25519PrivateKey)
    signer = HTTPMessageSigner(
        signature_algorithm=algorithms.ED25519,
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={"test-key-ed25519": key}),
    )
    signer.sign(
        message,
        key_id="test-key-ed25519",
        created=datetime.fromtimestamp(1618884473, UTC),
        label="sig-b26",
        include_alg=False,
        covered_component_ids=("date", "@method", "@path", "@authority", "content-type", "content-length"),
    )
    assert message.headers["Signature-Input"] == RFC_INPUT
    assert message.headers["Signature"] == RFC_SIGNATURE


def signed(method: str = "POST", path: str = "/v1/stream?x=1", **changes: Any) -> requests.PreparedRequest:
    request = requests.Request(method, URL + path, data=iter([b"frames"])).prepare()
    said: dict[str, Any] = {"offered": 42, "nonce": NONCE, "session": SESSION, "offset": 7}
    values: dict[str, Any] = {"seed": SEED, "journal": JOURNAL, "now_s": NOW_S, **changes}
    said |= {name: values.pop(name) for name in tuple(values) if name in said}
    signatures.sign(request, Said(**said), **values)
    return request


def received(
    request: requests.PreparedRequest, *, method: str = "POST", url: str = URL + "/v1/stream?x=1"
) -> signatures.Incoming:
    lines = [(name.encode(), str(value).encode()) for name, value in request.headers.items()]
    return signatures.incoming(method, url, lines)


def test_a_signed_request_says_who_and_at_which_size() -> None:
    assert signatures.verify(received(signed()), public(SEED)) == Claims(JOURNAL, 42, NONCE, SESSION, 7)


def signature_base(request: requests.PreparedRequest) -> tuple[bytes, bytes]:
    """The signature base of RFC 9421, section 2.5, written by hand, and the signature."""
    label, _, parameters = str(request.headers["Signature-Input"]).partition("=")
    encoded = re.fullmatch(rf"{label}=:(.*):", str(request.headers["Signature"]))
    assert encoded is not None
    lines = [
        '"@method": POST',
        '"@authority": central.example:8443',
        '"@target-uri": https://central.example:8443/v1/stream?x=1',
        f'"sanad-journal": {JOURNAL}',
        '"sanad-offered-size": 42',
        f'"sanad-session": {SESSION}',
        '"sanad-offset": 7',
        f'"@signature-params": {parameters}',
    ]
    return "\n".join(lines).encode(), base64.b64decode(encoded[1])


def test_the_signature_is_over_the_base_that_the_rfc_describes() -> None:
    base, signature = signature_base(signed())
    Ed25519PrivateKey.from_private_bytes(SEED).public_key().verify(signature, base)
    for part in (b';nonce="bm9uY2U="', b';tag="sanad"', b';alg="ed25519"', b";created=1795338000;", b";expires="):
        assert part in base


@pytest.mark.skipif(shutil.which("openssl") is None, reason="setup.sh installs openssl for tests")
def test_openssl_agrees(tmp_path: Path) -> None:
    base, signature = signature_base(signed())
    key = Ed25519PrivateKey.from_private_bytes(SEED).public_key()
    for name, data in (
        ("key.pem", key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)),
        ("base", base),
        ("signature", signature),
    ):
        (tmp_path / name).write_bytes(data)
    command = "openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in base -sigfile signature"
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)


def test_a_clock_that_is_years_off_does_not_matter() -> None:
    for now_s in (0, 4_102_444_800):
        assert signatures.verify(received(signed(now_s=now_s)), public(SEED)).offered == 42


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", URL + "/v1/stream?x=1"),
        ("POST", "https://other.example:8443/v1/stream?x=1"),
        ("POST", "https://central.example/v1/stream?x=1"),
        ("POST", "http://central.example:8443/v1/stream?x=1"),
        ("POST", URL + "/v1/stream?x=2"),
        ("POST", URL + "/v1/session"),
    ],
)
def test_another_method_authority_or_target_is_refused(method: str, url: str) -> None:
    with pytest.raises(BadSignature):
        signatures.verify(received(signed(), method=method, url=url), public(SEED))


def test_another_key_is_refused() -> None:
    with pytest.raises(BadSignature):
        signatures.verify(received(signed()), public(b"x" * 32))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("sanad-offered-size", lambda _: "43"),
        ("sanad-session", lambda _: "b3RoZXItc2Vzc2lvbg"),
        ("sanad-offset", lambda _: "8"),
        ("sanad-journal", lambda _: "b" * 26),
        ("Signature-Input", lambda value: value.replace('"sanad-offered-size"', "").replace("  ", " ")),
        ("Signature-Input", lambda value: value.replace(NONCE, "b3RoZXI=")),
        ("Signature-Input", lambda value: value.replace('tag="sanad"', 'tag="other"')),
        ("Signature-Input", lambda value: value.replace('alg="ed25519"', 'alg="hmac-sha256"')),
        ("Signature-Input", lambda value: value + ";more=1"),
        ("Signature-Input", lambda value: value.replace("created=1795338000", "created=1795338001")),
        ("Signature-Input", lambda _: "sanad=1"),
        ("Signature-Input", lambda _: "(((("),
        ("Signature", lambda _: "sanad=:AAAA:"),
        ("Signature", lambda _: "other=:AAAA:"),
        ("Signature", lambda value: value + ", " + value),
    ],
)
def test_a_changed_header_is_refused(name: str, change: Callable[[str], str]) -> None:
    request = signed()
    request.headers[name] = change(str(request.headers[name]))
    with pytest.raises(BadSignature):
        signatures.verify(received(request), public(SEED))


@pytest.mark.parametrize("name", ["Signature", "Signature-Input", *COVERED_HEADERS])
def test_a_missing_header_is_refused(name: str) -> None:
    request = signed()
    del request.headers[name]
    with pytest.raises((BadSignature, BadRequest)):
        signatures.verify(received(request), public(SEED))


@pytest.mark.parametrize("name", COVERED_HEADERS)
def test_a_header_that_comes_twice_is_refused(name: str) -> None:
    request = signed()
    lines = [(each.encode(), str(value).encode()) for each, value in request.headers.items()]
    lines.append((name.encode(), str(request.headers[name]).encode()))
    incoming = signatures.incoming("POST", URL + "/v1/stream?x=1", lines)
    with pytest.raises((BadSignature, BadRequest)):
        signatures.verify(incoming, public(SEED))


def by_the_library(components: tuple[str, ...], offered: str = "42", **changes: Any) -> requests.PreparedRequest:
    """Signed by the right key, but not as `sign` does."""
    request = requests.Request("POST", URL + "/v1/stream?x=1").prepare()
    request.headers.update({"sanad-journal": JOURNAL, "sanad-offered-size": offered})
    request.headers.update({"sanad-session": SESSION, "sanad-offset": "7"})
    name = signatures.key_name(public(SEED))
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    created = datetime.fromtimestamp(NOW_S, UTC)
    options: dict[str, Any] = {
        "created": created,
        "expires": created + timedelta(seconds=60),
        "nonce": NONCE,
        "tag": "sanad",
        "label": "sanad",
        "covered_component_ids": components,
        **changes,
    }
    HTTPMessageSigner(
        signature_algorithm=algorithms.ED25519,
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={name: key}),
    ).sign(request, key_id=name, **options)
    return request


@pytest.mark.parametrize("left_out", range(len(signatures.COVERED)))
def test_a_signature_that_leaves_out_a_component_is_refused(left_out: int) -> None:
    components = tuple(each for place, each in enumerate(signatures.COVERED) if place != left_out)
    with pytest.raises(BadSignature):
        signatures.verify(received(by_the_library(components)), public(SEED))


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": None},
        {"tag": None},
        {"expires": None},
        {"include_alg": False},
        {"expires": datetime.fromtimestamp(NOW_S - 1, UTC)},
        {"expires": datetime.fromtimestamp(NOW_S + 301, UTC)},
    ],
)
def test_a_signature_without_one_of_its_parameters_is_refused(changes: dict[str, Any]) -> None:
    assert signatures.verify(received(by_the_library(signatures.COVERED)), public(SEED)).nonce == NONCE
    with pytest.raises(BadSignature):
        signatures.verify(received(by_the_library(signatures.COVERED, **changes)), public(SEED))


@pytest.mark.parametrize("size", ["-1", "042", "4.2", "", str(2**53 + 1), "1e3"])
def test_an_offer_that_is_no_size_is_refused(size: str) -> None:
    request = by_the_library(signatures.COVERED, offered=size)
    with pytest.raises((BadRequest, BadSignature)):
        signatures.verify(received(request), public(SEED))

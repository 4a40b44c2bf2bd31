"""A centre for tests: central's authority, a key, its certificate, and the judges that know that authority."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import typst
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from appliance.certificates.sign import sign_pdf
from appliance.certificates.signer import SoftwareSigner
from appliance.store.keys import NodeKeys
from sync.central.authority import Authority
from sync.centre import centre_subject

NOW: Final = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
CODE: Final = "PEW01"
NAME: Final = "Specimen centre, Peshawar"


@dataclass(frozen=True)
class Centre:
    """A key that signs certificates, and what vouches for it."""

    authority: Authority
    key: bytes
    certificate: bytes

    @property
    def authority_der(self) -> bytes:
        return self.authority.certificate.public_bytes(Encoding.DER)

    @property
    def public(self) -> ec.EllipticCurvePublicKey:
        found = x509.load_der_x509_certificate(self.certificate).public_key()
        assert isinstance(found, ec.EllipticCurvePublicKey)
        return found

    @property
    def signer(self) -> SoftwareSigner:
        return SoftwareSigner(self.key, self.certificate, (self.authority_der,))

    @property
    def public_pem(self) -> bytes:
        return self.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def private_pem(self) -> bytes:
        key = load_der_private_key(self.key, None)
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def sign(self, pdf: bytes) -> bytes:
        """Sign a PDF as the counter does."""
        return sign_pdf(pdf, signer=self.signer, reason="Issued", location="Peshawar", at=NOW)


@functools.cache
def a_page() -> bytes:
    """A PDF/A-3b to sign."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.typ"
        file.write_text('#set document(title: "x", date: datetime(year: 2026, month: 1, day: 1))\nSPECIMEN')
        return bytes(typst.compile(str(file), pdf_standards=["a-3b"]))


def new_centre(authority: Authority | None = None, code: str = CODE, name: str = NAME) -> Centre:
    """A fresh centre, as enrolment makes one."""
    authority = authority or Authority.create("Sanad central specimen", NOW)
    key = NodeKeys.generate(os.urandom).centre
    private = load_der_private_key(key, None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    certificate = authority.certify_centre(private.public_key(), centre_subject(code, name), NOW)
    return Centre(authority, key, certificate.public_bytes(Encoding.DER))


class Judges:
    """`pdfsig` and `openssl`, which trust one authority and nobody else.

    Args:
        folder: for their files.
        authority: whom they trust.
    """

    def __init__(self, folder: Path, authority: x509.Certificate) -> None:
        self.folder = folder
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(authority.public_bytes(Encoding.PEM))
        self.nss = folder / "nss"
        self.nss.mkdir()
        database = f"sql:{self.nss}"
        run("certutil", "-N", "-d", database, "--empty-password")
        run("certutil", "-A", "-d", database, "-n", "central", "-t", "CT,C,C", "-i", str(self.ca))

    def pdfsig(self, pdf: bytes) -> str:
        """What poppler says of the signatures in a file; it exits with 0 whatever it says of them."""
        file = self.folder / "judged.pdf"
        file.write_bytes(pdf)
        found = subprocess.run(
            ["pdfsig", "-nssdir", str(self.nss), str(file)], capture_output=True, text=True, check=False
        )
        return found.stdout + found.stderr

    def openssl_cms(self, pdf: bytes) -> str:
        """What OpenSSL says of the CMS of the first signature, over exactly the bytes that its ByteRange names."""
        cms, content = signatures(pdf)[0]
        (self.folder / "cms.der").write_bytes(cms)
        (self.folder / "content").write_bytes(content)
        found = subprocess.run(
            [
                *("openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", "cms.der"),
                *("-content", "content", "-CAfile", "ca.pem", "-purpose", "any", "-out", "/dev/null"),
            ],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        return found.stdout + found.stderr

    def openssl_ts(self, token: bytes, content: bytes, at: datetime) -> str:
        """What OpenSSL says of a timestamp over some bytes, at a time."""
        (self.folder / "token.der").write_bytes(token)
        (self.folder / "stamped").write_bytes(content)
        found = subprocess.run(
            [
                *("openssl", "ts", "-verify", "-in", "token.der", "-token_in", "-data", "stamped"),
                *("-CAfile", "ca.pem", "-attime", str(int(at.timestamp()))),
            ],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        return found.stdout + found.stderr


def extracted(pdf: bytes) -> tuple[bytes, bytes]:
    """The CMS of the last signature in a file, and the bytes that it signs; read without pyHanko."""
    return signatures(pdf)[-1]


def signatures(pdf: bytes) -> list[tuple[bytes, bytes]]:
    """What `extracted` answers, of each signature and timestamp, in the order of the file."""
    return [_extracted(pdf, found.start()) for found in re.finditer(rb"/ByteRange", pdf)]


def _extracted(pdf: bytes, at: int) -> tuple[bytes, bytes]:
    numbers = [int(each) for each in pdf[pdf.index(b"[", at) + 1 : pdf.index(b"]", at)].split()]
    first, length, second, rest = numbers
    content = pdf[first : first + length] + pdf[second : second + rest]
    padded = bytes.fromhex(pdf[first + length + 1 : second - 1].decode("ascii"))
    digits = padded[1] & 0x7F
    return padded[: 2 + digits + int.from_bytes(padded[2 : 2 + digits])], content


def run(*command: str) -> str:
    """Run a program that must succeed."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout

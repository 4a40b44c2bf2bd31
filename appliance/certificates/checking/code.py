"""The code of a certificate, held against its own rules. Who signed it is found by the reader's list of signers."""

from __future__ import annotations

from typing import Final

from appliance.certificates.checking.faults import Broken, Unreadable
from appliance.certificates.qr import PREFIX, BadCode, CodeClaims, read_code, verify_code

RECEIPT_PREFIX: Final = "SANAD-R1:"
MAX_CODE_FILE: Final = 16 * 1024
"""Bytes of a text file with a code."""
_TAKE_AGAIN: Final = "Have the code on the paper read again, or ask for the file."


def read_text(content: bytes) -> CodeClaims:
    """Read a code from a text file; white space around it says nothing.

    Raises:
        Unreadable: it is no text, or the code of something else. Broken: it claims to be a code of ours, and is not.
    """
    if len(content) > MAX_CODE_FILE:
        raise Unreadable("The file is too large to be the text of a code.", _TAKE_AGAIN)
    try:
        text = content.decode("ascii").strip()
    except UnicodeDecodeError:
        raise Unreadable("The file is neither a certificate, nor a picture of one, nor a code's text.") from None
    return read(text)


def read(text: str) -> CodeClaims:
    """Read a code's text.

    Raises:
        Unreadable: it is the code of something else. Broken: it claims to be a code of ours, and is not.
    """
    if text.startswith(RECEIPT_PREFIX):
        raise Unreadable(
            "This is the code of a receipt, not of a certificate.", "Have the code on the certificate read."
        )
    if not text.startswith(PREFIX):
        raise Unreadable("This is not the code of a certificate.", _TAKE_AGAIN)
    try:
        return read_code(text)
    except BadCode as error:
        raise Broken(error.sentence, _TAKE_AGAIN) from error


def check_signed(code: CodeClaims, certificate: bytes) -> None:
    """Check that the key of a certificate, DER, signed a code.

    Raises:
        Broken: it did not.
    """
    try:
        verify_code(code, certificate)
    except BadCode as error:
        raise Broken(error.sentence) from error

"""Whom the reader of a certificate trusts: a file that was named, or what a home keeps.

A file that was named says all of it: central's lists; or certificates of authorities or signers (PEM or DER), which
say nothing of what ended since; or the public keys of a home (`trust`), which vouch for journals. Lists that are older
than those of the same central in the home are refused, and the home's taken. A home adds what its own node knows, where
it is open: that is newer than any list.
"""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.certificates.lists import BadLists, OlderLists, PublicLists, newer
from appliance.certificates.listsfile import MAX_LISTS, read_lists
from appliance.certificates.verdict import Knowledge
from appliance.journal.errors import OperatorError
from appliance.journal.notes import VerifierKey
from appliance.journal.trust import BadTrust, parse_trust
from provisioning.options import home_of

LISTS: Final = "lists"
TRUST: Final = "trust"
NODE: Final = "node.toml"
_LISTS_START: Final = re.compile(rb"sanad/lists/[a-z2-7]{26}/trust\n")
_PEM_START: Final = b"-----BEGIN CERTIFICATE-----"
_DER_START: Final = 0x30
_ASK: Final = "Name central's lists, or the certificate of its authority."


@dataclass(frozen=True, slots=True)
class Reader:
    """What a reader knows before looking at anything, and what has to be said about that."""

    knowledge: Knowledge
    remarks: tuple[str, ...] = ()
    node: Path | None = None
    """The home of a node that may know something itself."""


NOTHING: Final = Reader(Knowledge())


def given(file: Path, home: Path | None = None) -> Reader:
    """Trust as a file says that was named.

    Args:
        file: it.
        home: where newer lists may lie.

    Raises:
        OperatorError: it cannot be read, or is none of the files above.
    """
    content = _content(file)
    if _LISTS_START.match(content):
        return _newest(_lists(content, None), home_of(home))
    if _PEM_START in content or content[:1] == bytes([_DER_START]):
        return Reader(Knowledge(authorities=_certificates(content)))
    try:
        keys = parse_trust(content)
    except BadTrust:
        raise OperatorError(f"The trust file {file} is neither lists, nor a certificate, nor keys.", _ASK) from None
    return Reader(Knowledge(keys=keys), ("Those keys vouch for journals and lists: they judge evidence bundles.",))


def of_home(home: Path | None) -> Reader:
    """Trust as a home keeps it; nothing at all where there is no home.

    Raises:
        OperatorError: its files cannot be read.
    """
    place = home_of(home)
    if not place.is_dir():
        if home is not None:
            raise OperatorError(f"There is no home in {place}.", "Check --home, or leave it out.")
        return NOTHING
    keys = _keys_in(place)
    authorities = tuple(
        each
        for name in ("ca.crt", "centre.crt")
        if (place / "keys" / name).is_file()
        for each in _certificates(_content(place / "keys" / name))
    )
    lists: PublicLists | None = None
    remarks: tuple[str, ...] = ()
    try:
        lists = _lists(_content(place / LISTS), keys) if (place / LISTS).is_file() else None
    except OperatorError as error:
        # Spoilt lists make a verdict weaker, and stop none.
        remarks = (f"The lists in this home are not used. {error.sentence}",)
    node = place if (place / NODE).is_file() else None
    return Reader(Knowledge(lists=lists, authorities=authorities, keys=keys), remarks, node)


def _newest(named: PublicLists, home: Path) -> Reader:
    """Trust lists that were named, unless the home knows newer ones of the same central."""
    try:
        known = _lists(_content(home / LISTS), _keys_in(home)) if (home / LISTS).is_file() else None
    except (OperatorError, BadTrust):
        # A spoilt home has no say in whom this reader trusts.
        known = None
    if known is None or known.key != named.key:
        return Reader(Knowledge(lists=named))
    try:
        newer(known, named)
    except OlderLists as error:
        return Reader(Knowledge(lists=known), (f"{error.sentence} They are refused; those in the home are used.",))
    return Reader(Knowledge(lists=named))


def _keys_in(home: Path) -> tuple[VerifierKey, ...]:
    return parse_trust(_content(home / TRUST)) if (home / TRUST).is_file() else ()


def _lists(content: bytes, keys: tuple[VerifierKey, ...] | None) -> PublicLists:
    try:
        return read_lists(content, keys)
    except BadLists as error:
        raise OperatorError(error.sentence, error.next_step) from error


def _certificates(content: bytes) -> tuple[bytes, ...]:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    try:
        if _PEM_START in content:
            found = x509.load_pem_x509_certificates(content)
        else:
            found = [x509.load_der_x509_certificate(content)]
    except ValueError:
        raise OperatorError("The certificate in the trust file cannot be read.", _ASK) from None
    return tuple(each.public_bytes(Encoding.DER) for each in found)


def _content(file: Path) -> bytes:
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise OperatorError(f"{file} is not a file.", _ASK)
        with file.open("rb") as source:
            content = source.read(MAX_LISTS + 1)
    except OSError as error:
        raise OperatorError(f"The trust file {file} cannot be read: {error.strerror}.", _ASK) from None
    if len(content) > MAX_LISTS:
        raise OperatorError(f"The trust file {file} is too large.", _ASK)
    return content

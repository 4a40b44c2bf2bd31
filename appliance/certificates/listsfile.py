"""The public lists as a file: two signed notes (C2SP) of text that a person can read. Written in one way only.

The form is in docs/trust.md, for whoever writes another reader. What is accepted was signed by one publishing key, both
parts under one number and date, and is exactly what `write_lists` writes of it. No certificate is read here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, Final, TypeVar, cast

from appliance.certificates.lists import (
    NAME,
    BadLists,
    Ended,
    EndState,
    PublicLists,
    Revocations,
    SignerKind,
    TrustedLog,
    TrustedSigner,
    TrustList,
    UnknownPublisher,
    publisher_name,
    to_text,
)
from appliance.certificates.signer import KID_BYTES
from appliance.journal import ids, notes
from appliance.journal.errors import BugError
from appliance.journal.notes import COSIGNATURE, NOTE_SIGNATURE, BadKey, BadNote, Note, Signer, VerifierKey

MAX_LISTS: Final = 64 << 20
"""Bytes of the file: room for 50,000 keys and 150,000 ended certificates."""
MAX_CERTIFICATE: Final = 4096
"""Bytes of an X.509 certificate, DER."""
_VERSION: Final = "1"
_TIME: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
_CENTRE: Final = r"[A-Z0-9][A-Z0-9-]{0,31}"
_CODE: Final = r"[a-z][a-z_]{0,31}"
_DER: Final = r"[A-Za-z0-9+/]+={0,2}"
_NUMBER: Final = r"[A-Z0-9][A-Z0-9/-]{0,39}"
_HEAD: Final = re.compile(
    rf"(?P<origin>{publisher_name('')}[a-z2-7]{{26}})/(?P<part>trust|revocations)\nversion (?P<version>[0-9]{{1,4}})\n"
    rf"number (?P<number>[1-9][0-9]{{0,11}})\nat (?P<at>{_TIME})\n(?:key (?P<key>[^\n]+)\n)?"
)
_AUTHORITY: Final = re.compile(rf"authority ({_DER})\n")
_COSIGNER: Final = re.compile(r"cosigner ([^\n]+)\n")
_LOG: Final = re.compile(rf"log ({_CENTRE}) ([^ \n]+)(?: stopped ({_TIME}))?\n")
_SIGNER: Final = re.compile(
    rf"signer ([0-9a-f]{{{2 * KID_BYTES}}}) (centre|officer|timestamp) ({_CENTRE}|-)\nname ({NAME})\n"
    rf"certificate ({_DER})\n(?:revoked ({_TIME}) ({_CODE})\n)?"
)
_ENDED: Final = re.compile(rf"(superseded|revoked) ({_NUMBER}) ({_TIME}) ({_CODE})(?: by ({_NUMBER}))?\n")
_T = TypeVar("_T")


def write_lists(trust: TrustList, revocations: Revocations, signer: Signer) -> bytes:
    """Write and sign both lists.

    Args:
        trust: in any order; it is written in the one order there is.
        revocations: the same; of the same number and date.
        signer: central's publishing key, named by `publisher_name`.

    Raises:
        BugError: something in them cannot be written.
    """
    trust, revocations = in_order(trust, revocations)
    content = b"\n".join(
        text + b"\n" + signer.sign(text)
        for text in (_trust_text(trust, signer.verifier), _ended_text(revocations, signer))
    )
    try:
        # What is signed once can't be taken back: nothing leaves that a reader would refuse, or read otherwise.
        fits = read_lists(content, [signer.verifier]) == PublicLists(trust, revocations, signer.verifier)
    except BadLists as error:
        raise BugError(f"The public lists cannot be written: {error.sentence}") from error
    if not fits:
        raise BugError("The public lists would not say what they must.")
    return content


def in_order(trust: TrustList, revocations: Revocations) -> tuple[TrustList, Revocations]:
    """Both lists in the one order in which they are written."""
    ordered = TrustList(
        number=trust.number,
        at=trust.at,
        authorities=tuple(sorted(trust.authorities)),
        signers=tuple(sorted(trust.signers, key=_signer_key)),
        logs=tuple(sorted(trust.logs, key=_log_key)),
        cosigners=tuple(sorted(trust.cosigners, key=_cosigner_key)),
    )
    ended = tuple(sorted(revocations.ended, key=_ended_key))
    return ordered, Revocations(revocations.number, revocations.at, ended)


def read_lists(content: bytes, keys: Sequence[VerifierKey] | None) -> PublicLists:
    """Read both lists, and check who published them.

    Args:
        content: the file.
        keys: whom the reader trusts to publish lists; keys for other ends may be among them. None: the reader vouches
            for the file, and the signatures are held against the key that it names itself.

    Raises:
        UnknownPublisher: it is signed by none of the keys. BadLists: it is of another form, or changed, cut, or put
            together from parts that were not published together.
    """
    if len(content) > MAX_LISTS:
        raise BadLists(f"The public lists have at most {MAX_LISTS} bytes.")
    parts = content.split(b"\n\n")
    if len(parts) != 4:
        raise BadLists("This file is not the public lists: they are two signed texts, one after the other.")
    try:
        return _read(_note(parts[0], parts[1] + b"\n"), _note(parts[2], parts[3]), keys)
    except (BadNote, BadKey) as error:
        raise BadLists(f"The public lists are not as they were published: {error.sentence}") from error


# Writing


def _trust_text(trust: TrustList, key: VerifierKey) -> bytes:
    lines = [*_head_lines(key.name, "trust", trust.number, trust.at), f"key {key.text}"]
    lines += [f"authority {notes.to_base64(each)}" for each in trust.authorities]
    lines += [f"cosigner {each.text}" for each in trust.cosigners]
    for log in trust.logs:
        stopped = "" if log.stopped_at is None else f" stopped {to_text(log.stopped_at)}"
        lines.append(f"log {log.centre} {log.key.text}{stopped}")
    for signer in trust.signers:
        lines.append(f"signer {signer.kid.hex()} {signer.kind} {signer.centre or '-'}")
        lines += [f"name {signer.name}", f"certificate {notes.to_base64(signer.certificate)}"]
        if signer.revoked_at is not None:
            lines.append(f"revoked {to_text(signer.revoked_at)} {signer.reason}")
    return _text(lines)


def _ended_text(revocations: Revocations, signer: Signer) -> bytes:
    lines = _head_lines(signer.name, "revocations", revocations.number, revocations.at)
    for each in revocations.ended:
        by = f" by {each.by}" if each.by else ""
        lines.append(f"{each.state} {each.number} {to_text(each.at)} {each.reason}{by}")
    return _text(lines)


def _head_lines(origin: str, part: str, number: int, at: datetime) -> list[str]:
    return [f"{origin}/{part}", f"version {_VERSION}", f"number {number}", f"at {to_text(at)}"]


def _text(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode(errors="replace")


# Reading


def _read(first: Note, second: Note, keys: Sequence[VerifierKey] | None) -> PublicLists:
    head = _head(first, "trust")
    key = VerifierKey.parse(head["key"] or "")
    _check_publisher(key, head["origin"], keys)
    for note in (first, second):
        if len(note.signatures) != 1:
            raise BadLists("Each of the public lists has one signature.")
        notes.verify(note, key)
    other = _head(second, "revocations")
    if other["key"] or any(head[each] != other[each] for each in ("origin", "number", "at")):
        raise BadLists("The two parts of this file were not published together.")
    if head["version"] != _VERSION or other["version"] != _VERSION:
        raise BadLists("These lists are of a newer form than this program reads.", "Bring this program up to date.")
    number, at = int(head["number"]), _time(head["at"])
    trust = _trust(first.text.decode(), head.end(), number, at)
    return PublicLists(trust, Revocations(number, at, _ended(second.text.decode(), other.end())), key)


def _note(text: bytes, lines: bytes) -> Note:
    return notes.parse_note(text + b"\n\n" + lines, limit=MAX_LISTS)


def _head(note: Note, part: str) -> re.Match[str]:
    head = _HEAD.match(note.text.decode())
    if head is None or head["part"] != part:
        raise BadLists("This file is not the public lists.")
    return head


def _check_publisher(key: VerifierKey, origin: str, keys: Sequence[VerifierKey] | None) -> None:
    if (key.name, key.algorithm) != (origin, NOTE_SIGNATURE):
        raise BadLists("The public lists name a key that is not for publishing them.")
    if keys is not None and key not in keys:
        raise UnknownPublisher("These lists were published by somebody whom nobody here trusts.")


def _trust(text: str, start: int, number: int, at: datetime) -> TrustList:
    authorities, start = _each(_AUTHORITY, text, start, lambda found: _der(found[1]))
    cosigners, start = _each(_COSIGNER, text, start, _cosigner)
    logs, start = _each(_LOG, text, start, _log)
    signers, start = _each(_SIGNER, text, start, _signer)
    if start != len(text):
        raise _wrong_line(text, start)
    _check_order(authorities, bytes)
    _check_order(cosigners, _cosigner_key)
    _check_order(logs, _log_key)
    _check_order(signers, _signer_key)
    return TrustList(number, at, authorities, signers, logs, cosigners)


def _ended(text: str, start: int) -> tuple[Ended, ...]:
    ended, start = _each(_ENDED, text, start, _one_ended)
    if start != len(text):
        raise _wrong_line(text, start)
    _check_order(ended, _ended_key)
    return ended


def _each(
    form: re.Pattern[str], text: str, start: int, read: Callable[[re.Match[str]], _T]
) -> tuple[tuple[_T, ...], int]:
    """All that stand there in this form, and where they end."""
    found: list[_T] = []
    while (one := form.match(text, start)) is not None:
        found.append(read(one))
        start = one.end()
    return tuple(found), start


def _signer(found: re.Match[str]) -> TrustedSigner:
    named, kind, centre, name, certificate, revoked, reason = found.groups()
    signer = TrustedSigner(
        certificate=_der(certificate),
        kind=cast("SignerKind", kind),
        centre=centre.removeprefix("-"),
        name=name,
        revoked_at=_time(revoked) if revoked else None,
        reason=reason or "",
    )
    if signer.kid.hex() != named:
        raise BadLists(f"The public lists contradict themselves: {named} is not the key that stands there.")
    return signer


def _log(found: re.Match[str]) -> TrustedLog:
    centre, text, stopped = found.groups()
    key = VerifierKey.parse(text)
    if key.algorithm != NOTE_SIGNATURE or key.name != ids.origin(ids.journal_id(key.public)):
        raise BadLists("The public lists name a key that is not a journal's.")
    return TrustedLog(key, centre, _time(stopped) if stopped else None)


def _cosigner(found: re.Match[str]) -> VerifierKey:
    key = VerifierKey.parse(found[1])
    if key.algorithm != COSIGNATURE:
        raise BadLists("The public lists name a cosigner whose key is not for cosignatures.")
    return key


def _one_ended(found: re.Match[str]) -> Ended:
    state, number, at, reason, by = found.groups()
    return Ended(number, cast("EndState", state), _time(at), reason, by or "")


def _der(text: str) -> bytes:
    try:
        data = notes.from_base64(text)
    except ValueError:
        data = b""
    if not 0 < len(data) <= MAX_CERTIFICATE:
        raise BadLists("A certificate in the public lists is not one.")
    return data


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadLists("A time in the public lists is not one.") from None
    return at


def _check_order(values: Sequence[_T], key: Callable[[_T], Any]) -> None:
    """Refuse what is not in the one order, or is there twice."""
    if not all(one < other for one, other in pairwise(map(key, values))):
        raise BadLists("The public lists are not in their order, or say something twice.")


def _signer_key(signer: TrustedSigner) -> tuple[str, str, bytes, bytes]:
    return signer.centre, signer.kind, signer.kid, signer.certificate


def _log_key(log: TrustedLog) -> tuple[str, str]:
    return log.centre, log.key.text


def _cosigner_key(key: VerifierKey) -> str:
    return key.text


def _ended_key(ended: Ended) -> str:
    return ended.number


def _wrong_line(text: str, start: int) -> BadLists:
    line = text.count("\n", 0, start) + 1
    return BadLists(f"Line {line} of a part of the public lists is not of its form.")

"""Checkpoints: the signed size and root of a journal, and cosignatures on them.

The forms are C2SP tlog-checkpoint and tlog-cosignature.

A journal's own key signs its checkpoint; the key's name is the checkpoint's origin. Central countersigns with
`cosignature/v1`, which adds the time and says: this is the largest tree of that origin that I hold, and it continues
every one I held before. Lines after the root (extensions) are refused: nobody could audit them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from appliance.journal import notes, tree
from appliance.journal.errors import BugError, IntegrityError
from appliance.journal.notes import Note, Signer, VerifierKey

MAX_TIME_S: Final = 2**63 - 1
_TIME_BYTES: Final = 8
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,15}")


class BadCheckpoint(IntegrityError):
    """Bytes that are no checkpoint, or one that the expected key did not sign or countersign."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a journal was at one moment."""

    origin: str
    size: int
    """Entries."""
    root: bytes
    """The root of the tree over their headers, 32 bytes."""


def encode_text(checkpoint: Checkpoint) -> bytes:
    """Write the three lines that are signed.

    Raises:
        BugError: they could not be read again.
    """
    text = f"{checkpoint.origin}\n{checkpoint.size}\n{notes.to_base64(checkpoint.root)}\n".encode()
    try:
        same = parse_text(text) == checkpoint
    except BadCheckpoint:
        same = False
    if not same:
        raise BugError("The program tried to sign a checkpoint that nobody could read.")
    return text


def parse_text(text: bytes) -> Checkpoint:
    """Read the three lines that are signed.

    Raises:
        BadCheckpoint: they are not an origin, a size and a root, and nothing else.
    """
    try:
        origin, size, root, rest = text.decode().split("\n")
        digest = notes.from_base64(root)
    except ValueError:
        raise BadCheckpoint("A checkpoint is not an origin, a size and a root.") from None
    if rest or not notes.is_name(origin):
        raise BadCheckpoint("A checkpoint is not an origin, a size and a root.")
    if not _SIZE.fullmatch(size) or int(size) > tree.MAX_SIZE:
        raise BadCheckpoint("The size of a checkpoint is out of bounds.")
    if len(digest) != tree.HASH_BYTES or (size == "0" and digest != tree.EMPTY_ROOT):
        raise BadCheckpoint("The root of a checkpoint cannot be one.")
    return Checkpoint(origin, int(size), digest)


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> bytes:
    """Sign as the journal.

    Returns:
        The signed note.

    Raises:
        BugError: the signer's name is not the origin, or it is a cosigner.
    """
    if signer.name != checkpoint.origin:
        raise BugError("A checkpoint is signed by the key that has its origin for a name.")
    text = encode_text(checkpoint)
    return text + b"\n" + signer.sign(text)


def open_checkpoint(note: bytes, key: VerifierKey) -> Checkpoint:
    """Read a checkpoint that the journal's key signed.

    Raises:
        BadCheckpoint: it is no checkpoint of the origin that the key is named after, or not signed by the key.
    """
    try:
        parsed = notes.parse_note(note)
        notes.verify(parsed, key)
    except notes.BadNote as error:
        raise BadCheckpoint(error.sentence) from error
    checkpoint = parse_text(parsed.text)
    if checkpoint.origin != key.name:
        raise BadCheckpoint("A checkpoint is signed by the key of another journal.")
    return checkpoint


def cosign(note: bytes, signer: Signer, at_s: int) -> bytes:
    """Countersign a checkpoint. Whoever calls has checked that it is signed, and continues all that came before.

    Args:
        note: the signed checkpoint.
        signer: a key for cosignatures.
        at_s: the time, in seconds since 1970 (POSIX).

    Returns:
        The note with the cosignature added, in the place of any older one by the same key.

    Raises:
        BadCheckpoint: the note is no checkpoint.
        BugError: the signer is not a cosigner, or the time is out of bounds.
    """
    if signer.algorithm != notes.COSIGNATURE:
        raise BugError("Only a cosigner's key gives cosignatures.")
    if not 0 <= at_s <= MAX_TIME_S:
        raise BugError("The time of a cosignature is out of bounds.")
    parsed = _parse(note)
    key = signer.verifier
    older = parsed.of(key)
    others = tuple(each for each in parsed.signatures if each not in older)
    value = at_s.to_bytes(_TIME_BYTES, "big") + signer.raw(_cosigned_message(parsed.text, at_s))
    return Note(parsed.text, (*others, notes.Signature(key.name, key.key_id, value))).encode()


def open_cosignature(note: bytes, key: VerifierKey) -> int:
    """Read when a cosigner countersigned a checkpoint. The journal's own signature is not looked at.

    Returns:
        The time in seconds since 1970 (POSIX); of several by the same key, the latest.

    Raises:
        BadCheckpoint: the note is no checkpoint, or has no cosignature by the key, or a false one.
        BugError: the key is not a cosigner's.
    """
    if key.algorithm != notes.COSIGNATURE:
        raise BugError("Only a cosigner's key verifies cosignatures.")
    parsed = _parse(note)
    claimed = parsed.of(key)
    if not claimed:
        raise BadCheckpoint("A checkpoint is not countersigned by the expected key.")
    times: list[int] = []
    for each in claimed:
        at_s, signature = int.from_bytes(each.value[:_TIME_BYTES], "big"), each.value[_TIME_BYTES:]
        if at_s > MAX_TIME_S or not key.verifies(signature, _cosigned_message(parsed.text, at_s)):
            raise BadCheckpoint("A cosignature on a checkpoint is false.")
        times.append(at_s)
    return max(times)


def is_cosigned(note: bytes, key: VerifierKey) -> bool:
    """Whether the checkpoint carries a cosignature by this key, all of which are true.

    Raises:
        BadCheckpoint: as `open_cosignature`, but not for lack of one.
    """
    if not _parse(note).of(key):
        return False
    open_cosignature(note, key)
    return True


def _parse(note: bytes) -> Note:
    """Read a note whose text is a checkpoint."""
    try:
        parsed = notes.parse_note(note)
    except notes.BadNote as error:
        raise BadCheckpoint(error.sentence) from error
    parse_text(parsed.text)
    return parsed


def _cosigned_message(text: bytes, at_s: int) -> bytes:
    return f"cosignature/v1\ntime {at_s}\n".encode() + text

"""Signed notes: a text, and lines by which keys vouch for it (C2SP signed-note v1.0.0).

Two kinds of Ed25519 key are known, and a key is only ever of one: those that sign a note's text (type 0x01), and
those that countersign a checkpoint with a time (type 0x04, see `checkpoint`). Signatures by other keys are kept and not
looked at, as the standard says. Reading is strict: whatever is accepted encodes to the same bytes again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance.journal.errors import BugError, IntegrityError

NOTE_SIGNATURE: Final = 1
COSIGNATURE: Final = 4

MAX_NOTE: Final = 1 << 18
"""Bytes."""
MAX_SIGNATURES: Final = 32
MAX_NAME: Final = 255
"""Bytes of a key's name in UTF-8."""
MAX_SIGNATURE: Final = 8192
"""Bytes of one signature, with room for post-quantum ones."""

KEY_ID_BYTES: Final = 4
KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64

_DASH: Final = "— "
_TEXT_BYTES: Final = b"\n" + bytes(range(0x20, 0x100))
# Every encoding of a point of small order on the curve (RFC 8032, section 5.1), without the sign of x: under such a
# key, one signature fits many texts.
_SIGN_OF_X: Final = 1 << 255
_SMALL_ORDER: Final = frozenset(
    {
        0,
        1,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
        2**255 - 20,
        2**255 - 19,
        2**255 - 18,
    }
)


class BadNote(IntegrityError):
    """Bytes that are no note, or a note that a key does not vouch for."""


class BadKey(IntegrityError):
    """A text that is no verifier key, or one that must not be trusted."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with the name that its signatures carry.

    Raises:
        BadKey: the name, the algorithm or the key is not of a permitted form.
    """

    name: str
    algorithm: int
    public: bytes

    def __post_init__(self) -> None:
        if not is_name(self.name):
            raise BadKey("The name of a key is not of a permitted form.", _ASK_FOR_KEY)
        if self.algorithm not in (NOTE_SIGNATURE, COSIGNATURE):
            raise BadKey("A key is of a kind that is not in use here.", _ASK_FOR_KEY)
        if len(self.public) != KEY_BYTES:
            raise BadKey(f"A public key does not have {KEY_BYTES} bytes.", _ASK_FOR_KEY)
        if int.from_bytes(self.public, "little") % _SIGN_OF_X in _SMALL_ORDER:
            raise BadKey("A public key is weak: anybody could sign for it.", _ASK_FOR_KEY)

    @property
    def key_id(self) -> bytes:
        """The 4 bytes by which a signature names its key beside the name."""
        start = self.name.encode() + b"\n" + bytes([self.algorithm])
        return hashlib.sha256(start + self.public).digest()[:KEY_ID_BYTES]

    @property
    def text(self) -> str:
        """The key in one line (a *vkey*): `name+id+key`."""
        material = bytes([self.algorithm]) + self.public
        return f"{self.name}+{self.key_id.hex()}+{to_base64(material)}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read a key from its one line.

        Raises:
            BadKey: the line is not exactly what `text` writes for any key.
        """
        parts = text.split("+", 2)
        try:
            material = from_base64(parts[-1])
        except ValueError:
            material = b""
        if len(parts) != 3 or not material:
            raise BadKey("A line is not a verifier key.", _ASK_FOR_KEY)
        key = cls(parts[0], material[0], material[1:])
        if key.text != text:
            raise BadKey("A verifier key contradicts itself: it was changed or cut.", _ASK_FOR_KEY)
        return key

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether the 64 bytes are this key's Ed25519 signature (RFC 8032, section 5.1.7) of the message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


_ASK_FOR_KEY: Final = "Ask whoever gave you the key for it again."


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key with its name. `algorithm` says what it may sign: notes, or cosignatures; never both."""

    name: str
    seed: bytes = field(repr=False)
    """The Ed25519 private key of RFC 8032: 32 bytes."""
    algorithm: int = NOTE_SIGNATURE
    verifier: VerifierKey = field(init=False, repr=False, compare=False)
    """The public half."""
    _private: Ed25519PrivateKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.seed) != KEY_BYTES:
            raise BugError(f"A private key does not have {KEY_BYTES} bytes.")
        # Made once: every commit signs, and making the key takes longer than signing with it.
        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        object.__setattr__(self, "_private", private)
        object.__setattr__(self, "verifier", VerifierKey(self.name, self.algorithm, public))

    def sign(self, text: bytes) -> bytes:
        """Sign a note's text.

        Args:
            text: UTF-8, ending with a newline.

        Returns:
            The signature line, with its newline.

        Raises:
            BugError: this key is a cosigner's, or the text cannot stand in a note.
        """
        if self.algorithm != NOTE_SIGNATURE:
            raise BugError("A cosigner's key signs nothing but cosignatures.")
        if not _is_text(text):
            raise BugError("A text that is to be signed cannot stand in a note.")
        return self.line(self.raw(text))

    def raw(self, message: bytes) -> bytes:
        """The Ed25519 signature of a message, 64 bytes. Whoever calls it keeps one kind of message from another."""
        return self._private.sign(message)

    def line(self, value: bytes) -> bytes:
        """The signature line that carries `value` under this key."""
        return Signature(self.name, self.verifier.key_id, value).line.encode()


@dataclass(frozen=True, slots=True)
class Signature:
    """What one signature line says. `value` is not verified."""

    name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> str:
        """The line, with its newline."""
        return f"{_DASH}{self.name} {to_base64(self.key_id + self.value)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text, and unverified signatures of it."""

    text: bytes
    """UTF-8, ending with a newline."""
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        """The bytes that `parse_note` reads."""
        return self.text + b"\n" + "".join(signature.line for signature in self.signatures).encode()

    def of(self, key: VerifierKey) -> tuple[Signature, ...]:
        """The signatures that claim to be by this key."""
        key_id = key.key_id
        return tuple(each for each in self.signatures if each.name == key.name and each.key_id == key_id)


def parse_note(data: bytes, *, limit: int = MAX_NOTE) -> Note:
    """Read a note without verifying anything.

    Args:
        data: the note.
        limit: the bytes that it may have at most.

    Raises:
        BadNote: the bytes are not a note within that bound and those of this module.
    """
    if len(data) > limit:
        raise BadNote(f"A signed note has at most {limit} bytes.")
    text, gap, lines = data.rpartition(b"\n\n")
    text += b"\n"
    if not gap or not _is_text(text) or not _is_text(lines):
        raise BadNote("A signed note is not text, an empty line and signatures.")
    rows = lines.decode().removesuffix("\n").split("\n")
    if len(rows) > MAX_SIGNATURES:
        raise BadNote(f"A signed note has at most {MAX_SIGNATURES} signatures.")
    return Note(text, tuple(_parse_signature(row) for row in rows))


def verify(note: Note, key: VerifierKey) -> None:
    """Check that a key signed the note's text.

    Raises:
        BadNote: there is no signature by the key, or one that does not verify.
        BugError: the key is a cosigner's (see `checkpoint.open_cosignature`).
    """
    if key.algorithm != NOTE_SIGNATURE:
        raise BugError("A cosigner's key verifies nothing but cosignatures.")
    claimed = note.of(key)
    if not claimed:
        raise BadNote("A signed note is not signed by the expected key.")
    if not all(key.verifies(each.value, note.text) for each in claimed):
        raise BadNote("A signature on a signed note is false.")


def is_name(name: str) -> bool:
    """Whether a key may have this name: no spaces, no `+`, nothing invisible, at most `MAX_NAME` bytes."""
    # Of all white space, only U+0020 counts as printable.
    if not name.isprintable() or "+" in name or " " in name:
        return False
    return 0 < len(name.encode()) <= MAX_NAME


def to_base64(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648, section 4)."""
    return base64.b64encode(data).decode("ascii")


def from_base64(text: str) -> bytes:
    """Read exactly what `to_base64` writes.

    Raises:
        ValueError: any other text, also one that other readers would accept.
    """
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError("not base64") from None
    if to_base64(data) != text:
        raise ValueError("not canonical base64")
    return data


def _parse_signature(row: str) -> Signature:
    name, _, encoded = row.removeprefix(_DASH).partition(" ")
    try:
        raw = from_base64(encoded)
    except ValueError:
        raise BadNote("A signature line is not of the form that it must have.") from None
    if not row.startswith(_DASH) or not is_name(name) or not KEY_ID_BYTES < len(raw) <= MAX_SIGNATURE:
        raise BadNote("A signature line is not of the form that it must have.")
    return Signature(name, raw[:KEY_ID_BYTES], raw[KEY_ID_BYTES:])


def _is_text(data: bytes) -> bool:
    """Whether it is UTF-8 that ends with a newline and holds no other control character below U+0020."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return data.endswith(b"\n") and not data.translate(None, _TEXT_BYTES)

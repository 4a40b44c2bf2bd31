"""The file of key slots, `keys/slots.json` of a home: its form, and how it is read and replaced.

Guarantees: only the bytes that `encode_slots` writes are accepted; a save that is interrupted at any step leaves
the old file or the new one, whole. Whether the slots are authentic it cannot say: that needs the store key (slots.py).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import msgspec

from appliance.journal.errors import DeviceError, IntegrityError
from appliance.sealing.passphrase import SALT_SIZE, Cost

SLOTS_FILE = "keys/slots.json"
MAX_FILE = 65_536
MAX_SLOTS = 16
MAX_LABEL = 64
MAC_SIZE = 32

_ID = re.compile(r"[a-z2-7]{8}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)


class SlotsDamaged(IntegrityError):
    """The key slots are not as Sanad left them."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The key slots of this home are damaged or were changed by something other than Sanad: {what}.",
            "Keep this disk, put keys/slots.json back from a backup, and tell central IT.",
        )


class PassphraseSlot(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="passphrase", tag_field="kind"):
    """A slot that a passphrase opens: `wrapped` is its age identity, encrypted under the Argon2id key."""

    id: str
    label: str
    created: str
    recipient: str
    keys: tuple[bytes, ...]
    memory_kib: int
    iterations: int
    lanes: int
    salt: bytes
    wrapped: bytes


class RecoverySlot(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="recovery", tag_field="kind"):
    """A slot whose age identity lies elsewhere: central's recovery key."""

    id: str
    label: str
    created: str
    recipient: str
    keys: tuple[bytes, ...]


Slot: TypeAlias = PassphraseSlot | RecoverySlot


class Slots(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file. `keys` of every slot hold the sealed store key, or (current, next) during a rotation."""

    v: int
    slots: tuple[Slot, ...]
    mac: bytes

    @property
    def rotating(self) -> bool:
        """Whether a rotation was begun and not finished."""
        return len(self.slots[0].keys) > 1


def encode_slots(slots: Slots) -> bytes:
    """The bytes of the file: compact JSON in field order and a newline."""
    return msgspec.json.encode(slots) + b"\n"


def parse_slots(data: bytes) -> Slots:
    """Reads the file strictly: bounded, no unknown or repeated field, only the bytes that `encode_slots` writes.

    Raises:
        SlotsDamaged: it is anything else.
        CostError: a slot demands an Argon2id derivation outside the bounds.
    """
    if len(data) > MAX_FILE:
        raise SlotsDamaged("the file is too large")
    try:
        slots = msgspec.json.decode(data, type=Slots)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise SlotsDamaged("the file cannot be read") from error
    if encode_slots(slots) != data:
        raise SlotsDamaged("the file is not in the form that Sanad writes")
    check_slots(slots)
    return slots


def load(home: Path) -> Slots:
    """Reads the slots of a home.

    Raises:
        DeviceError: the file is missing or the disk cannot read it.
        SlotsDamaged: it is not a file of key slots.
    """
    try:
        with (home / SLOTS_FILE).open("rb") as file:
            return parse_slots(file.read(MAX_FILE + 1))
    except FileNotFoundError as error:
        raise DeviceError(
            f"This home has no key slots ({SLOTS_FILE}).", "Check --home, or put the file back from a backup."
        ) from error
    except OSError as error:
        raise DeviceError(
            "The key slots cannot be read from the disk.", "Check the disk and its permissions."
        ) from error


def save(home: Path, slots: Slots) -> None:
    """Replaces the file in one step: written beside it, fsynced, renamed over it, the folder fsynced.

    Raises:
        DeviceError: the disk refused; the old file, or the new one, is whole in its place.
    """
    path = home / SLOTS_FILE
    beside = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(encode_slots(slots))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        for folder in (path.parent, home):
            _sync_folder(folder)
    except OSError as error:
        raise DeviceError(
            "The key slots could not be written to the disk.", "Check that the disk has space and is writable."
        ) from error


@contextlib.contextmanager
def locked(home: Path) -> Iterator[Slots]:
    """The slots as they are now, which no other process changes until the block ends (flock on their folder).

    Raises:
        DeviceError, SlotsDamaged: as for `load`.
    """
    try:
        folder = os.open((home / SLOTS_FILE).parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise DeviceError(f"This home has no key slots ({SLOTS_FILE}).", "Check --home.") from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield load(home)
    finally:
        os.close(folder)


def cost_of(slot: PassphraseSlot) -> Cost:
    """The Argon2id cost that a slot names; CostError when it is outside the bounds."""
    return Cost(slot.memory_kib, slot.iterations, slot.lanes)


def check_slots(slots: Slots) -> None:
    """Checks every bound and rule of the form.

    Raises:
        SlotsDamaged: one of them is broken.
        CostError: a slot demands a derivation outside the bounds.
    """
    _need(slots.v == 1, "they are of a version that this program does not know")
    _need(1 <= len(slots.slots) <= MAX_SLOTS, "there are none, or too many")
    _need(len(slots.mac) == MAC_SIZE, "their seal has the wrong size")
    ids = {slot.id for slot in slots.slots}
    recipients = {slot.recipient for slot in slots.slots}
    _need(len(ids) == len(recipients) == len(slots.slots), "two slots are the same")
    key_count = len(slots.slots[0].keys)
    _need(1 <= key_count <= 2, "a slot holds no key, or too many")
    for slot in slots.slots:
        _need(_ID.fullmatch(slot.id) is not None, "a slot has no proper name")
        _need(_TIME.fullmatch(slot.created) is not None, "a slot has no proper date")
        _need(is_label(slot.label), "a slot has no proper label")
        _need(len(slot.keys) == key_count, "one slot is in the middle of a rotation and another is not")
        if isinstance(slot, PassphraseSlot):
            _need(len(slot.salt) == SALT_SIZE, "a salt has the wrong size")
            cost_of(slot)


def is_label(text: str) -> bool:
    """Whether a text can label a slot: 1 to MAX_LABEL characters that print on one line."""
    return 1 <= len(text) <= MAX_LABEL and text.isprintable()


def _need(condition: bool, otherwise: str) -> None:
    if not condition:
        raise SlotsDamaged(otherwise)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Key slots: several ways to the one 32-byte store key, in one file that holds nothing secret in clear.

Every slot has an *age* recipient, and the store key is sealed to the recipient of each slot; so the key can be rotated
without asking for every passphrase. A passphrase slot also carries its age identity, encrypted by ChaCha20-Poly1305
(RFC 8439) under an Argon2id key, with the slot's public fields as associated data. A recovery slot has its identity
elsewhere, at central. The whole file carries an HMAC-SHA256 under a key derived (HKDF, RFC 5869) from the store key.

Guarantees: without a passphrase or the recovery identity the file tells nothing about the store key; nothing can be
changed unless the file was opened and its HMAC was right, so a slot planted by someone who had the disk never receives
the next key. It does not guarantee that a removed or changed passphrase is dead: it still opens older copies of the
home, until the key is rotated; and whoever can replace the whole home can put another, complete home in its place.

Rotation has two steps, with the rekeying of the database between them:

    begin_rotation   every slot holds (current, next), the HMAC is under `current`
    (the database is rekeyed from current to next)
    finish_rotation  every slot holds only the key that opens the database, the HMAC is under it

After a power cut at any point `Unlocked.keys` holds the right key; the caller tries them on the database and calls
`finish_rotation` with the one that fits, which completes the rotation or takes it back.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from appliance.journal.errors import BugError, OperatorError
from appliance.sealing import age
from appliance.sealing.passphrase import (
    MIN_STORE_PASSPHRASE,
    SALT_SIZE,
    Cost,
    Random,
    derive_key,
    prepared,
    prepared_new,
)
from appliance.sealing.slotfile import (
    MAX_LABEL,
    MAX_SLOTS,
    PassphraseSlot,
    RecoverySlot,
    Slot,
    Slots,
    SlotsDamaged,
    check_slots,
    cost_of,
    encode_slots,
    is_label,
)

STORE_KEY_SIZE = 32

_ID_SIZE = 5
_MAC_INFO = b"sanad key slots v1 mac"
_NONCE = bytes(12)  # each wrapping key has its own salt and encrypts one message, so this may be constant, as in age


class WrongPassphrase(OperatorError):
    """No slot opens with what was given."""


@dataclass(frozen=True, slots=True)
class Unlocked:
    """Slots that were opened and found authentic; only these can be changed.

    Attributes:
        slots: as they are, or are to be saved.
        keys: the store key; during a rotation (current, next), of which one opens the database.
    """

    slots: Slots
    keys: tuple[bytes, ...] = field(repr=False)


def create(store_key: bytes, passphrase: str, *, label: str, at: str, random: Random, cost: Cost) -> Unlocked:
    """The first slots of a home: one passphrase.

    Args:
        store_key: 32 random bytes.
        passphrase: at least MIN_STORE_PASSPHRASE characters.
        label: whose passphrase it is, for people; at most MAX_LABEL characters.
        at: now, `YYYY-MM-DDTHH:MM:SS.mmmZ`.
        random: so many random bytes.
        cost: from `passphrase.calibrate`.

    Raises:
        PassphraseError: the passphrase is unfit or too short.
    """
    slot = _passphrase_slot((store_key,), passphrase, _new_id((), random), label, at, random, cost)
    return _signed((slot,), (store_key,))


def unlock_with_passphrase(slots: Slots, passphrase: str) -> Unlocked:
    """Opens the slots with a passphrase; every passphrase slot is tried, each at the cost of one derivation.

    Raises:
        WrongPassphrase: it opens no slot.
        SlotsDamaged: a slot opened, but the file is not authentic.
    """
    encoded = prepared(passphrase)
    for slot in slots.slots:
        if isinstance(slot, PassphraseSlot):
            identity = _unwrap(slot, encoded)
            if identity is not None:
                return _opened(slots, slot, identity)
    raise WrongPassphrase(
        "That passphrase does not open this home.",
        "Type it again; look at Caps Lock and the keyboard layout. If it is surely right, ask central IT to recover.",
    )


def unlock_with_identity(slots: Slots, identity: str) -> Unlocked:
    """Opens the slots with the age identity of one of them: central's recovery identity.

    Raises:
        WrongPassphrase: no slot belongs to it.
        SlotsDamaged: a slot opened, but the file is not authentic.
    """
    recipient = age.recipient_of(identity)
    for slot in slots.slots:
        if slot.recipient == recipient:
            return _opened(slots, slot, identity)
    raise WrongPassphrase("That recovery key does not open this home.", "Use the recovery key of this node's central.")


def add_passphrase(unlocked: Unlocked, passphrase: str, *, label: str, at: str, random: Random, cost: Cost) -> Unlocked:
    """Adds a passphrase slot; arguments and errors as for `create`."""
    _refuse_while_rotating(unlocked.slots)
    slots = unlocked.slots.slots
    new_id = _new_id(slots, random)
    slot = _passphrase_slot(unlocked.keys, passphrase, new_id, label, at, random, cost)
    return _signed((*slots, slot), unlocked.keys)


def add_recovery(unlocked: Unlocked, recipient: str, *, label: str, at: str, random: Random) -> Unlocked:
    """Adds a slot that the holder of an age identity elsewhere can open.

    Raises:
        OperatorError: there is a slot for this recipient already.
        SealError: the recipient is malformed.
    """
    _refuse_while_rotating(unlocked.slots)
    slots = unlocked.slots.slots
    canonical = age.canonical_recipient(recipient)
    if any(slot.recipient == canonical for slot in slots):
        raise OperatorError("This home has a slot for that recovery key already.", "Nothing needs to be done.")
    new_id = _new_id(slots, random)
    slot = RecoverySlot(new_id, _checked_label(label), at, canonical, _sealed(unlocked.keys, canonical))
    return _signed((*slots, slot), unlocked.keys)


def remove(unlocked: Unlocked, slot_id: str) -> Unlocked:
    """Takes a slot away. Older copies of the home still open with it, until the key is rotated.

    Raises:
        OperatorError: there is no such slot, or it is the last passphrase.
    """
    _refuse_while_rotating(unlocked.slots)
    _find(unlocked.slots, slot_id)
    left = tuple(slot for slot in unlocked.slots.slots if slot.id != slot_id)
    if not any(isinstance(slot, PassphraseSlot) for slot in left):
        raise OperatorError(
            "That is the last passphrase of this home; without it nobody could unlock it.",
            "Add another passphrase first: sanad keys add.",
        )
    return _signed(left, unlocked.keys)


def change_passphrase(unlocked: Unlocked, slot_id: str, passphrase: str, *, random: Random, cost: Cost) -> Unlocked:
    """Gives a passphrase slot another passphrase, and a new age identity with it.

    Raises:
        OperatorError: there is no such passphrase slot.
        PassphraseError: the passphrase is unfit or too short.
    """
    _refuse_while_rotating(unlocked.slots)
    old = _find(unlocked.slots, slot_id)
    if not isinstance(old, PassphraseSlot):
        raise OperatorError("That slot has no passphrase.", "List the slots: sanad keys list.")
    new = _passphrase_slot(unlocked.keys, passphrase, old.id, old.label, old.created, random, cost)
    return _signed(tuple(new if slot is old else slot for slot in unlocked.slots.slots), unlocked.keys)


def begin_rotation(unlocked: Unlocked, new_key: bytes) -> Unlocked:
    """Seals the next store key to every slot, beside the current one. Save before the database is rekeyed.

    Raises:
        OperatorError: a rotation is unfinished.
    """
    _refuse_while_rotating(unlocked.slots)
    if new_key == unlocked.keys[0]:
        raise BugError("The next store key must differ from the current one.")
    return _resealed(unlocked.slots, (unlocked.keys[0], new_key))


def finish_rotation(unlocked: Unlocked, store_key: bytes) -> Unlocked:
    """Keeps only the key that opens the database: the next one, or the current one to take the rotation back."""
    if store_key not in unlocked.keys:
        raise BugError("The key that opens the database must be one of those in the slots.")
    return _resealed(unlocked.slots, (store_key,))


def _passphrase_slot(
    keys: tuple[bytes, ...], passphrase: str, slot_id: str, label: str, created: str, random: Random, cost: Cost
) -> PassphraseSlot:
    encoded = prepared_new(passphrase, MIN_STORE_PASSPHRASE)
    identity = age.new_identity()
    recipient = age.recipient_of(identity)
    bare = PassphraseSlot(
        id=slot_id,
        label=_checked_label(label),
        created=created,
        recipient=recipient,
        keys=_sealed(keys, recipient),
        memory_kib=cost.memory_kib,
        iterations=cost.iterations,
        lanes=cost.lanes,
        salt=random(SALT_SIZE),
        wrapped=b"",
    )
    cipher = ChaCha20Poly1305(derive_key(encoded, bare.salt, cost))
    return msgspec.structs.replace(bare, wrapped=cipher.encrypt(_NONCE, identity.encode(), _associated(bare)))


def _unwrap(slot: PassphraseSlot, encoded: bytes) -> str | None:
    cipher = ChaCha20Poly1305(derive_key(encoded, slot.salt, cost_of(slot)))
    try:
        return cipher.decrypt(_NONCE, slot.wrapped, _associated(slot)).decode()
    except InvalidTag:
        return None


def _associated(slot: PassphraseSlot) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(slot, keys=(), wrapped=b""))


def _opened(slots: Slots, slot: Slot, identity: str) -> Unlocked:
    try:
        keys = tuple(age.open_sealed(sealed, identity) for sealed in slot.keys)
    except age.SealError as error:
        raise SlotsDamaged("the store key in a slot does not open") from error
    if any(len(key) != STORE_KEY_SIZE for key in keys):
        raise SlotsDamaged("the store key in a slot has the wrong size")
    _check_mac(slots, keys[0])
    return Unlocked(slots, keys)


def _resealed(slots: Slots, keys: tuple[bytes, ...]) -> Unlocked:
    resealed = (msgspec.structs.replace(slot, keys=_sealed(keys, slot.recipient)) for slot in slots.slots)
    return _signed(resealed, keys)


def _sealed(keys: tuple[bytes, ...], recipient: str) -> tuple[bytes, ...]:
    if any(len(key) != STORE_KEY_SIZE for key in keys):
        raise BugError(f"A store key has {STORE_KEY_SIZE} bytes.")
    return tuple(age.seal(key, [recipient]) for key in keys)


def _signed(slots: Iterable[Slot], keys: tuple[bytes, ...]) -> Unlocked:
    unsigned = Slots(v=1, slots=tuple(slots), mac=b"")
    signed = msgspec.structs.replace(unsigned, mac=_mac(unsigned, keys[0]))
    check_slots(signed)
    return Unlocked(signed, keys)


def _mac(slots: Slots, store_key: bytes) -> bytes:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=_MAC_INFO).derive(store_key)
    return hmac.digest(key, encode_slots(msgspec.structs.replace(slots, mac=b"")), "sha256")


def _check_mac(slots: Slots, store_key: bytes) -> None:
    if not hmac.compare_digest(slots.mac, _mac(slots, store_key)):
        raise SlotsDamaged("their seal does not fit")


def _new_id(slots: tuple[Slot, ...], random: Random) -> str:
    if len(slots) == MAX_SLOTS:
        raise OperatorError(f"A home has at most {MAX_SLOTS} key slots.", "Remove one first: sanad keys remove.")
    taken = {slot.id for slot in slots}
    while (slot_id := base64.b32encode(random(_ID_SIZE)).decode().lower()) in taken:
        pass
    return slot_id


def _checked_label(label: str) -> str:
    if not is_label(label):
        raise OperatorError(f"A label has 1 to {MAX_LABEL} printable characters.", "Choose another label.")
    return label


def _find(slots: Slots, slot_id: str) -> Slot:
    for slot in slots.slots:
        if slot.id == slot_id:
            return slot
    raise OperatorError("This home has no such key slot.", "List the slots: sanad keys list.")


def _refuse_while_rotating(slots: Slots) -> None:
    if slots.rotating:
        raise OperatorError(
            "A rotation of the store key was interrupted.", "Unlock the home once to settle it: sanad keys rotate."
        )

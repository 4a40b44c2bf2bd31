"""A private key sealed by a PIN: Argon2id (RFC 9106) makes the key of an AES-256-GCM box around it.

Whoever has the store, opened, and this file can try PINs as fast as Argon2id lets them: some ten a second and core.
That is what a short PIN is worth; tries at the console are counted by whoever asks for it.
"""

from __future__ import annotations

import itertools
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from appliance.journal.errors import IntegrityError, OperatorError
from appliance.sealing.passphrase import (
    PASSWORD_COST,
    SALT_SIZE,
    Cost,
    PassphraseError,
    Random,
    derive_key,
    prepared,
    prepared_new,
)

MIN_PIN: Final = 6
"""Characters."""
MIN_DIFFERENT: Final = 3
"""Different characters in a PIN."""
PIN_COST: Final = PASSWORD_COST
"""As a password's: the PIN is asked for many times a day, and what it seals lies in a store that is sealed itself."""
NONCE_SIZE: Final = 12
MAX_SEALED: Final = 4096
_VERSION: Final = 1


class WrongPin(OperatorError):
    """This PIN does not open the key."""

    def __init__(self) -> None:
        super().__init__("That PIN does not open the key.", "Try again.")


class _Box(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    v: int
    memory_kib: int
    iterations: int
    lanes: int
    salt: bytes
    nonce: bytes
    sealed: bytes


_DECODER: Final = msgspec.json.Decoder(_Box)


def check_new_pin(pin: str) -> bytes:
    """See that a PIN may be chosen, and prepare it.

    Raises:
        PassphraseError: it is too short, too simple, or holds what cannot be typed.
    """
    encoded = prepared_new(pin, MIN_PIN)
    text = encoded.decode()
    steps = {ord(after) - ord(before) for before, after in itertools.pairwise(text)}
    if len(set(text)) < MIN_DIFFERENT or (len(steps) == 1 and steps <= {-1, 1}):
        raise PassphraseError(
            "That PIN is among the first that anybody would try.",
            f"Choose {MIN_PIN} or more digits or letters that are neither in a row nor alike.",
        )
    return encoded


def seal_key(key: bytes, pin: str, about: bytes, *, random: Random, cost: Cost = PIN_COST) -> bytes:
    """Seal a private key.

    Args:
        key: its bytes.
        pin: chosen now.
        about: what the key is for; it opens for nothing else.
        random: a cryptographic source of random bytes.
        cost: of a try.

    Raises:
        PassphraseError: the PIN may not be chosen.
        DeviceError: the machine has not enough free memory.
    """
    salt, nonce = random(SALT_SIZE), random(NONCE_SIZE)
    stretched = derive_key(check_new_pin(pin), salt, cost)
    sealed = AESGCM(stretched).encrypt(nonce, key, about)
    return msgspec.json.encode(_Box(_VERSION, cost.memory_kib, cost.iterations, cost.lanes, salt, nonce, sealed))


def open_key(box: bytes, pin: str, about: bytes) -> bytes:
    """Open a sealed key.

    Raises:
        WrongPin: the PIN is another, or the box was made about something else.
        IntegrityError: the box is not as `seal_key` makes it.
        DeviceError: the machine has not enough free memory.
    """
    damaged = IntegrityError("An officer's sealed key is damaged.", "Make a new key.")
    if len(box) > MAX_SEALED:
        raise damaged
    try:
        read = _DECODER.decode(box)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise damaged from None
    if read.v != _VERSION or len(read.salt) != SALT_SIZE or len(read.nonce) != NONCE_SIZE:
        raise damaged
    try:
        encoded, fit = prepared(pin), True
    except PassphraseError:
        encoded, fit = b"-", False
    stretched = derive_key(encoded, read.salt, Cost(read.memory_kib, read.iterations, read.lanes))
    try:
        opened = AESGCM(stretched).decrypt(read.nonce, read.sealed, about)
    except InvalidTag:
        raise WrongPin from None
    if not fit:
        raise WrongPin
    return opened

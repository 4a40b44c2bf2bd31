"""Passphrases and passwords: how they are written down as bytes, and how Argon2id (RFC 9106) stretches them.

A passphrase is prepared like an OpaqueString of RFC 8265 section 4.2 (PRECIS): other spaces become U+0020, the text is
NFC, and characters that cannot be typed or seen are refused, so that the same words open the node from any keyboard.
Guarantees that a guess costs the memory and time named in `Cost`; it cannot make a weak passphrase strong.
"""

from __future__ import annotations

import base64
import hmac
import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from appliance.journal.errors import BugError, DeviceError, IntegrityError, OperatorError

KEY_SIZE = 32
SALT_SIZE = 16
MIN_PEPPER = 16
MAX_TEXT_BYTES = 1024
MIN_STORE_PASSPHRASE = 12
MIN_OPERATOR_PASSWORD = 8

MIN_MEMORY_KIB = 64 * 1024
MAX_MEMORY_KIB = 2 * 1024 * 1024
MAX_ITERATIONS = 64
MAX_LANES = 16

_ROUNDS_MEASURED = 2
_HEADROOM = 1.1
_ALLOWED = " \u200c\u200d"  # the space, and the joiners that the spelling of Urdu, Pashto, Hindi and Tamil needs
_STORED = re.compile(
    r"\$argon2id\$v=19\$m=([1-9][0-9]{0,7}),t=([1-9][0-9]{0,2}),p=([1-9][0-9]?)"
    r"\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})"
)

Random = Callable[[int], bytes]


class PassphraseError(OperatorError):
    """A passphrase or password is unfit: too short, too long, or with characters that cannot be typed again."""


class CostError(IntegrityError):
    """A stored hash or slot demands a derivation outside the bounds, or is not in the form that Sanad writes."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one derivation costs: Argon2id's memory in KiB, passes over it, and lanes computed in parallel.

    Raises:
        CostError: outside the bounds of this module, so that no file can exhaust the machine or weaken a hash.
    """

    memory_kib: int
    iterations: int
    lanes: int

    def __post_init__(self) -> None:
        if not (
            MIN_MEMORY_KIB <= self.memory_kib <= MAX_MEMORY_KIB
            and 1 <= self.iterations <= MAX_ITERATIONS
            and 1 <= self.lanes <= MAX_LANES
        ):
            raise CostError(
                "A stored passphrase setting is outside what this machine accepts.",
                "Restore the file from a backup, or call central IT.",
            )


PASSWORD_COST = Cost(memory_kib=64 * 1024, iterations=3, lanes=4)
"""For operators' passwords: the second recommended option of RFC 9106 section 4."""

SLOT_FLOOR = Cost(memory_kib=128 * 1024, iterations=4, lanes=4)
"""The least a passphrase slot costs, however busy or slow the machine looked when it was made."""


def prepared(text: str) -> bytes:
    """The bytes of a passphrase as they go into Argon2id.

    Raises:
        PassphraseError: it is empty, over MAX_TEXT_BYTES, or holds characters that cannot be typed or seen.
    """
    spaced = "".join(" " if unicodedata.category(char) == "Zs" else char for char in text)
    normal = unicodedata.normalize("NFC", spaced)
    # C* are controls, formats, surrogates and what this version of Unicode does not know, so that NFC stays what it is;
    # of Z* only the line and paragraph separators are left.
    if any(unicodedata.category(char)[0] in "CZ" and char not in _ALLOWED for char in normal):
        raise PassphraseError(
            "The passphrase holds a character that cannot be typed or seen.",
            "Use letters, digits, signs and spaces, on one line.",
        )
    encoded = normal.encode()
    if not 1 <= len(encoded) <= MAX_TEXT_BYTES:
        raise PassphraseError(f"A passphrase has 1 to {MAX_TEXT_BYTES} bytes.", "Enter it again.")
    return encoded


def prepared_new(text: str, minimum: int) -> bytes:
    """Like `prepared`, for a passphrase that somebody chooses now.

    Args:
        text: as typed.
        minimum: the least number of characters.

    Raises:
        PassphraseError: it is unfit, or too short.
    """
    encoded = prepared(text)
    if len(encoded.decode()) < minimum:
        raise PassphraseError(
            f"That is shorter than {minimum} characters.", "Choose several words that nobody would put together."
        )
    return encoded


def derive_key(secret_text: bytes, salt: bytes, cost: Cost, *, pepper: bytes | None = None) -> bytes:
    """KEY_SIZE bytes by Argon2id version 0x13 (RFC 9106 section 3), with the pepper as its secret value K.

    Raises:
        DeviceError: the machine has not enough free memory.
    """
    function = Argon2id(
        salt=salt,
        length=KEY_SIZE,
        iterations=cost.iterations,
        lanes=cost.lanes,
        memory_cost=cost.memory_kib,
        secret=pepper,
    )
    try:
        return function.derive(secret_text)
    except MemoryError as error:
        raise DeviceError(
            f"Checking a passphrase needs {cost.memory_kib // 1024} MiB of free memory.",
            "Close other programs and try again.",
        ) from error


def calibrate(
    target_ms: int = 250, *, clock: Callable[[], float], derive: Callable[[bytes, bytes, Cost], bytes] = derive_key
) -> Cost:
    """The cost at which one derivation takes at least the target on this machine, and never less than SLOT_FLOOR.

    Args:
        target_ms: milliseconds for one derivation; not reached where MAX_ITERATIONS come first.
        clock: monotonic seconds.
        derive: the derivation to measure.
    """
    cost = SLOT_FLOOR
    while True:
        # The quickest of several: what else the machine does only makes a derivation look slower than it is.
        elapsed_ms = max(1e-3, min(_elapsed_ms(cost, clock, derive) for _ in range(_ROUNDS_MEASURED)))
        if elapsed_ms >= target_ms or cost.iterations == MAX_ITERATIONS:
            return cost
        wanted = math.ceil(cost.iterations * _HEADROOM * target_ms / elapsed_ms)
        cost = replace(cost, iterations=min(max(wanted, cost.iterations + 1), MAX_ITERATIONS))


def hash_password(password: str, pepper: bytes, cost: Cost, *, random: Random) -> str:
    """An operator's new password as a PHC string `$argon2id$v=19$m=…,t=…,p=…$salt$hash`; useless without the pepper.

    Raises:
        PassphraseError: the password is unfit or shorter than MIN_OPERATOR_PASSWORD characters.
    """
    encoded = prepared_new(password, MIN_OPERATOR_PASSWORD)
    salt = random(SALT_SIZE)
    digest = derive_key(encoded, salt, cost, pepper=_checked_pepper(pepper))
    return f"$argon2id$v=19$m={cost.memory_kib},t={cost.iterations},p={cost.lanes}${_base64(salt)}${_base64(digest)}"


def check_password(password: str, stored: str, pepper: bytes) -> bool:
    """Whether this is the password behind a stored hash; takes the same time whatever was typed.

    Raises:
        CostError: the stored hash is not one that `hash_password` makes.
    """
    cost, salt, digest = _read_stored(stored)
    try:
        encoded, fit = prepared(password), True
    except PassphraseError:
        encoded, fit = b"", False
    derived = derive_key(encoded, salt, cost, pepper=_checked_pepper(pepper))
    return hmac.compare_digest(derived, digest) and fit


def check_nobody(pepper: bytes, cost: Cost) -> None:
    """Does the work of `check_password` for a login that does not exist, so that time does not tell logins apart."""
    derive_key(b"nobody", bytes(SALT_SIZE), cost, pepper=_checked_pepper(pepper))


def _elapsed_ms(cost: Cost, clock: Callable[[], float], derive: Callable[[bytes, bytes, Cost], bytes]) -> float:
    start_s = clock()
    derive(b"a passphrase of usual length", bytes(SALT_SIZE), cost)
    return (clock() - start_s) * 1000


def _checked_pepper(pepper: bytes) -> bytes:
    if len(pepper) < MIN_PEPPER:
        raise BugError(f"The pepper must have at least {MIN_PEPPER} bytes.")
    return pepper


def _read_stored(stored: str) -> tuple[Cost, bytes, bytes]:
    found = _STORED.fullmatch(stored)
    if found is None:
        raise CostError("A stored password hash is damaged.", "Set the operator's password again.")
    cost = Cost(int(found[1]), int(found[2]), int(found[3]))
    return cost, _unbase64(found[4]), _unbase64(found[5])


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")


def _unbase64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)

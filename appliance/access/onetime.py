"""One-time secrets: what somebody whom central named signs in by once, to choose a password.

Central makes them, of 80 random bits, and gives them to the person; the order carries a hash alone. So many bits nobody
guesses, so the hash needs neither salt nor work to keep them.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Final

SECRET_BYTES: Final = 10
GROUP: Final = 4


def make_secret(random: Callable[[int], bytes]) -> str:
    """A new one, in groups that can be read out."""
    text = base64.b32encode(random(SECRET_BYTES)).decode().lower()
    return "-".join(text[at : at + GROUP] for at in range(0, len(text), GROUP))


def secret_sha256(secret: str) -> str:
    """What an order says of one, hexadecimal; however it was typed: capitals, spaces and hyphens make no difference."""
    plain = "".join(each for each in secret.lower() if each.isalnum())
    return hashlib.sha256(b"sanad one-time secret\0" + plain.encode()).hexdigest()

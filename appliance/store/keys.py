"""The secrets of a node, and the names under which the store keeps them and what it remembers of central."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from appliance.sealing import age

Randomness = Callable[[int], bytes]
"""A cryptographic source of so many random bytes."""

# Secrets.
JOURNAL_KEY: Final = "journal-key"
NODE_KEY: Final = "node-key"
AGE_IDENTITY: Final = "age-identity"
PEPPER: Final = "pepper"
CENTRE_KEY: Final = "centre-key"

# What a node remembers of its central: three verifier keys, and the recipient that blobs are sealed to.
COSIGNER: Final = "cosigner"
PUBLISHER: Final = "publisher"
ORDERS_SIGNER: Final = "orders-signer"
LOCKER: Final = "locker"
# There while the file that witnesses what central countersigned has still to be renewed.
WITNESS_DUE: Final = "witness-due"

SEED_BYTES: Final = 32
_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_SCALAR_BYTES: Final = 40
"""64 bits more than the order, so that no scalar is likelier than another (FIPS 186-5, A.2.1)."""


@dataclass(frozen=True, slots=True)
class NodeKeys:
    """The secrets of a node; they live in the store alone.

    `journal` and `node` are Ed25519 seeds (32 bytes), `age_identity` an age identity, `pepper` 32 bytes,
    `centre` the P-256 key that signs certificates (PKCS #8, DER).
    """

    journal: bytes = field(repr=False)
    node: bytes = field(repr=False)
    age_identity: str = field(repr=False)
    pepper: bytes = field(repr=False)
    centre: bytes = field(repr=False)

    @classmethod
    def generate(cls, random: Randomness) -> NodeKeys:
        """Fresh keys."""
        seeds = [random(SEED_BYTES) for _ in range(3)]
        return cls(seeds[0], seeds[1], age.new_identity(), seeds[2], new_p256(random))

    def secrets(self) -> dict[str, bytes]:
        """Each secret under the name by which the store keeps it."""
        return {
            JOURNAL_KEY: self.journal,
            NODE_KEY: self.node,
            AGE_IDENTITY: self.age_identity.encode(),
            PEPPER: self.pepper,
            CENTRE_KEY: self.centre,
        }


def new_p256(random: Randomness) -> bytes:
    """A fresh P-256 key, PKCS #8, DER."""
    scalar = int.from_bytes(random(_SCALAR_BYTES)) % (_P256_ORDER - 1) + 1
    key = ec.derive_private_key(scalar, ec.SECP256R1())
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())

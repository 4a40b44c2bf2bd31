"""The secrets of a node, and the names under which the store keeps them and what it remembers of central."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from appliance.sealing import age

Randomness = Callable[[int], bytes]
"""A cryptographic source of so many random bytes."""

# Secrets.
JOURNAL_KEY: Final = "journal-key"
NODE_KEY: Final = "node-key"
AGE_IDENTITY: Final = "age-identity"
PEPPER: Final = "pepper"

# What a node remembers of its central: two verifier keys, and the recipient that blobs are sealed to.
COSIGNER: Final = "cosigner"
ORDERS_SIGNER: Final = "orders-signer"
LOCKER: Final = "locker"
# There while the file that witnesses what central countersigned has still to be renewed.
WITNESS_DUE: Final = "witness-due"

SEED_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class NodeKeys:
    """The secrets of a node; they live in the store alone.

    `journal` and `node` are Ed25519 seeds (32 bytes), `age_identity` an age identity, `pepper` 32 bytes.
    """

    journal: bytes = field(repr=False)
    node: bytes = field(repr=False)
    age_identity: str = field(repr=False)
    pepper: bytes = field(repr=False)

    @classmethod
    def generate(cls, random: Randomness) -> NodeKeys:
        """Fresh keys."""
        return cls(random(SEED_BYTES), random(SEED_BYTES), age.new_identity(), random(SEED_BYTES))

    def secrets(self) -> dict[str, bytes]:
        """Each secret under the name by which the store keeps it."""
        return {
            JOURNAL_KEY: self.journal,
            NODE_KEY: self.node,
            AGE_IDENTITY: self.age_identity.encode(),
            PEPPER: self.pepper,
        }

"""What a node's home holds, and where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths under a node's home."""

    home: Path

    @property
    def database(self) -> Path:
        """The SQLCipher file."""
        return self.home / "store.db"

    @property
    def lock(self) -> Path:
        """What writers lock."""
        return self.home / "store.lock"

    @property
    def blobs(self) -> Path:
        """The folder of sealed blobs."""
        return self.home / "blobs"

    @property
    def authority(self) -> Path:
        """The certificate of central's authority (PEM)."""
        return self.home / "keys" / "ca.crt"

    @property
    def centre_certificate(self) -> Path:
        """The certificate of the centre's key, by central's authority (PEM)."""
        return self.home / "keys" / "centre.crt"

    @property
    def node_certificate(self) -> Path:
        """The certificate of the node's key, which names its journal, by central's authority (PEM)."""
        return self.home / "keys" / "node.crt"

    @property
    def witness(self) -> Path:
        """The newest checkpoint that central countersigned, outside the store, so that a store put back shows."""
        return self.home / "cosigned"

    @property
    def lists(self) -> Path:
        """Central's public lists, as they came last; signed, and no secret."""
        return self.home / "lists"

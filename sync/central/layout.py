"""What central's home holds, and where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class CentralLayout:
    """Paths under central's home."""

    home: Path

    @property
    def archive(self) -> Path:
        """Journals, nodes, keys."""
        return self.home / "archive.db"

    @property
    def index(self) -> Path:
        """The tables that the journals fold to."""
        return self.home / "index.db"

    @property
    def blobs(self) -> Path:
        """Sealed blobs."""
        return self.home / "blobs"

    @property
    def incoming(self) -> Path:
        """Blobs that are not whole yet."""
        return self.home / "incoming"

    @property
    def keys(self) -> Path:
        """Key slots and certificates."""
        return self.home / "keys"

    @property
    def authority(self) -> Path:
        """The authority's certificate, PEM: what nodes and browsers pin."""
        return self.keys / "ca.crt"

    @property
    def server(self) -> Path:
        """The server's certificate, PEM."""
        return self.keys / "tls.crt"

    @property
    def lists(self) -> Path:
        """The public lists, as they were published last."""
        return self.home / "lists"

    @property
    def serving(self) -> Path:
        """What the one server of this home locks."""
        return self.home / "central.lock"

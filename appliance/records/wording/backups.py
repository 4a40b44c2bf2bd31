"""Sealed files that central holds twice, in words."""

from __future__ import annotations

from typing import Final

from appliance.journal import kinds as k
from appliance.records.wording.base import Wording

WHAT: Final[Wording] = {
    k.BlobsBackedUp.KIND: lambda body: (
        f"holds the sealed files of entries up to {body.size} in the backup {body.backup}"
        + (f", but for {len(body.lacking)}" if body.lacking else "")
    ),
    k.BlobsFreed.KIND: lambda body: f"freed {len(body.digests)} sealed files that the backup {body.backup} holds",
}

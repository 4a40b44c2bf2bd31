"""Prints and signatures, in words."""

from __future__ import annotations

from typing import Final

from appliance.journal import kinds as k
from appliance.records.wording.base import Wording

WHAT: Final[Wording] = {
    k.PrintIntended.KIND: lambda body: (
        f"sent the {body.what} {body.number} to {body.printer}"
        + (f", copy {body.copy}: {body.reason}" if body.copy > 1 else "")
    ),
    k.PrintConfirmed.KIND: lambda body: f"knows it to be printed, by the {body.said_by}",
    k.PrintUnknown.KIND: lambda body: f"does not know whether it was printed: {body.detail}",
    k.PrintFailed.KIND: lambda body: f"knows it not to be printed ({body.end}), by the {body.said_by}: {body.detail}",
    k.SignatureTaken.KIND: lambda body: f"took a signature on {body.pad}: {body.purpose}",
}

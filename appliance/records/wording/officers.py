"""Officers' keys, in words."""

from __future__ import annotations

from typing import Final

from appliance.journal import kinds as k
from appliance.records.wording.base import Wording

_WHERE: Final = {"sealed": "sealed by a PIN", "token": "on a token"}

WHAT: Final[Wording] = {
    k.OfficerKeyMade.KIND: lambda body: f"made a key to sign certificates by, {_WHERE[body.storage]}",
    k.OfficerKeyPinRefused.KIND: lambda body: (
        f"gave a wrong PIN ({body.failed} in a row)" + (", so the key is locked" if body.locked else "")
    ),
    k.OfficerKeyUnlocked.KIND: lambda body: f"unlocked the officer's key: {body.reason}",
    k.OfficerKeyRevoked.KIND: lambda body: (
        f"ended the officer's key ({body.reason})" + (f": {body.remark}" if body.remark else "")
    ),
    k.OfficerKeyCertified.KIND: lambda body: f"certified the officer's key {body.key[:8]}…",
    k.OfficerKeyRefused.KIND: lambda body: f"refused to certify the officer's key {body.key[:8]}… ({body.reason})",
    k.OfficerKeyRecalled.KIND: lambda body: f"ended the officer's key {body.key[:8]}… ({body.reason})",
}

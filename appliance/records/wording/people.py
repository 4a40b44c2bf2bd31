"""Citizens, in words."""

from __future__ import annotations

from typing import Final

from appliance.journal import kinds as k
from appliance.records.wording.base import Wording

WHAT: Final[Wording] = {
    k.PersonAdded.KIND: lambda body: f"wrote down the person {body.name}",
}

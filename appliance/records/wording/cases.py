"""Applications and papers, in words."""

from __future__ import annotations

from typing import Final

from appliance.journal import kinds as k
from appliance.records.wording.base import Wording

WHAT: Final[Wording] = {
    k.ApplicationSubmitted.KIND: lambda body: f"took in the application {body.tracking} for {body.service}",
    k.PaperAdded.KIND: lambda body: f"added the paper “{body.label}” ({body.media_type}, {body.size} bytes)",
    k.ApplicationApproved.KIND: lambda _: "approved the application",
    k.ApplicationReturned.KIND: lambda body: f"returned the application: {body.reason}",
    k.ApplicationRejected.KIND: lambda body: f"rejected the application: {body.reason}",
    k.ApplicationResubmitted.KIND: lambda _: "put the application right and handed it in again",
}

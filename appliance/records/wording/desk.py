"""Complaints and slips, in words."""

from __future__ import annotations

from typing import Final

from appliance.journal import kinds as k
from appliance.records.wording.base import Wording

WHAT: Final[Wording] = {
    k.ComplaintMade.KIND: lambda body: (
        f"wrote down a complaint{f' by {body.name}' if body.name else ''}: {body.complaint}"
    ),
    k.ComplaintAnswered.KIND: lambda body: f"answered the complaint: {body.answer}",
    k.SlipsReserved.KIND: lambda body: f"set aside the slips {body.first} to {body.last}",
    k.SlipsUsed.KIND: lambda body: f"entered the slip {body.number}",
}

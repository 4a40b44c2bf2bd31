"""Tokens, in words."""

from __future__ import annotations

from typing import Final

from appliance.journal import kinds as k
from appliance.records.wording.base import Wording


def _issued(body: k.TokenIssued) -> str:
    return f"issued the token {body.ticket}" + (f" with priority ({body.priority})" if body.priority else "")


WHAT: Final[Wording] = {
    k.TokenIssued.KIND: _issued,
    k.TokenCalled.KIND: lambda body: f"called the token to counter {body.counter}",
    k.TokenSkipped.KIND: lambda _: "skipped the token: nobody came",
    k.TokenNoShow.KIND: lambda _: "gave the token up: nobody came",
    k.TokenServed.KIND: lambda _: "served whoever held the token",
}

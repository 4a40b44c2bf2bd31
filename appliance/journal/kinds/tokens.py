"""Tokens: the numbers by which people wait, and are called to a counter."""

from __future__ import annotations

from appliance.journal.kinds.base import Body, Count, Day, Id, Line, kind


@kind("token.issued")
class TokenIssued(Body, frozen=True, kw_only=True):
    """Somebody waits. `number` is counted by queue and local day; `ticket` is what they were handed (`D-012`)."""

    number: Count
    ticket: Line
    queue: Line
    day: Day
    service: Line = ""
    priority: Line = ""


@kind("token.called")
class TokenCalled(Body, frozen=True, kw_only=True):
    """A token was called to a counter, or called once more."""

    counter: Line


@kind("token.skipped")
class TokenSkipped(Body, frozen=True, kw_only=True):
    """Nobody came when called; the token can be called again by its number."""


@kind("token.no_show")
class TokenNoShow(Body, frozen=True, kw_only=True):
    """Nobody came at all."""


@kind("token.served")
class TokenServed(Body, frozen=True, kw_only=True):
    """Whoever held the token was served; `application` where it was about one."""

    application: Id | None = None

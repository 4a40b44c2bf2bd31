"""Operators, and their sessions."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from appliance.journal.kinds.base import Body, Count, Instant, Line, Remark, RoleName, kind


@kind("operator.added")
class OperatorAdded(Body, frozen=True, kw_only=True):
    """A person may sign in as any of `roles`."""

    login: Line
    name: Line
    roles: Annotated[tuple[RoleName, ...], msgspec.Meta(min_length=1, max_length=4)]


@kind("operator.changed")
class OperatorChanged(Body, frozen=True, kw_only=True):
    """An operator's roles, and whether they may sign in at all."""

    roles: Annotated[tuple[RoleName, ...], msgspec.Meta(min_length=1, max_length=4)]
    active: bool
    reason: Remark


@kind("operator.password_set")
class OperatorPasswordSet(Body, frozen=True, kw_only=True):
    """An operator's password, as an Argon2id hash keyed with the node's pepper: useless without this node's store."""

    password_hash: Line


@kind("operator.unlocked")
class OperatorUnlocked(Body, frozen=True, kw_only=True):
    """A supervisor ended a lock-out."""

    reason: Remark


@kind("session.opened")
class SessionOpened(Body, frozen=True, kw_only=True):
    """An operator signed in."""

    role: RoleName
    counter: Line
    expires_at: Instant


@kind("session.refused")
class SessionRefused(Body, frozen=True, kw_only=True):
    """A try to sign in failed; `failed` counts tries since the last success. What was typed is not kept."""

    reason: Literal["password", "locked", "unknown", "inactive", "role"]
    counter: Line
    failed: Count
    locked_until: Instant | None = None


@kind("session.closed")
class SessionClosed(Body, frozen=True, kw_only=True):
    """An operator signed out, or was signed out."""

    reason: Literal["signed out", "ended by supervisor"]

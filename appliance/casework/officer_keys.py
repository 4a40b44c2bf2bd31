"""Officers' keys as they stand: whose they are, whether central certified them, and by which one somebody may sign.

A key signs while central's certificate for it runs, its officer has the role, and nobody has ended it. Making and
ending one is in `key_making`, opening it by its PIN in `key_opening`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final, Literal

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from appliance.access.session import Role, Session
from appliance.casework.cases import key as named
from appliance.certificates.officer import RENEWAL
from appliance.certificates.signer import load_certificate
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId, JournalId
from appliance.records import tables as t
from appliance.records.database import Row, Tx
from appliance.records.statements import found_by
from appliance.store.store import Moment, Store

MAX_KEYS: Final = 1000
"""Keys that are listed."""

_T: Final = t.officer_keys
_COLUMNS: Final = (
    *(_T.c.about, _T.c.operator, _T.c.storage, _T.c.token, _T.c.state, _T.c.csr, _T.c.certificate, _T.c.kid),
    *(_T.c.made_at, _T.c.certified_at, _T.c.locked, _T.c.revoked_at, _T.c.reason),
)
_ALL: Final = select(*_COLUMNS).where(_T.c.journal == bindparam("journal")).order_by(_T.c.seq.desc()).limit(MAX_KEYS)
_OWN: Final = select(*_COLUMNS).where(found_by(_T, "operator")).order_by(_T.c.seq.desc()).limit(MAX_KEYS)
_ONE: Final = select(*_COLUMNS).where(t.where_key(_T))
_MAY_SIGN: Final = (
    select(sa.func.count())
    .select_from(_T)
    .where(found_by(_T, "operator"), _T.c.certificate == bindparam("certificate"), _T.c.state == "certified")
)


class KeyState(Enum):
    """How far a key is."""

    ASKED = "asked"
    CERTIFIED = "certified"
    REFUSED = "refused"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class OfficerKey:
    """One key. Times are as the journal writes them, and empty while it has not happened."""

    id: EntityId
    operator: EntityId
    storage: Literal["sealed", "token"]
    token: str
    """Which token it lies on, as a PKCS #11 URI (RFC 7512)."""
    state: KeyState
    csr: bytes = field(repr=False)
    certificate: bytes = field(repr=False)
    kid: str
    made_at: str
    certified_at: str
    locked: bool
    revoked_at: str
    reason: str

    @property
    def ends_at(self) -> datetime | None:
        """When its certificate ends; None where there is none."""
        return load_certificate(self.certificate).not_valid_after_utc if self.certificate else None

    def is_good(self, now: datetime) -> bool:
        """Whether its certificate runs."""
        if self.state is not KeyState.CERTIFIED:
            return False
        certificate = load_certificate(self.certificate)
        return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


@dataclass(frozen=True, slots=True)
class Standing:
    """How somebody stands with their keys."""

    key: OfficerKey | None
    """What they would sign by."""
    says: str
    """In words for them; empty where there is nothing to say."""
    should_make: bool
    """Whether it is time to make a key."""
    has_keys: bool = False
    """Whether they ever made one."""


class NoSuchKey(OperatorError):
    """There is no such key."""

    def __init__(self) -> None:
        super().__init__("There is no such key at this node.", "See `sanad operators key list`.")


class MayNotSign(OperatorError):
    """This key may not sign, or not by this session."""

    def __init__(self) -> None:
        super().__init__(
            "This key was ended, or is not yours as an officer, so it signs nothing.",
            "Make a new one, or let the centre seal.",
        )


def officer_keys(store: Store) -> list[OfficerKey]:
    """Every key at this node, the newest first."""
    with store.read() as tx:
        return [_key(row) for row in tx.all(_ALL, {"journal": store.journal})]


def keys_of(store: Store, session: Session) -> list[OfficerKey]:
    """The keys of whoever is signed in, the newest first."""
    with store.read() as tx:
        return own_keys(tx, store.journal, session)


def own_keys(tx: Tx, journal: JournalId, session: Session) -> list[OfficerKey]:
    """The same, within a transaction."""
    return [_key(row) for row in tx.all(_OWN, {"journal": journal, "operator": session.actor})]


def find_key(tx: Tx, journal: JournalId, about: str) -> OfficerKey:
    """One key.

    Raises:
        NoSuchKey: it is not there.
    """
    row = tx.one(_ONE, named(journal, about))
    if row is None:
        raise NoSuchKey
    return _key(row)


def standing(store: Store, session: Session) -> Standing:
    """By which key somebody would sign now, and what they should know of it."""
    if session.role is not Role.OFFICER:
        return Standing(None, "Sealed by the centre: only an officer signs by a key of their own.", should_make=False)
    keys, now = keys_of(store, session), store.clock()
    good = [key for key in keys if key.is_good(now)]
    # One that is locked only where there is no other.
    key = next(iter(sorted(good, key=lambda each: each.locked)), None)
    waiting = any(each.state is KeyState.ASKED for each in keys)
    has_keys = bool(keys)
    if key is None:
        return Standing(None, _why_none(keys, waiting=waiting), should_make=not waiting, has_keys=has_keys)
    if key.locked:
        return Standing(
            None,
            "Sealed by the centre: your key is locked after wrong PINs. A supervisor unlocks it, or make a new one.",
            should_make=not waiting,
            has_keys=has_keys,
        )
    ends = key.ends_at
    if ends is None or now + RENEWAL < ends or waiting:
        return Standing(key, "", should_make=False, has_keys=has_keys)
    says = f"Your key ends on {ends.date().isoformat()}: make a new one."
    return Standing(key, says, should_make=True, has_keys=has_keys)


def _why_none(keys: list[OfficerKey], *, waiting: bool) -> str:
    sealed = "Sealed by the centre:"
    if waiting:
        return f"{sealed} your key waits for central's certificate, which comes with the next sync."
    if any(each.state is KeyState.CERTIFIED for each in keys):
        return f"{sealed} the certificate of your key has ended. Make a new one."
    if keys and keys[0].state is KeyState.REFUSED:
        return f"{sealed} central did not certify your key ({keys[0].reason}). Ask central IT, or make a new one."
    return f"{sealed} you have no key of your own. Make one to sign yourself."


def see_may_sign(moment: Moment, journal: JournalId, session: Session, certificate: bytes) -> None:
    """Refuse a signature by a key that is not the session's own, or that was ended; asked inside the commit.

    Raises:
        MayNotSign: it is not.
    """
    found = moment.tx.one(_MAY_SIGN, {"journal": journal, "operator": session.actor, "certificate": certificate})
    if session.role is not Role.OFFICER or found is None or not found[0]:
        raise MayNotSign


def _key(row: Row) -> OfficerKey:
    about, operator, storage, token, state, csr, certificate, kid, made, certified, locked, revoked, reason = row
    return OfficerKey(
        id=EntityId(about),
        operator=EntityId(operator),
        storage="token" if storage == "token" else "sealed",
        token=token,
        state=KeyState(state),
        csr=csr,
        certificate=certificate,
        kid=kid,
        made_at=made,
        certified_at=certified,
        locked=bool(locked),
        revoked_at=revoked,
        reason=reason,
    )

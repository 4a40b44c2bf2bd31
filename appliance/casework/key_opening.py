"""Opening an officer's key by its PIN, for one certificate.

A try at a sealed key is counted, durably, before the PIN is tried; the count goes when the PIN was right. So however
often somebody pulls the plug, and at however many counters at once, no more than `MAX_PINS` wrong PINs are tried before
a supervisor unlocks the key. A token counts for itself. Each wrong PIN is an entry as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from appliance.access.session import Session
from appliance.casework.centre import Centre
from appliance.casework.officer_keys import MayNotSign, OfficerKey, standing
from appliance.casework.seals import authority_certificate
from appliance.certificates.officer import check_officer_certificate
from appliance.certificates.signer import DocumentSigner, SoftwareSigner
from appliance.certificates.token import TokenSigner, TokensMissing
from appliance.journal import kinds as k
from appliance.journal.errors import DeviceError, IntegrityError, OperatorError
from appliance.journal.ids import EntityId
from appliance.records.database import Tx
from appliance.sealing.pins import WrongPin, open_key
from appliance.store import local
from appliance.store.store import Draft, Moment, Store

MAX_PINS: Final = 5
"""Wrong PINs in a row, after which a key is locked."""

_TRIES: Final = "pin-tries:"
_SECRET: Final = "officer-key:"


class PinRefused(OperatorError):
    """A wrong PIN; `left` tries are left."""

    def __init__(self, left: int) -> None:
        tries = "one try is left" if left == 1 else f"{left} tries are left"
        super().__init__(f"That PIN does not open your key; {tries}.", "Type it again, or let the centre seal.")
        self.left = left


class KeyLocked(OperatorError):
    """Too many wrong PINs were given."""

    def __init__(self) -> None:
        super().__init__(
            f"Your key is locked: {MAX_PINS} wrong PINs were given.",
            "A supervisor unlocks it (`sanad operators key unlock`), or you end it and make a new one."
            " Until then the centre seals.",
        )


@contextmanager
def opened(centre: Centre, session: Session, pin: str) -> Iterator[DocumentSigner]:
    """The key of whoever is signed in, open until the block ends.

    Args:
        centre: where.
        session: an officer's.
        pin: as typed; it is kept nowhere.

    Raises:
        MayNotSign: they have no key that is good now. PinRefused, KeyLocked: see there.
        IntegrityError: the certificate is not for this key, or the sealed key is damaged.
        DeviceError: the token is not there, or does not do it.
    """
    store = centre.store
    key = standing(store, session).key
    if key is None:
        raise MayNotSign
    authority = authority_certificate(store)
    check_officer_certificate(key.certificate, authority, key.csr, store.clock())
    if key.storage == "sealed":
        private = _opened_here(store, session, key, pin)
        yield SoftwareSigner(private, key.certificate, (authority,), officer=True)
        return
    if centre.tokens is None:
        raise TokensMissing
    with centre.tokens.opened(key.token, pin, token_key_name(key.id)) as sign:
        yield TokenSigner(sign, key.certificate, (authority,))


def tries_left(store: Store, session: Session) -> int | None:
    """How many PINs may be tried for the key that somebody would sign by; None where this node does not count."""
    key = standing(store, session).key
    if key is None or key.storage != "sealed":
        return None
    with store.read() as tx:
        return max(0, MAX_PINS - _tried(tx, key.id))


def secret_name(key: EntityId) -> str:
    """Under which the store keeps the sealed key."""
    return _SECRET + key


def forget_tries(tx: Tx, key: EntityId) -> None:
    """Let the PIN be tried again."""
    local.forget(tx, _TRIES + key)


def about_key(key: EntityId) -> bytes:
    """What a sealed key is sealed about."""
    return f"sanad officer key {key}".encode()


def token_key_name(key: EntityId) -> bytes:
    """By which a token knows the key: its CKA_ID."""
    return hashlib.sha256(about_key(key)).digest()[:16]


def _tried(tx: Tx, key: EntityId) -> int:
    return int(local.remembered(tx, _TRIES + key) or "0")


def _opened_here(store: Store, session: Session, key: OfficerKey, pin: str) -> bytes:
    with store.read() as tx:
        box = local.secret(tx, secret_name(key.id))
    if box is None:
        raise IntegrityError("Your sealed key is not in this node's store.", "End it, and make a new one.")
    failed = _charge(store, session, key.id)
    try:
        private = open_key(box, pin, about_key(key.id))
    except WrongPin:
        refused = k.OfficerKeyPinRefused(failed=failed, locked=failed >= MAX_PINS)
        store.commit(session, lambda _: [Draft(refused, key.id)])
        raise (KeyLocked() if refused.locked else PinRefused(MAX_PINS - failed)) from None
    except DeviceError:
        # Nothing was tried.
        store.keep(session, lambda moment: _set_tried(moment.tx, key.id, failed - 1))
        raise
    store.keep(session, lambda moment: forget_tries(moment.tx, key.id))
    return private


def _charge(store: Store, session: Session, key: EntityId) -> int:
    """Count a try before it is made; answers the number of tries in a row."""
    tried = 0

    def write(moment: Moment) -> None:
        nonlocal tried
        tried = _tried(moment.tx, key) + 1
        if tried > MAX_PINS:
            raise KeyLocked
        _set_tried(moment.tx, key, tried)

    store.keep(session, write)
    return tried


def _set_tried(tx: Tx, key: EntityId, tried: int) -> None:
    local.remember(tx, {_TRIES + key: str(tried)})

"""Making an officer's key, ending it, and letting its PIN be tried again.

The key is made here, by the officer, in their own session; central certifies it when it next hears of it. A sealed key
lies in this node's store, among its secrets, and in no journal; one on a token never leaves it.
"""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select

from appliance.access.reasons import check_reason
from appliance.access.session import Role, Session
from appliance.casework.cases import key as named
from appliance.casework.cases import see_remarks
from appliance.casework.centre import Centre
from appliance.casework.key_opening import about_key, forget_tries, secret_name, token_key_name
from appliance.casework.officer_keys import KeyState, find_key, own_keys
from appliance.certificates.officer import officer_request, officer_subject
from appliance.certificates.signer import PREHASHED, load_key
from appliance.certificates.token import TokensMissing
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.sealing.pins import seal_key
from appliance.store import local
from appliance.store.keys import new_p256
from appliance.store.store import Draft, Moment, Store

_NAME: Final = select(t.operators.c.name).where(t.where_key(t.operators))


class KeyWaits(OperatorError):
    """A key of theirs waits for central already."""

    def __init__(self) -> None:
        super().__init__(
            "A key of yours waits for central's certificate already.",
            "It comes with the next sync. If you forgot its PIN, end that key first.",
        )


def make_sealed_key(centre: Centre, session: Session, pin: str) -> EntityId:
    """Make a key that a PIN opens, and ask central to certify it.

    Args:
        centre: where.
        session: the officer's own.
        pin: that only they know; it is kept nowhere.

    Raises:
        PassphraseError: the PIN is too short or too simple. KeyWaits: see there.
        NotPermitted: the session is not an officer's.
    """
    store = centre.store
    about = store.new_id()
    private = new_p256(store.random)
    box = seal_key(private, pin, about_key(about), random=store.random)
    key = load_key(private)
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    csr = officer_request(_subject(centre, session), public, lambda digest: key.sign(digest, PREHASHED))
    _commit(store, session, about, k.OfficerKeyMade(csr=csr, storage="sealed"), box)
    return about


def make_token_key(centre: Centre, session: Session, pin: str) -> EntityId:
    """Make a key on the officer's token, and ask central to certify it. Where that fails, the token keeps none.

    Args:
        centre: where; its settings name the token's library.
        session: the officer's own.
        pin: the token's; it is kept nowhere.

    Raises:
        TokensMissing: no library is named. DeviceError: the token is not there, or does not do it.
        OperatorError: the token refused the PIN. KeyWaits: see there.
        NotPermitted: the session is not an officer's.
    """
    if centre.tokens is None:
        raise TokensMissing
    store = centre.store
    about, place = store.new_id(), centre.tokens.present()
    with centre.tokens.made(place, pin, token_key_name(about)) as made:
        csr = officer_request(_subject(centre, session), made.public, made.sign)
        _commit(store, session, about, k.OfficerKeyMade(csr=csr, storage="token", token=place), None)
    return about


def end_key(store: Store, session: Session, key: EntityId, reason: k.KeyEnd, remark: str = "") -> None:
    """End a key for good: the officer their own, a supervisor anybody's. What it signed before stays signed.

    Raises:
        NoSuchKey: it is not there. OperatorError: it was ended before, is another officer's, or the remark is unfit.
        NotPermitted: the session may not.
    """
    see_remarks(remark)

    def act(moment: Moment) -> list[Draft]:
        found = find_key(moment.tx, store.journal, key)
        if session.role is not Role.SUPERVISOR and found.operator != session.actor:
            raise OperatorError("That is another officer's key.", "They, or a supervisor, may end it.")
        if found.state is KeyState.REVOKED:
            raise OperatorError("That key was ended before.", "There is nothing to do.")
        return [Draft(k.OfficerKeyRevoked(reason=reason, remark=remark), key)]

    def beside(tx: Tx) -> None:
        local.drop_secret(tx, secret_name(key))
        forget_tries(tx, key)

    store.commit(session, act, beside=beside)


def unlock_key(store: Store, session: Session, key: EntityId, reason: str) -> None:
    """A supervisor lets an officer try their PIN again.

    Raises:
        NoSuchKey: it is not there. OperatorError: it is the supervisor's own, or the reason is unfit.
        NotPermitted: the session is not a supervisor's.
    """
    check_reason(reason)

    def act(moment: Moment) -> list[Draft]:
        if find_key(moment.tx, store.journal, key).operator == session.actor:
            raise OperatorError("Nobody unlocks their own key.", "Ask another supervisor, or make a new key.")
        return [Draft(k.OfficerKeyUnlocked(reason=reason), key)]

    store.commit(session, act, beside=lambda tx: forget_tries(tx, key))


def _subject(centre: Centre, session: Session) -> x509.Name:
    store = centre.store
    with store.read() as tx:
        row = tx.one(_NAME, named(store.journal, session.actor))
    return officer_subject(centre.rules.code, centre.rules.name, "" if row is None else row[0], session.actor)


def _commit(store: Store, session: Session, about: EntityId, body: k.OfficerKeyMade, box: bytes | None) -> None:
    def act(moment: Moment) -> list[Draft]:
        if any(each.state is KeyState.ASKED for each in own_keys(moment.tx, store.journal, session)):
            raise KeyWaits
        return [Draft(body, about)]

    def beside(tx: Tx) -> None:
        if box is not None:
            local.add_secret(tx, secret_name(about), box)

    store.commit(session, act, beside=beside)

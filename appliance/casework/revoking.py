"""Revoking a certificate: asked for by one person, done or refused by another. Nothing brings a revoked one back.

Neither who asked revokes, nor who took the application in: `appliance.access.four_eyes` holds it inside the commit. A
revocation waits for nothing: what was asked to be corrected meanwhile ends with the certificate.
"""

from __future__ import annotations

from typing import Final, get_args

from appliance.access.reasons import check_reason
from appliance.access.session import Role, Session
from appliance.casework.cases import Case, go_on
from appliance.casework.certificates import (
    CORRECTION,
    REVOCATION,
    Certificate,
    Request,
    open_request,
    see_valid,
)
from appliance.casework.lifecycle import step
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from appliance.store.store import Moment, Store

REASONS: Final[dict[k.RevocationReason, str]] = {
    "issued_in_error": "it should not have been issued",
    "fraud": "it was got by deceit",
    "court_order": "a court ordered it",
    "holder_asked": "the holder asked for it",
    "no_longer_true": "what it says is no longer so",
    "other": "another reason, said in words",
}
"""The codes of why a certificate is revoked, which anybody can read in the public list, and what each means."""


def ask_revocation(
    store: Store,
    session: Session,
    application: EntityId,
    number: str,
    code: str,
    reason: str,
    *,
    seen: int | None = None,
) -> None:
    """Ask that a certificate be revoked. Until somebody else decides, it is neither printed nor handed over.

    Args:
        store: where.
        session: who.
        application: whose certificate.
        number: which.
        code: why, one of `REASONS`; anybody can read it.
        reason: why, in words; they stay in the journal.
        seen: the last entry about the application that the screen showed.

    Raises:
        OperatorError: no such code or no reason, it was superseded or revoked, this was asked for before, it changed
            meanwhile, or the session may not.
    """
    check_reason(reason)
    said = _code(code)

    def write(moment: Moment, case: Case) -> list[k.Body]:
        step(case.status, k.CertificateRevocationAsked.KIND)
        see_valid(moment.tx, store.journal, case.id, number)
        if open_request(moment.tx, store.journal, case.id, number, REVOCATION) is not None:
            raise OperatorError(
                f"That the certificate {number} be revoked was asked for before.",
                "Somebody else does it or refuses it.",
            )
        return [k.CertificateRevocationAsked(number=number, reason_code=said, reason=reason)]

    go_on(store, session, application, write, seen=seen)


def revoke(
    store: Store, session: Session, application: EntityId, number: str, *, seen: int | None = None
) -> Certificate:
    """Revoke what somebody else asked to be revoked, for the reason that they gave. It cannot be taken back.

    Returns:
        The certificate as it stood before.

    Raises:
        SameEyes: by who asked, or who took the application in.
        OperatorError: nobody asked for it, it was superseded or revoked meanwhile, it changed since it was shown, or
            the session may not.
    """
    found: list[Certificate] = []

    def write(moment: Moment, case: Case) -> list[k.Body]:
        tx, journal = moment.tx, store.journal
        step(case.status, k.CertificateRevoked.KIND)
        found[:] = [see_valid(tx, journal, case.id, number)]
        asked = _asked(moment, store, case, number)
        bodies: list[k.Body] = []
        if open_request(tx, journal, case.id, number, CORRECTION) is not None:
            bodies.append(k.CertificateCorrectionRefused(number=number, reason="The certificate is revoked."))
        return [*bodies, k.CertificateRevoked(number=number, reason_code=_code(asked.reason_code), reason=asked.reason)]

    go_on(store, session, application, write, seen=seen)
    return found[0]


def refuse_revocation(
    store: Store, session: Session, application: EntityId, number: str, reason: str, *, seen: int | None = None
) -> None:
    """Leave a certificate valid that somebody asked to be revoked; an operator, only what they asked themselves.

    Raises:
        OperatorError: no reason, nobody asked for it, it was decided meanwhile, it changed since it was shown, or the
            session may not.
    """
    check_reason(reason)

    def write(moment: Moment, case: Case) -> list[k.Body]:
        step(case.status, k.CertificateRevocationRefused.KIND)
        see_may_refuse(session, _asked(moment, store, case, number))
        return [k.CertificateRevocationRefused(number=number, reason=reason)]

    go_on(store, session, application, write, seen=seen)


def see_may_refuse(session: Session, asked: Request) -> None:
    """Refuse an operator who would decide on what somebody else asked.

    Raises:
        OperatorError: they would.
    """
    if session.role is Role.OPERATOR and asked.asked_by != session.actor:
        raise OperatorError(
            f"Somebody else asked for this {asked.what}, so an officer or supervisor decides.", "Leave it to them."
        )


def _asked(moment: Moment, store: Store, case: Case, number: str) -> Request:
    asked = open_request(moment.tx, store.journal, case.id, number, REVOCATION)
    if asked is None:
        raise OperatorError(
            f"Nobody has asked that the certificate {number} be revoked.",
            "One person asks, with a reason; another one revokes it.",
        )
    return asked


def _code(code: str) -> k.RevocationReason:
    for known in get_args(k.RevocationReason):
        if code == known:
            return known  # type: ignore[no-any-return]
    raise OperatorError(
        "That is no reason by which a certificate is revoked.", "Choose one of: " + ", ".join(REASONS) + "."
    )

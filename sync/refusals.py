"""What central says no to, by name: the same errors at central, on the wire (as `code`), and at the node.

An error crosses the wire as JSON `{error, sentence, next_step}`. The node raises the class that the code names, with
central's sentence. A code that the node does not know is judged by its HTTP status alone.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import ClassVar, Final

import msgspec

from appliance.journal.checkpoint import BadCheckpoint
from appliance.journal.entry import BadEntry
from appliance.journal.errors import DeviceError, IntegrityError, NetworkError, OperatorError, SanadError
from sync.frames import BadFrame

MAX_SENTENCE: Final = 500
"""Characters of a sentence that a node shows of what central says."""


class Refusal(SanadError):
    """A refusal with a name of its own on the wire."""

    code: ClassVar[str]
    status: ClassVar[HTTPStatus]


class Fork(Refusal, IntegrityError):
    """The node's history contradicts what it told central before: two boxes sign with one key, or one was changed."""

    code = "fork"
    status = HTTPStatus.CONFLICT


class Rollback(Refusal, IntegrityError):
    """The node offers less than central already holds of it: it is an older copy of itself."""

    code = "rollback"
    status = HTTPStatus.CONFLICT


class Quarantined(Refusal, IntegrityError):
    """Central takes nothing from this node until a person there has looked into it."""

    code = "quarantined"
    status = HTTPStatus.FORBIDDEN
    orders: int | None = None
    """How many orders central has for the node, as a state says it; None where it does not say."""

    def with_orders(self, orders: int | None) -> Quarantined:
        """The same, with how many orders central has."""
        self.orders = orders
        return self


class WrongJournal(Refusal, IntegrityError):
    """Something of one journal came where another's was due."""

    code = "wrong_journal"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class OutOfTurn(Refusal, IntegrityError):
    """A frame where the session allows none of its kind, or one that contradicts those before it."""

    code = "out_of_turn"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class BodiesOwed(Refusal, IntegrityError):
    """An entry came without its body, and no later entry erases its subject."""

    code = "bodies_owed"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class UnknownBlob(Refusal, IntegrityError):
    """A piece of a blob that no entry of this node names."""

    code = "unknown_blob"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class BlobLost(Refusal, IntegrityError):
    """Central does not hold a sealed file that it held once, or has not got it yet."""

    code = "blob_lost"
    status = HTTPStatus.GONE


class OutOfStep(Refusal, NetworkError):
    """The stream does not start where central's copy ends. A new session puts both in step."""

    code = "out_of_step"
    status = HTTPStatus.CONFLICT


class StartAgain(Refusal, NetworkError):
    """What an earlier, broken stream left did not fit what came now, and was dropped."""

    code = "start_again"
    status = HTTPStatus.CONFLICT


class TakenOver(Refusal, NetworkError):
    """The same node opened a newer session, and this one ended."""

    code = "taken_over"
    status = HTTPStatus.CONFLICT


class Busy(Refusal, NetworkError):
    """Central has as much to do as it allows itself."""

    code = "busy"
    status = HTTPStatus.SERVICE_UNAVAILABLE


class TooSlow(Refusal, NetworkError):
    """Central waited for a request's bytes as long as it does."""

    code = "too_slow"
    status = HTTPStatus.REQUEST_TIMEOUT


class Cut(Refusal, NetworkError):
    """The stream broke before its end. What was complete of it was kept."""

    code = "cut"
    status = HTTPStatus.BAD_REQUEST


class CentralCannotStore(Refusal, NetworkError):
    """Central's disk is full, read-only or failing; nothing was acknowledged."""

    code = "cannot_store"
    status = HTTPStatus.INSUFFICIENT_STORAGE


class NoTimestamp(Refusal, NetworkError):
    """Central's timestamp service cannot be reached, or gives none now."""

    code = "no_timestamp"
    status = HTTPStatus.BAD_GATEWAY


class CentralFault(Refusal, NetworkError):
    """Central's own mistake."""

    code = "fault"
    status = HTTPStatus.INTERNAL_SERVER_ERROR


class BadRequest(Refusal, IntegrityError):
    """A request that no node sends."""

    code = "bad_request"
    status = HTTPStatus.BAD_REQUEST


class BadSignature(Refusal, IntegrityError):
    """A request is not signed by the node's key as it must be."""

    code = "signature"
    status = HTTPStatus.UNAUTHORIZED


class BadChallenge(Refusal, NetworkError):
    """A request's nonce is not a challenge of this central's, or is too old, or was used before."""

    code = "challenge"
    status = HTTPStatus.UNAUTHORIZED


class NotEnrolled(Refusal, OperatorError):
    """Central does not know this node."""

    code = "not_enrolled"
    status = HTTPStatus.FORBIDDEN


class InviteUnknown(Refusal, OperatorError):
    """Central never gave this invite, or its secret is another."""

    code = "invite_unknown"
    status = HTTPStatus.FORBIDDEN


class InviteExpired(Refusal, OperatorError):
    """The invite was not used in time."""

    code = "invite_expired"
    status = HTTPStatus.FORBIDDEN


class InviteUsed(Refusal, OperatorError):
    """Another node has used the invite."""

    code = "invite_used"
    status = HTTPStatus.FORBIDDEN


REFUSALS: Final[dict[str, type[Refusal]]] = {
    each.code: each
    for each in (
        *(Fork, Rollback, WrongJournal, OutOfTurn, BodiesOwed, UnknownBlob, OutOfStep, StartAgain, TakenOver, Busy),
        *(TooSlow, Cut, CentralCannotStore, CentralFault, BadRequest, BadSignature, BadChallenge, NotEnrolled),
        *(InviteUnknown, InviteExpired, InviteUsed, NoTimestamp, Quarantined, BlobLost),
    )
}
_BAD_DATA: Final[dict[type[SanadError], str]] = {BadFrame: "frame", BadEntry: "entry", BadCheckpoint: "checkpoint"}


class Answer(msgspec.Struct, frozen=True):
    """A refusal as it crosses the wire."""

    error: str
    sentence: str
    next_step: str = ""
    orders: int | msgspec.UnsetType = msgspec.UNSET
    """Of a node in quarantine: see `Quarantined`."""


def to_wire(error: SanadError) -> tuple[HTTPStatus, Answer]:
    """Say an error to the node. Central's own troubles are named, not described."""
    if isinstance(error, Refusal):
        orders = error.orders if isinstance(error, Quarantined) and error.orders is not None else msgspec.UNSET
        return error.status, _said(error.code, error, orders)
    for kind, code in _BAD_DATA.items():
        if isinstance(error, kind):
            return HTTPStatus.UNPROCESSABLE_ENTITY, _said(code, error)
    if isinstance(error, DeviceError):
        return to_wire(
            CentralCannotStore(
                "Central cannot store anything now; nothing of this was acknowledged.",
                "The node tries again by itself. Tell central IT if this lasts.",
            )
        )
    return to_wire(CentralFault("Something is wrong at central.", "The node tries again by itself. Tell central IT."))


def _said(code: str, error: SanadError, orders: int | msgspec.UnsetType = msgspec.UNSET) -> Answer:
    return Answer(code, error.sentence[:MAX_SENTENCE], error.next_step[:MAX_SENTENCE], orders)


def from_wire(status: int, body: bytes) -> SanadError | None:
    """Read what central refused; None when it is not an answer of central's.

    Args:
        status: the HTTP status, 400 or above.
        body: the answer's bytes.
    """
    try:
        answer = msgspec.json.decode(body, type=Answer)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    sentence, next_step = _shown(answer.sentence), _shown(answer.next_step)
    kind: type[SanadError] | None = REFUSALS.get(answer.error)
    if kind is None:
        kind = NetworkError if status >= HTTPStatus.INTERNAL_SERVER_ERROR else IntegrityError
    refused = kind(sentence or "Central refused, and did not say why.", next_step)
    if isinstance(refused, Quarantined) and isinstance(answer.orders, int):
        refused.with_orders(answer.orders)
    return refused


def _shown(text: str) -> str:
    """What may be printed on a terminal."""
    return "".join(each for each in text[:MAX_SENTENCE] if each.isprintable())

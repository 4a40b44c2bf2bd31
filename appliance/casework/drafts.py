"""Drafts: what is typed at a counter, kept from keystroke to keystroke, in no journal.

`save_draft` is durable when it returns. A draft has the identifier that its application will have; it goes in the same
transaction in which that is handed in, when it is discarded, and when anybody named in it is erased. Papers cannot be
kept in it: for them the application is begun in the journal (`applications.begin`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy import bindparam, select

from appliance.access.session import Session
from appliance.casework.cases import key
from appliance.journal import kinds as k
from appliance.journal.errors import BugError, IntegrityError, OperatorError
from appliance.journal.ids import EntityId
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.store.store import Moment, Store

MAX_DRAFTS_OF_ONE: Final = 100
"""Drafts of one operator at a time."""
MAX_DRAFT_BYTES: Final = 256 * 1024
"""Of a draft as it is stored; a form that can be handed in is a tenth of it."""

_MINE = (
    select(t.drafts.c.content, t.drafts.c.saved_at)
    .where(t.drafts.c.operator == bindparam("operator"))
    .order_by(t.drafts.c.saved_at.desc(), t.drafts.c.id)
)
_COUNT = select(sa.func.count()).where(t.drafts.c.operator == bindparam("operator"), t.drafts.c.id != bindparam("id"))
_OWNER = select(t.drafts.c.operator).where(t.drafts.c.id == bindparam("id"))
_DROP = sa.delete(t.drafts).where(t.drafts.c.id == bindparam("k_id"))
_ADD = sa.insert(t.drafts)
_STATUS = select(t.applications.c.status).where(t.where_key(t.applications))


@dataclass(frozen=True, slots=True)
class DraftForm:
    """A form as it is typed.

    Attributes:
        id: the identifier that the application will have; from `Store.new_id`.
        service: the service's identifier.
        answers: by field, as typed.
        roles: the people by the part they have.
        token: the token with which the citizen was called.
        slip: the slip of paper that was handed out while there was no power.
        received: the day on which it was handed in, `YYYY-MM-DD`, where that was earlier: with a slip only.
        page: where in the form the operator is.
        digest: names the service as it was, where this is the form of a case that was handed in; no draft keeps it.
    """

    id: EntityId
    service: str
    answers: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, tuple[EntityId, ...]] = field(default_factory=dict)
    token: str = ""
    slip: str = ""
    received: str = ""
    page: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class SavedDraft:
    """A draft, and when it was saved last."""

    form: DraftForm
    saved_at: str


class _Kept(msgspec.Struct, frozen=True):
    """How a draft is stored. Only ever gains fields with defaults, so that a newer version reads older drafts."""

    id: str
    service: str
    answers: dict[str, str] = {}
    roles: dict[str, tuple[str, ...]] = {}
    token: str = ""
    slip: str = ""
    received: str = ""
    page: str = ""


_DECODER: Final = msgspec.json.Decoder(_Kept)


def save_draft(store: Store, session: Session, form: DraftForm) -> None:
    """Keep a form as it is typed now; durable when this returns.

    Raises:
        OperatorError: it is too long, another operator's, one too many, handed in before, or the session is over.
        StorageFull, StorageReadOnly, StorageBusy: it was not kept.
    """
    content = _encode(form)

    def write(moment: Moment) -> None:
        owner = moment.tx.one(_OWNER, {"id": form.id})
        if owner is not None and owner[0] != session.actor:
            raise OperatorError("That draft is another operator's.", "Begin one of your own.")
        status = moment.tx.one(_STATUS, key(store.journal, form.id))
        if status is not None and status[0] != "draft":
            raise OperatorError("This application was handed in before.", "Begin another one.")
        count = moment.tx.one(_COUNT, {"operator": session.actor, "id": form.id})
        if count is not None and count[0] >= MAX_DRAFTS_OF_ONE:
            raise OperatorError(
                f"An operator keeps at most {MAX_DRAFTS_OF_ONE} drafts.", "Hand in or discard some of them first."
            )
        forget(moment.tx, form.id)
        moment.tx.run(_ADD, {"id": form.id, "operator": session.actor, "content": content, "saved_at": moment.at})

    store.keep(session, write)


def drafts_of(store: Store, session: Session) -> list[SavedDraft]:
    """The session's own drafts, the one saved last first."""
    with store.read() as tx:
        rows = tx.all(_MINE, {"operator": session.actor})
    return [SavedDraft(_decode(content), saved_at) for content, saved_at in rows]


def forget_draft(store: Store, session: Session, draft: EntityId) -> None:
    """Throw away what was typed; for an application that was begun already, see `applications.discard`.

    Raises:
        OperatorError: it is another operator's, or the session is over.
    """

    def write(moment: Moment) -> None:
        owner = moment.tx.one(_OWNER, {"id": draft})
        if owner is not None and owner[0] != session.actor:
            raise OperatorError("That draft is another operator's.", "Leave it to them.")
        forget(moment.tx, draft)

    store.keep(session, write)


def forget(tx: Tx, draft: str) -> None:
    """Drop a draft, within a transaction that hands it in or discards it."""
    tx.run(_DROP, {"k_id": draft})


def _encode(form: DraftForm) -> str:
    try:
        encoded = msgspec.json.encode(form)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise OperatorError(
            "Something typed cannot be kept.", "Take out what cannot be shown, and type again."
        ) from None
    if len(encoded) > MAX_DRAFT_BYTES:
        raise OperatorError("This form is longer than a draft may be.", "Shorten the longest answers.")
    content = encoded.decode()
    if "\\u0000" in content:
        raise OperatorError("Something typed cannot be kept.", "Take out what cannot be shown, and type again.")
    if len(form.answers) > k.MAX_FIELDS:
        raise BugError(f"A form has at most {k.MAX_FIELDS} fields.")
    return content


def _decode(content: str) -> DraftForm:
    try:
        kept = _DECODER.decode(content)
    except (msgspec.MsgspecError, RecursionError):
        raise IntegrityError("A draft is not stored as it was written.", "Run `sanad journal verify`.") from None
    return DraftForm(
        id=EntityId(kept.id),
        service=kept.service,
        answers=kept.answers,
        roles={role: tuple(map(EntityId, people)) for role, people in kept.roles.items()},
        token=kept.token,
        slip=kept.slip,
        received=kept.received,
        page=kept.page,
    )

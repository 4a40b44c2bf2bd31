"""What central knows of its nodes: who they are, which invites are out, and which numbers each may give."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId, JournalId, entity_id, origin
from appliance.journal.kinds import NumbersLeased
from appliance.journal.notes import NOTE_SIGNATURE, VerifierKey
from appliance.records.database import Tx
from sync.central import tables as t
from sync.invite import INVITE_LIFE_S, SECRET_BYTES, BadInvite, Invite, encode_invite, parse_invite
from sync.refusals import InviteUnknown, NotEnrolled

BLOCK_NUMBERS: Final = 10_000
"""Certificate numbers in one block: some weeks of a busy centre without a link."""

_COLUMNS = (
    *(t.nodes.c.journal, t.nodes.c.journal_key, t.nodes.c.node_key, t.nodes.c.recipient, t.nodes.c.centre),
    *(t.nodes.c.centre_name, t.nodes.c.certificate, t.nodes.c.centre_certificate, t.nodes.c.enrolled_at),
    t.nodes.c.floor,
)
_NODE = select(*_COLUMNS).where(t.nodes.c.journal == bindparam("journal"))
_NODES = select(*_COLUMNS).order_by(t.nodes.c.centre, t.nodes.c.enrolled_at, t.nodes.c.journal)
_ADD_NODE = sa.insert(t.nodes)
_SET_FLOOR = sa.update(t.nodes).where(t.nodes.c.journal == bindparam("k_journal")).values(floor=bindparam("floor"))
_ADD_INVITE = sa.insert(t.invites)
_INVITE = select(
    *(t.invites.c.id, t.invites.c.secret_sha256, t.invites.c.centre, t.invites.c.centre_name),
    *(t.invites.c.expires_s, t.invites.c.used_by, t.invites.c.answer),
).where(t.invites.c.id == bindparam("id"))
_USE_INVITE = (
    sa.update(t.invites)
    .where(t.invites.c.id == bindparam("k_id"), t.invites.c.used_by.is_(None))
    .values(used_by=bindparam("used_by"), answer=bindparam("answer"))
)
_LAST_NUMBER = select(sa.func.max(t.blocks.c.last)).where(t.blocks.c.prefix == bindparam("prefix"))
_ADD_BLOCK = sa.insert(t.blocks)


@dataclass(frozen=True, slots=True)
class Node:
    """An enrolled node."""

    journal: JournalId
    journal_key: bytes
    """Ed25519, 32 bytes."""
    node_key: bytes
    """Ed25519, 32 bytes."""
    recipient: str
    centre: str
    centre_name: str
    certificate: bytes
    """DER."""
    centre_certificate: bytes
    """Of the key that signs certificates for citizens, DER."""
    enrolled_at: str
    floor: bytes | None
    """A checkpoint of it that central countersigned, and lost: nothing smaller is countersigned again."""

    @property
    def verifier(self) -> VerifierKey:
        """What verifies its checkpoints."""
        return VerifierKey(origin(self.journal), NOTE_SIGNATURE, self.journal_key)


@dataclass(frozen=True, slots=True)
class Given:
    """An invite that central gave, as far as it remembers it."""

    id: EntityId
    secret_sha256: bytes
    centre: str
    centre_name: str
    expires_s: int
    used_by: JournalId | None
    answer: bytes | None


def find_node(tx: Tx, journal: JournalId) -> Node | None:
    """The node with this journal, or None."""
    row = tx.one(_NODE, {"journal": journal})
    return None if row is None else Node(*row)


def require_node(tx: Tx, journal: JournalId) -> Node:
    """The node with this journal.

    Raises:
        NotEnrolled: there is none.
    """
    node = find_node(tx, journal)
    if node is None:
        raise NotEnrolled("This node is not enrolled at this central.", "Ask central IT for an invite, and enrol it.")
    return node


def all_nodes(tx: Tx) -> list[Node]:
    """Every enrolled node, by centre."""
    return [Node(*row) for row in tx.all(_NODES)]


def add_node(tx: Tx, node: Node) -> None:
    """Enrol a node."""
    tx.run(_ADD_NODE, {name: getattr(node, name) for name in t.nodes.c.keys()})  # noqa: SIM118  (not a dict)


def set_floor(tx: Tx, journal: JournalId, note: bytes) -> None:
    """Remember a countersigned checkpoint of the node that central no longer holds."""
    tx.run(_SET_FLOOR, {"k_journal": journal, "floor": note})


def add_invite(
    tx: Tx,
    *,
    url: str,
    authority: bytes,
    centre: str,
    centre_name: str,
    now_s: int,
    random: Callable[[int], bytes],
) -> Invite:
    """Make an invite, good for a day.

    Args:
        url: central's public address.
        authority: the certificate of central's authority, DER.
        centre: the centre's code.
        centre_name: its name.
        now_s: the present, in seconds since 1970.
        random: gives that many random bytes.

    Raises:
        OperatorError: the code or the name is not of its form.
    """
    invite = Invite(
        url=url,
        authority=authority,
        id=entity_id(random(16)),
        secret=random(SECRET_BYTES),
        expires_s=now_s + INVITE_LIFE_S,
        centre=centre,
        centre_name=centre_name,
    )
    try:
        invite = parse_invite(encode_invite(invite))
    except BadInvite:
        raise OperatorError(
            "An invite needs the centre's code (2 to 16 capitals and digits), its name, and central's address.",
            "For example PESH01, and the name as it stands over the door.",
        ) from None
    values = {"id": invite.id, "centre": centre, "centre_name": centre_name, "expires_s": invite.expires_s}
    secret = hashlib.sha256(invite.secret).digest()
    tx.run(_ADD_INVITE, {**values, "secret_sha256": secret, "used_by": None, "answer": None})
    return invite


def find_invite(tx: Tx, invite: str, secret: bytes) -> Given:
    """Find what is known of an invite.

    Raises:
        InviteUnknown: it was never given, or its secret is another.
    """
    row = tx.one(_INVITE, {"id": invite})
    if row is None or not hmac.compare_digest(row[1], hashlib.sha256(secret).digest()):
        raise InviteUnknown("Central does not know this invite.", "Copy it again, or ask central IT for a new one.")
    return Given(*row)


def use_invite(tx: Tx, invite: EntityId, journal: JournalId, answer: bytes) -> bool:
    """Mark an invite as used, with what its node was told; False when another was faster."""
    return bool(tx.run(_USE_INVITE, {"k_id": invite, "used_by": journal, "answer": answer}))


def lease_numbers(tx: Tx, prefix: str, journal: JournalId) -> NumbersLeased:
    """Give a node the next certificate numbers of a prefix; nobody else gets them, ever."""
    row = tx.one(_LAST_NUMBER, {"prefix": prefix})
    first = 1 if row is None or row[0] is None else int(row[0]) + 1
    block = NumbersLeased(prefix=prefix, first=first, last=first + BLOCK_NUMBERS - 1)
    tx.run(_ADD_BLOCK, {"prefix": prefix, "first": block.first, "last": block.last, "journal": journal})
    return block

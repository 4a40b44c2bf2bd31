"""What every schedule begins with, made once: an enrolled central and nodes, with people who are signed in.

Keys are fixed, so that a seed is all that a schedule depends on. Enrolling itself is tested elsewhere.
"""

from __future__ import annotations

import functools
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.access.session import Role, Session, mint, node_session
from appliance.certificates.lists import publisher_name
from appliance.journal import kinds as k
from appliance.journal.checkpoint import Checkpoint, cosign, open_checkpoint, sign_checkpoint
from appliance.journal.entry import Entry
from appliance.journal.ids import JournalId, entity_id, journal_id, orders_of
from appliance.journal.notes import COSIGNATURE, Signer
from appliance.journal.tree import EMPTY
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.records.log import Log
from appliance.records.moment import at_text
from appliance.sealing import age
from appliance.store import local
from appliance.store.commit import Draft, Pen
from appliance.store.orders import take_up
from appliance.store.store import COSIGNER, LOCKER, ORDERS_SIGNER, PUBLISHER, NodeKeys
from sync.central import central as c
from sync.central import registry
from sync.central import tables as ct
from sync.central.authority import Authority, key_bytes, new_key
from sync.central.orders import Orders
from sync.central.registry import Node
from tests.simulation.syncsim.memory import Disk
from tests.support.centrals import public

START: Final = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NODES: Final = 3
CENTRAL: Final = entity_id(b"the only central")
ROLES: Final[dict[Role, k.RoleName]] = {
    Role.SUPERVISOR: "supervisor",
    Role.OPERATOR: "operator",
    Role.OFFICER: "officer",
}
IDENTITIES: Final = (
    "AGE-SECRET-KEY-18LF25M36WX4VWQLTV9Z5UAZV8MVMFG95GPFP3WK5WRJA4XFSFMCS2CLQWT",
    "AGE-SECRET-KEY-1PHHMRKLNGR5EXAKS88FR2TX2WG8GGT5DUJ3JX0TPJF5KCMZECZDQG7DTX5",
    "AGE-SECRET-KEY-1AJW3HJFAQN8F75KUZTHZMNFPHD7XDXPPZRRTG8AGAZ5YRLVN78GQLTA0GU",
)
"""Of the nodes (age); nothing was ever sealed to them but what is made here."""
LOCKER_IDENTITY: Final = "AGE-SECRET-KEY-1T4J59S3NZ8V5PRWE2E0EUQ43UE2KCM0QL9U7E7RURZ2EHPN7LEASZRAXD0"
FOREVER: Final = "9000-01-01T00:00:00.000Z"


@dataclass(frozen=True, slots=True)
class NodeOrigin:
    """One node as it begins."""

    journal: JournalId
    seed: bytes
    """Of the journal key."""
    disk: Disk
    sessions: dict[Role, Session]


@dataclass(frozen=True, slots=True)
class Origins:
    """Everything as it begins. Disks are copied, never used."""

    archive: Disk
    index: Disk
    nodes: tuple[NodeOrigin, ...]


@functools.cache
def origins() -> Origins:
    """Make them, once in a process."""
    draw = random.Random("origins")
    archive, index = Disk(), Disk()
    secrets = {name: draw.randbytes(32) for name in (c.ORDERS_KEY, c.COSIGN_KEY, c.LISTS_KEY)}
    orders = Orders(secrets[c.ORDERS_KEY], lambda: START, draw.randbytes)
    cosigner = Signer(f"sanad/central/{CENTRAL}", secrets[c.COSIGN_KEY], COSIGNATURE)
    publisher = Signer(publisher_name(CENTRAL), secrets[c.LISTS_KEY])
    # No schedule looks at these; only opening a central does.
    authority = Authority.create("Sanad central in memory", START)
    others = {
        c.CA_KEY: authority.secret,
        c.CA_CERTIFICATE: authority.certificate.public_bytes(Encoding.DER),
        c.TLS_KEY: key_bytes(new_key()),
        c.LOCKER_IDENTITY: LOCKER_IDENTITY.encode(),
        c.RECOVERY_IDENTITY: age.new_identity().encode(),
    }
    for disk, tables in ((archive, (t.LOG, ct.CENTRAL)), (index, (t.LOG, t.FOLDED))):
        for each in tables:
            Tx(disk.connection).create(each)
    tx = Tx(archive.connection)
    tx.many(sa.insert(t.secrets), [{"name": name, "value": value} for name, value in (secrets | others).items()])
    named = {"id": CENTRAL, "name": "A central in memory"}
    tx.many(sa.insert(t.local), [{"name": name, "value": value} for name, value in named.items()])
    return Origins(archive, index, tuple(_enrolled(number, tx, orders, cosigner, publisher) for number in range(NODES)))


def _enrolled(number: int, archive: Tx, orders: Orders, cosigner: Signer, publisher: Signer) -> NodeOrigin:
    draw = random.Random(f"node {number}")
    recipient = age.recipient_of(IDENTITIES[number])
    keys = NodeKeys(draw.randbytes(32), draw.randbytes(32), IDENTITIES[number], draw.randbytes(32), b"")
    centre = f"PEW0{number}"
    opened = k.JournalOpened(
        centre=centre,
        centre_name="A centre in memory",
        node_key=public(keys.node).hex(),
        age_recipient=recipient,
        software="simulation",
    )
    disk = Disk()
    tx = Tx(disk.connection)
    for each in (t.LOG, t.FOLDED):
        tx.create(each)
    local.keep_secrets(tx, keys.secrets())
    pen = Pen(keys.journal, draw.randbytes)
    at = at_text(START)
    (first,) = pen.write(tx, node_session(), [Draft(opened)], at)
    note = _admit(archive, pen.signer, keys, recipient, centre, first, cosigner)
    given, orders_note = _first_orders(archive, orders, pen.journal, centre)
    values = {
        COSIGNER: cosigner.verifier.text,
        ORDERS_SIGNER: orders.signer(pen.journal).verifier.text,
        PUBLISHER: publisher.verifier.text,
        LOCKER: age.recipient_of(LOCKER_IDENTITY),
    }
    local.remember(tx, values)
    with local.summed(tx):
        Log(tx, pen.journal).set_cosigned(1, note)
    _take_up(tx, pen, orders, given, orders_note, at)
    return NodeOrigin(pen.journal, keys.journal, disk, _staff(tx, pen, draw, at))


def _admit(
    archive: Tx, signer: Signer, keys: NodeKeys, recipient: str, centre: str, first: Entry, cosigner: Signer
) -> bytes:
    """What `sync.central.enrolment` writes, without certificates; answers the countersigned first checkpoint."""
    journal = journal_id(public(keys.journal))
    node = Node(
        journal=journal,
        journal_key=public(keys.journal),
        node_key=public(keys.node),
        recipient=recipient,
        centre=centre,
        centre_name="A centre in memory",
        certificate=b"-",
        centre_certificate=b"-",
        enrolled_at=at_text(START),
        floor=None,
    )
    registry.add_node(archive, node)
    log = Log(archive, journal)
    frontier = log.append([first], EMPTY)
    checkpoint = sign_checkpoint(Checkpoint(signer.name, frontier.size, frontier.root()), signer)
    log.set_head(frontier, checkpoint)
    note = cosign(checkpoint, cosigner, int(START.timestamp()))
    log.set_cosigned(1, note)
    return note


def _first_orders(archive: Tx, orders: Orders, journal: JournalId, centre: str) -> tuple[list[Entry], bytes]:
    opened = k.OrdersOpened(node=journal, centre=centre, central_name="A central in memory")
    return orders.give(archive, journal, [opened, registry.lease_numbers(archive, centre, journal)])


def _take_up(tx: Tx, pen: Pen, orders: Orders, given: list[Entry], note: bytes, at: str) -> None:
    signed = open_checkpoint(note, orders.signer(pen.journal).verifier)
    applied = take_up(Log(tx, orders_of(pen.journal)), given, signed, note)
    if applied is not None:
        pen.write(tx, node_session(), [Draft(applied)], at)


def _staff(tx: Tx, pen: Pen, draw: random.Random, at: str) -> dict[Role, Session]:
    """One person of each role, signed in for ever."""
    sessions: dict[Role, Session] = {}
    for role, name in ROLES.items():
        person, session = (entity_id(draw.randbytes(16)) for _ in range(2))
        writer = sessions.get(Role.SUPERVISOR, node_session())
        pen.write(tx, writer, [Draft(k.OperatorAdded(login=name, name=name, roles=(name,)), person)], at)
        sessions[role] = mint(id=session, actor=person, role=role, counter="1", expires_at=FOREVER)
        opened = k.SessionOpened(role=name, counter="1", expires_at=FOREVER)
        pen.write(tx, sessions[role], [Draft(opened, session)], at)
    return sessions

"""What must be so of central's orders at the end: each is carried out or a case for people, on both sides the same."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, select

from appliance.journal.entry import read_entry
from appliance.journal.ids import BlobDigest, JournalId
from appliance.journal.kinds import (
    Body,
    ListsPublished,
    ServicePublished,
    ServiceWithdrawn,
    SettingOrdered,
    SettingReleased,
    SubjectErased,
    decode_body,
)
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.records.log import Log
from sync.central.nodecases import open_cases
from tests.simulation.syncsim.bureau import SERVICE
from tests.simulation.syncsim.machines import Broken, CentralBox, NodeBox

_D, _C = t.decisions, t.conflicts
_DECISIONS: Final = select(_D.c.decision, _D.c.state).where(_D.c.journal == bindparam("journal"))
_LOGINS: Final = select(_C.c.conflict).where(
    _C.c.journal == bindparam("journal"), _C.c.what == "login", _C.c.settled_at == ""
)
_SETTINGS: Final = select(t.ordered_settings.c.name, t.ordered_settings.c.value).where(
    t.ordered_settings.c.journal == bindparam("journal")
)
_SERVICES: Final = (
    select(t.services.c.version, t.services.c.digest)
    .where(t.services.c.journal == bindparam("journal"), t.services.c.service == SERVICE)
    .order_by(t.services.c.version.desc())
    .limit(1)
)
_LISTS: Final = (
    select(t.ordered_lists.c.number)
    .where(t.ordered_lists.c.journal == bindparam("journal"))
    .order_by(t.ordered_lists.c.number)
)
_FREED: Final = select(t.freed.c.digest).where(t.freed.c.journal == bindparam("journal"))

Version = tuple[int, str]
NONE: Final[Version] = (-1, "")


def newest_service(tx: Tx, journal: JournalId) -> Version:
    """The version of the service that central published last, as the tables have it, and what it is."""
    row = tx.one(_SERVICES, {"journal": journal})
    return NONE if row is None else (int(row[0]), str(row[1]))


def see_people(box: NodeBox, central: CentralBox, orders: list[tuple[bytes, bytes | None, bytes | None]]) -> None:
    """At the end: decisions are settled or open cases on both sides; settings and services are those ordered last.

    Args:
        box: an honest node, with whom all was synced.
        central: the central.
        orders: those that the node holds.

    Raises:
        Broken: it is not so.
    """
    tx, named = Tx(box.disk.store.connection), {"journal": box.journal}
    states = dict(map(tuple, tx.all(_DECISIONS, named)))
    if "open" in states.values():
        raise Broken(f"{box.name} left a decision of central open")
    here = {each for each, state in states.items() if state == "contested"}
    here |= {row[0] for row in tx.all(_LOGINS, named)}
    archive = Tx(central.disk.archive.connection)
    there = {each.conflict for each in open_cases(archive) if each.journal == box.journal}
    if here != there:
        raise Broken(f"what people must settle at {box.name} is not what central knows: {here ^ there}")
    entries = [read_entry(*each) for each in orders]
    said = [decode_body(each.header.kind, each.body or b"") for each in entries]
    if dict(map(tuple, tx.all(_SETTINGS, named))) != _settings(said):
        raise Broken(f"{box.name} has other settings than were ordered last")
    if newest_service(tx, box.journal) != _service(said):
        raise Broken(f"{box.name} offers another version of a service than the newest")
    if tx.all(_LISTS, named) != sorted({(each.number,) for each in said if isinstance(each, ListsPublished)}):
        raise Broken(f"{box.name} does not know of the lists of which it was told")


def _settings(orders: list[Body | None]) -> dict[str, str]:
    found: dict[str, str] = {}
    for body in orders:
        if isinstance(body, SettingOrdered):
            found[body.name] = body.value
        elif isinstance(body, SettingReleased):
            found.pop(body.name, None)
    return found


def _service(orders: list[Body | None]) -> Version:
    newest = NONE
    for body in orders:
        match body:
            case ServicePublished() if body.version > newest[0]:
                newest = body.version, body.digest
            case ServiceWithdrawn() if body.version > newest[0]:
                newest = body.version, ""
            case _:
                pass
    return newest


def see_kept(box: NodeBox) -> None:
    """A node holds every sealed file that an entry names about somebody who was not erased, or says that it freed it.

    Raises:
        Broken: one is gone without a word.
    """
    tx = Tx(box.disk.store.connection)
    log = Log(tx, box.journal)
    head = log.head()
    entries = list(log.entries(0, 0 if head is None else head.size))
    erased = {each.header.about for each in entries if each.header.kind == SubjectErased.KIND}
    freed = {row[0] for row in tx.all(_FREED, {"journal": box.journal})}
    for entry in entries:
        if entry.header.about not in erased:
            for digest in map(BlobDigest, entry.header.blobs):
                if digest not in box.disk.blobs and digest not in freed:
                    raise Broken(f"{box.name} lacks a sealed file, and no entry says why")

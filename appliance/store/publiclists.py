"""Central's public lists at a node: the newest that came, in a file that anybody may read, and never older ones again.

What was the newest is also remembered inside the store, so that a file that was put back, or taken away, shows. That a
home was put back as a whole, central's orders tell: they say which lists there are, once more has ended.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, select

from appliance.certificates.lists import BadLists, OlderLists, PublicLists, newer, to_text
from appliance.certificates.listsfile import MAX_LISTS, read_lists
from appliance.records import failures
from appliance.records import tables as t
from appliance.records.disk import write_durably
from appliance.records.moment import parse_at
from appliance.store.store import PUBLISHER, Store

NUMBER: Final = "lists-number"
AT: Final = "lists-at"


_ORDERED: Final = (
    select(t.ordered_lists.c.number, t.ordered_lists.c.made_at, t.ordered_lists.c.digest)
    .where(t.ordered_lists.c.journal == bindparam("journal"))
    .order_by(t.ordered_lists.c.number.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Ordered:
    """Lists of which central's orders tell."""

    number: int
    made_at: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What a node has of the public lists."""

    lists: PublicLists | None
    """The file, where it is as it must be."""
    content: bytes
    """Its bytes; empty where it is not."""
    number: int
    """Of the newest lists that ever were here; 0 where none were."""
    at: datetime | None
    """Their date."""
    ordered: Ordered | None
    """The newest lists that central's orders tell of; None where they tell of none."""
    trouble: str
    """What is wrong with the file, and what to do; empty where nothing is."""


def kept(store: Store) -> Kept:
    """See what is here.

    Raises:
        DeviceError: the file cannot be read. BugError: this node is not enrolled.
    """
    known, at, ordered = _newest(store), store.local(AT), _ordered(store)
    lists, content, trouble = None, _content(store), ""
    if content is not None:
        try:
            lists = read_lists(content, [store.central_key(PUBLISHER)])
        except BadLists as error:
            trouble = f"The public lists in this home cannot be used. {error.sentence}"
    elif known:
        trouble = "The public lists were taken from this home."
    if lists is not None and lists.number < known:
        trouble = f"The public lists in this home were put back to older ones (number {lists.number}, not {known})."
        lists = None
    if lists is not None and ordered is not None and lists.number < ordered.number:
        trouble = (
            f"Central has newer public lists (number {ordered.number}, {ordered.made_at[:10]}), "
            f"by which more is revoked or replaced than by those in this home (number {lists.number})."
        )
    if trouble:
        trouble += " The next sync brings new ones."
    usable = content if lists is not None and content is not None else b""
    return Kept(lists, usable, known, None if at is None else parse_at(at), ordered, trouble)


def keep(store: Store, content: bytes) -> bool:
    """Keep lists that came from central, or on a stick.

    Returns:
        Whether they were news.

    Raises:
        BadLists: they are not central's, or not those that its orders tell of. OlderLists: newer ones were here.
        StorageFull, StorageReadOnly: the older ones are still there. BugError: this node is not enrolled.
    """
    offered = read_lists(content, [store.central_key(PUBLISHER)])
    with _alone(store):
        here = kept(store)
        news = here.lists is None or newer(here.lists, offered)
        if offered.number < here.number:
            raise OlderLists(
                f"These lists are older (number {offered.number}) than those that were here before ({here.number}).",
                "Sync again later. If that does not help, tell central IT.",
            )
        if here.ordered is not None and offered.number == here.ordered.number:
            _check(content, here.ordered)
        if news:
            write_durably(store.layout.lists, content)
        if offered.number > here.number:
            store.remember(**{NUMBER: str(offered.number), AT: to_text(offered.at)})
    return news


def are_behind(store: Store) -> bool:
    """Whether central's orders tell of newer lists than ever came here; quickly had."""
    ordered = _ordered(store)
    return ordered is not None and ordered.number > _newest(store)


def _newest(store: Store) -> int:
    number = store.local(NUMBER)
    return int(number) if number else 0


def _check(content: bytes, ordered: Ordered) -> None:
    if hashlib.sha256(content).hexdigest() != ordered.sha256:
        raise BadLists(
            f"These lists bear the number {ordered.number}, and are not those that central's orders tell of.",
            "Tell central IT: central may have been restored from a backup, or somebody else has its key.",
        )


def _ordered(store: Store) -> Ordered | None:
    with store.read() as tx:
        row = tx.one(_ORDERED, {"journal": store.journal})
    return None if row is None else Ordered(*row)


def _content(store: Store) -> bytes | None:
    try:
        with store.layout.lists.open("rb") as file:
            return file.read(MAX_LISTS + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise failures.of_os(error) from error


@contextmanager
def _alone(store: Store) -> Iterator[None]:
    """Whoever else keeps lists here waits: of two that came, the newer one stays."""
    descriptor = os.open(store.layout.lists.with_suffix(".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

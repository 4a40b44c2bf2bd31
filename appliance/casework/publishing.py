"""The services of a centre: those that come with Sanad, over them what central published, over these the centre's own.

Of what central published the highest version counts that this software can read: one that it cannot read is named with
the reason, and keeps nothing else from working. A service that central withdrew is begun no more; cases go on under it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from typing import Final

from sqlalchemy import bindparam, select

from appliance.casework.services import kept_file
from appliance.catalogue import Catalogue, Service, read_service
from appliance.journal.errors import OperatorError
from appliance.records import tables as t
from appliance.store.store import Store

_PUBLISHED: Final = (
    select(t.services.c.service, t.services.c.version, t.services.c.digest, t.services.c.at)
    .where(t.services.c.journal == bindparam("journal"))
    .order_by(t.services.c.service, t.services.c.version.desc())
)


class Use(Enum):
    """What becomes of a version that central published."""

    USED = "used"
    WITHDRAWN = "withdrawn"
    COVERED = "the centre's own file is used instead"
    UNREADABLE = "refused"


@dataclass(frozen=True, slots=True)
class Published:
    """A version of a service that central published, or withdrew, and what becomes of it here; `why` where refused."""

    service: str
    version: int
    digest: str
    at: str
    use: Use
    why: str = ""

    @property
    def words(self) -> str:
        """One line about it."""
        return f"{self.service}, version {self.version}: {self.use.value}{f'. {self.why}' if self.why else ''}"


@dataclass(frozen=True, slots=True)
class Offered:
    """The services of a centre, and what became of those that central published."""

    catalogue: Catalogue
    published: tuple[Published, ...]


def offered(bundled: Catalogue, own: Catalogue, store: Store | None) -> Offered:
    """What a centre offers.

    Args:
        bundled: the services that come with Sanad.
        own: of the centre's own files.
        store: holds central's orders; None where it is not open, and nothing is known of them.
    """
    services: dict[str, Service] = dict(bundled.services)
    found: list[Published] = []
    if store is not None:
        for service, versions in groupby(_versions(store), lambda each: each[0].service):
            for published, content in versions:
                judged, read = _judge(published, content, own.services)
                found.append(judged)
                if read is not None:
                    services[service] = read
                elif judged.use is Use.WITHDRAWN:
                    services.pop(service, None)
                if judged.use is not Use.UNREADABLE:
                    break
    services.update(own.services)
    ordered = sorted(services.items(), key=lambda each: (each[1].title.en, each[0]))
    return Offered(Catalogue(dict(ordered)), tuple(found))


def _versions(store: Store) -> Iterator[tuple[Published, bytes | None]]:
    with store.read() as tx:
        rows = tx.all(_PUBLISHED, {"journal": store.journal})
        files = {digest: kept_file(tx, store.journal, digest) for _, _, digest, _ in rows if digest}
    for service, version, digest, at in rows:
        yield Published(service, version, digest, at, Use.USED), files.get(digest)


def _judge(published: Published, content: bytes | None, own: Mapping[str, Service]) -> tuple[Published, Service | None]:
    said = (published.service, published.version, published.digest, published.at)
    if published.service in own:
        return Published(*said, Use.COVERED), None
    if not published.digest:
        return Published(*said, Use.WITHDRAWN), None
    if content is None:
        return Published(*said, Use.UNREADABLE, "Its file is not the one that its order names."), None
    try:
        return published, read_service(f"{published.service}.toml", content)
    except OperatorError as error:
        return Published(*said, Use.UNREADABLE, f"{error.sentence} Central must publish it anew."), None

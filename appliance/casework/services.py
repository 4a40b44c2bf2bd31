"""Services as they were: a case goes on under the version that it was handed in under, whatever became of the file.

What something is handed in under is written into the journal once, whole (`service.used`), unless central's orders hold
it; so it is there for as long as the journal is. Of cases that are older than that, the catalogue of today is asked.
"""

from __future__ import annotations

import hashlib
from typing import Final

from sqlalchemy import bindparam, select

from appliance.casework.cases import Case
from appliance.casework.centre import Centre
from appliance.catalogue import Service, read_service
from appliance.journal import kinds as k
from appliance.journal.entry import MAX_BODY
from appliance.journal.errors import IntegrityError, OperatorError
from appliance.journal.ids import JournalId, orders_of
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.records.log import Log
from appliance.store.store import Draft

KEPT: Final = 64
"""Services as they were that are kept read."""
_FILE: Final = select(t.service_files.c.service, t.service_files.c.by, t.service_files.c.seq).where(
    t.service_files.c.journal == bindparam("journal"), t.service_files.c.digest == bindparam("digest")
)


def service_of(centre: Centre, tx: Tx, case: Case) -> Service:
    """The service of an application, as it was when it was handed in.

    Raises:
        OperatorError: it is not in the catalogue, nor kept here.
    """
    return service_by(centre, tx, case.service, case.service_digest)


def service_by(centre: Centre, tx: Tx, service: str, digest: str) -> Service:
    """A service by its identifier and the digest of its file; that of today where there is no digest, or no such file.

    Raises:
        OperatorError: it is not in the catalogue, nor kept here.
    """
    today = centre.catalogue.services.get(service)
    if digest and (today is None or today.digest != digest):
        kept = _kept(tx, centre.store.journal, service, digest)
        if kept is not None:
            return kept
    return centre.catalogue.service(service)


def shown_service(centre: Centre, service: str, digest: str) -> Service | None:
    """The same for a screen, in a look of its own; None where it is not to be had."""
    today = centre.catalogue.services.get(service)
    if today is not None and (not digest or today.digest == digest):
        return today
    if digest in _READ:
        return _READ[digest]
    try:
        with centre.store.read() as tx:
            return service_by(centre, tx, service, digest)
    except OperatorError:
        return None


def kept_file(tx: Tx, journal: JournalId, digest: str) -> bytes | None:
    """The service file of that digest, where the journal or central's orders hold it.

    Raises:
        IntegrityError: what they hold is another file than they say.
    """
    row = tx.one(_FILE, {"journal": journal, "digest": digest})
    if row is None:
        return None
    by, seq = row[1], int(row[2])
    (entry,) = Log(tx, orders_of(journal) if by == "central" else journal).entries(seq, seq + 1)
    body = None if entry.body is None else k.decode_body(entry.header.kind, entry.body)
    if not isinstance(body, k.ServicePublished | k.ServiceUsed):
        raise IntegrityError("A service file is not where the tables say.", "Run `sanad journal verify`.")
    content = body.content.encode()
    if hashlib.sha256(content).hexdigest() != digest:
        # Whoever wrote it said what is not so; nothing rests on it.
        return None
    return content


def kept_with(tx: Tx, journal: JournalId, service: Service) -> list[Draft]:
    """What is written beside the first case under a service, so that it stays what it was for that."""
    if not service.source or tx.one(_FILE, {"journal": journal, "digest": service.digest}) is not None:
        return []
    content = service.source.decode()
    if len(content) > k.MAX_SERVICE:
        return []
    body = k.ServiceUsed(service=service.id, digest=service.digest, content=content)
    return [Draft(body)] if len(k.encode_body(body)) <= MAX_BODY else []


_READ: Final[dict[str, Service]] = {}
"""By the digest of their file, which says all that they are; so it does not matter whose they are."""


def _kept(tx: Tx, journal: JournalId, service: str, digest: str) -> Service | None:
    if digest not in _READ:
        content = kept_file(tx, journal, digest)
        if content is None:
            return None
        if len(_READ) >= KEPT:
            _READ.clear()
        _READ[digest] = read_service(f"{service}.toml", content)
    return _READ[digest]

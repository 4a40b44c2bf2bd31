"""What people at central order of nodes: services, settings, operators, decisions; each is checked before that.

Everything goes out by one function, `give`, which puts orders into a node's journal of them. What is ordered of every
node stands in the table `standing`; a node that lacks it (a new one, or one whose orders were lost) is given it when
its entries are folded next. Who ordered what is kept for ever.

Central's own copy of a node may be old. What it shows is held against an order, so that mistakes are refused at once;
what the node knows better is settled there, and comes back as an entry.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy import bindparam, select
from sqlalchemy.dialects.sqlite import insert

from appliance.access.onetime import make_secret, secret_sha256
from appliance.catalogue import orderable, read_service
from appliance.journal import kinds as k
from appliance.journal.entry import MAX_BODY
from appliance.journal.errors import OperatorError, SanadError
from appliance.journal.ids import EntityId, JournalId, entity_id
from appliance.records import tables as folded
from appliance.records.database import Database, Tx
from appliance.records.moment import Clock, at_text
from sync.central import endedkeys, registry
from sync.central import tables as t
from sync.central.quarantine import clean_reason
from sync.central.registry import Node

SECRET_FOR: Final = timedelta(days=14)
"""How long a one-time secret is good."""
Give = Callable[[Tx, Node, Sequence[k.Body]], None]

_STANDING: Final = select(t.standing.c.name, t.standing.c.number).order_by(t.standing.c.number)
_NEWEST_STANDING: Final = select(sa.func.max(t.standing.c.number))
_STANDS: Final = select(t.standing.c.kind, t.standing.c.body).where(t.standing.c.name == bindparam("name"))
_STAND: Final = insert(t.standing)
_PUT_STANDING: Final = _STAND.on_conflict_do_update(
    index_elements=[t.standing.c.name],
    set_={each: _STAND.excluded[each] for each in ("kind", "body", "number", "at")},
)
_GIVEN: Final = select(t.standing_given.c.name, t.standing_given.c.number).where(
    t.standing_given.c.journal == bindparam("journal")
)
_MARK: Final = insert(t.standing_given)
_PUT_GIVEN: Final = _MARK.on_conflict_do_update(
    index_elements=[t.standing_given.c.journal, t.standing_given.c.name], set_={"number": _MARK.excluded.number}
)
_ACT: Final = sa.insert(t.order_acts)
_COUNT_ACTS: Final = select(sa.func.count()).select_from(t.order_acts)
_LAST_VERSION: Final = select(sa.func.max(folded.services.c.version)).where(
    folded.services.c.service == bindparam("service")
)
_LAST_PUBLISHED: Final = select(t.published.c.version).where(t.published.c.service == bindparam("service"))
_PUBLISH: Final = insert(t.published)
_PUT_PUBLISHED: Final = _PUBLISH.on_conflict_do_update(
    index_elements=[t.published.c.service], set_={"version": _PUBLISH.excluded.version}
)
_DECODERS: Final = {kind: msgspec.json.Decoder(body) for kind, body in k.KINDS.items()}
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ordered:
    """What came of an order: the nodes that have been given it, and those that get it when they have synced."""

    nodes: tuple[JournalId, ...]
    later: tuple[JournalId, ...] = ()


@dataclass(frozen=True, slots=True)
class Publication:
    """A service that was published or withdrawn."""

    service: str
    version: int
    digest: str
    ordered: Ordered


class Ordering:
    """Orders of one central.

    Args:
        archive: the archive.
        index: the index.
        give: puts orders into a node's journal of them.
        clock: what time it is.
        random: gives that many random bytes.
    """

    def __init__(
        self, archive: Database, index: Database, give: Give, clock: Clock, random: Callable[[int], bytes]
    ) -> None:
        self.archive = archive
        self.index = index
        self._give = give
        self._clock = clock
        self._random = random
        self._reminded: dict[JournalId, int] = {}

    def nodes(self, named: Sequence[str]) -> list[JournalId]:
        """The nodes in service that are meant by journals or centres' codes.

        Raises:
            OperatorError: one of them is no node's, or nobody is meant.
        """
        with self.archive.read() as tx:
            known = [node for node in registry.all_nodes(tx) if node.journal not in endedkeys.ended_keys(tx)]
        found: dict[JournalId, None] = {}
        for name in named:
            meant = [node.journal for node in known if name in (node.journal, node.centre)]
            if not meant:
                raise OperatorError(
                    f"No node in service has the journal or centre {name}.", "See `sanad central nodes`."
                )
            found.update(dict.fromkeys(meant))
        if not found:
            raise OperatorError("It is not said of which node this is ordered.", "Name it with --to, or say --all.")
        return list(found)

    # Services

    def publish(self, service: str, content: bytes, to: Sequence[JournalId] | None, by: str) -> Publication:
        """Publish a service, from its file.

        Args:
            service: its identifier, the file's name without `.toml`.
            content: the file.
            to: the nodes; None for every one, also those that enrol later.
            by: who orders it.

        Raises:
            BadService, OperatorError: the file is refused; nothing was ordered.
        """
        read = read_service(f"{service}.toml", content)
        text = content.decode()
        if len(text) > k.MAX_SERVICE:
            raise OperatorError(f"A service file has at most {k.MAX_SERVICE} characters.", "Shorten it.")
        body = k.ServicePublished(service=read.id, version=0, digest=read.digest, content=text)
        if len(k.encode_body(body)) > MAX_BODY:
            raise OperatorError("This service file is too long to be ordered.", "Shorten it.")
        return self._number(body, to, by)

    def withdraw(self, service: str, to: Sequence[JournalId] | None, by: str) -> Publication:
        """Withdraw a service: nothing is begun under it any more.

        Raises:
            OperatorError: no service is called so.
        """
        try:
            body = k.ServiceWithdrawn(service=service, version=0)
            k.encode_body(body)
        except SanadError:
            raise OperatorError("No service is called so.", "A service's id is small letters, digits and _.") from None
        return self._number(body, to, by)

    def _number(
        self, body: k.ServicePublished | k.ServiceWithdrawn, to: Sequence[JournalId] | None, by: str
    ) -> Publication:
        # By the second, as the public lists: so it rises also at a central that was put back from an old backup.
        with self.index.read() as tx:
            seen = _number_in(tx.one(_LAST_VERSION, {"service": body.service}))
        with self.archive.write() as tx:
            own = _number_in(tx.one(_LAST_PUBLISHED, {"service": body.service}))
            version = max(int(self._clock().timestamp()), seen + 1, own + 1)
            tx.run(_PUT_PUBLISHED, {"service": body.service, "version": version})
        body = msgspec.structs.replace(body, version=version)
        ordered = self._order(body, f"service {body.service}", to, by)
        return Publication(body.service, version, getattr(body, "digest", ""), ordered)

    # Settings

    def set(self, name: str, value: str, to: Sequence[JournalId] | None, by: str) -> Ordered:
        """Order a setting, where a node's own file says none.

        Raises:
            OperatorError: central may not order that one, or the value is none of it.
        """
        written = orderable.parse(name, value).text
        return self._order(k.SettingOrdered(name=name, value=written), f"setting {name}", to, by)

    def release(self, name: str, to: Sequence[JournalId] | None, by: str) -> Ordered:
        """Order a setting no more.

        Raises:
            OperatorError: there is none of that name.
        """
        orderable.named(name)
        return self._order(k.SettingReleased(name=name), f"setting {name}", to, by)

    # One node

    def order(self, journal: JournalId, body: k.Body, by: str) -> None:
        """Order one thing of one node.

        Raises:
            NotEnrolled: there is no such node. OperatorError: it is out of service.
        """
        with self.archive.write() as tx:
            endedkeys.refuse_stopped(tx, journal)
            self._give(tx, registry.require_node(tx, journal), [body])
            self._record(tx, journal, body, by)

    def new_id(self) -> EntityId:
        """A fresh identifier."""
        return entity_id(self._random(16))

    def name_operator(self, journal: JournalId, login: str, name: str, roles: Sequence[k.RoleName], by: str) -> str:
        """Let somebody sign in at a node; answers the one-time secret, which stands nowhere else.

        Raises:
            OperatorError: the login, name or roles are unfit.
        """
        secret = make_secret(self._random)
        until = at_text(self._clock() + SECRET_FOR)
        body = k.OperatorNamed(
            operator=self.new_id(),
            login=login,
            name=name,
            roles=tuple(roles),
            secret_sha256=secret_sha256(secret),
            until=until,
        )
        self.order(journal, body, by)
        return secret

    # What every node is to have

    def stand(self, tx: Tx, name: str, body: k.Body, by: str) -> None:
        """Let every node have an order with its next session or entries, also one that enrols later.

        Args:
            tx: on the archive.
            name: what it is about; it takes the place of the last one about that, also where a node never got that.
            body: the order.
            by: who orders it.
        """
        number = self._record(tx, "", body, by)
        values = {"name": name, "kind": body.KIND, "body": k.encode_body(body), "number": number}
        tx.run(_PUT_STANDING, {**values, "at": at_text(self._clock())})

    def catch_up(self, journal: JournalId) -> int:
        """Give a node what every node is to have and it was not given; answers how many orders that made."""
        with self.archive.read() as tx:
            if not (lacking := self._lacking(tx, journal)) or journal in endedkeys.ended_keys(tx):
                return 0
        with self.archive.write() as tx:
            lacking = self._lacking(tx, journal)
            if lacking:
                self._give(tx, registry.require_node(tx, journal), [_standing(tx, name) for name in lacking])
                given = ({"name": name, "number": number} for name, number in lacking.items())
                tx.many(_PUT_GIVEN, [{"journal": journal, **each} for each in given])
        return len(lacking)

    def try_catch_up(self, journal: JournalId) -> int:
        """The same where nobody waits for it: a node that may be given nothing now is given it later."""
        try:
            return self.catch_up(journal)
        except SanadError as error:
            _log.warning("standing orders wait", journal=journal, error=type(error).__name__)
            return 0

    def remind(self, journal: JournalId) -> None:
        """The same for a node that waits for news, again and again: nothing is looked up where nothing new stands."""
        with self.archive.read() as tx:
            newest = _number_in(tx.one(_NEWEST_STANDING))
        if self._reminded.get(journal) != newest:
            self.try_catch_up(journal)
            self._reminded[journal] = newest

    def _lacking(self, tx: Tx, journal: JournalId) -> dict[str, int]:
        """What stands and was not given, in its order."""
        given = {name: number for name, number in tx.all(_GIVEN, {"journal": journal})}  # noqa: C416  (rows are Any)
        return {name: number for name, number in tx.all(_STANDING) if given.get(name) != number}

    def _order(self, body: k.Body, name: str, to: Sequence[JournalId] | None, by: str) -> Ordered:
        if to is not None:
            for journal in to:
                self.order(journal, body, by)
            return Ordered(tuple(to))
        with self.archive.write() as tx:
            self.stand(tx, name, body, by)
            journals = [each.journal for each in registry.all_nodes(tx)]
            ended = endedkeys.ended_keys(tx)
        done: list[JournalId] = []
        later: list[JournalId] = []
        for journal in (each for each in journals if each not in ended):
            try:
                self.catch_up(journal)
            except SanadError:
                later.append(journal)
            else:
                done.append(journal)
        return Ordered(tuple(done), tuple(later))

    def _record(self, tx: Tx, journal: str, body: k.Body, by: str) -> int:
        """Keep who ordered what, for ever; answers its number."""
        number = _number_in(tx.one(_COUNT_ACTS)) + 1
        digest = hashlib.sha256(k.encode_body(body)).hexdigest()
        said = {"journal": journal, "kind": body.KIND, "body_sha256": digest, "by": clean_reason(by)}
        tx.run(_ACT, {"number": number, "at": at_text(self._clock()), **said})
        return number


def _standing(tx: Tx, name: str) -> k.Body:
    kind, body = tx.all(_STANDS, {"name": name})[0]
    found: k.Body = _DECODERS[kind].decode(body)
    return found


def _number_in(row: Sequence[object] | None) -> int:
    return 0 if row is None or row[0] is None else int(str(row[0]))

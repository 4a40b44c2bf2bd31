"""Publishing the public lists: one file in central's home, made anew when there is more to say, and every day.

A number is the second (since 1970) of its publication, or one more than the last where that is greater; a date is never
earlier than the last. So both rise whatever the clock does, and also after central was restored from a backup: what
was published since then had the seconds of its own time. What was ever said stays said: the last lists go into the
next ones, from the file, which lies outside the databases, or from a node that holds newer ones and hands them back
(`take`).

Several processes may publish for one home, one at a time; the file is the truth for all of them.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa
import structlog
from sqlalchemy import bindparam, select

from appliance.certificates.lists import BadLists, PublicLists
from appliance.certificates.listsfile import MAX_LISTS, in_order, read_lists, write_lists
from appliance.journal.errors import IntegrityError, SanadError
from appliance.journal.notes import Signer
from appliance.records import failures
from appliance.records import tables as log_tables
from appliance.records.database import Database, Tx
from appliance.records.disk import write_durably
from appliance.records.moment import Clock, at_text, parse_at
from sync.central import known
from sync.central.authority import VALID_FROM
from sync.central.known import Known
from sync.listsfetch import etag

NUMBER: Final = "lists-number"
AT: Final = "lists-at"
"""Under which the archive remembers the last publication, lest the file was put back."""
SHARE: Final = 20
"""Looking for changes takes at most one part in so many of a server's time."""

_LOCAL: Final = select(log_tables.local.c.value).where(log_tables.local.c.name == bindparam("name"))
_ADD: Final = sa.insert(log_tables.local)
_DROP: Final = sa.delete(log_tables.local).where(log_tables.local.c.name == bindparam("k_name"))
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Publication:
    """What is published at a moment."""

    lists: PublicLists
    content: bytes

    @property
    def etag(self) -> str:
        """What names it to HTTP."""
        return etag(self.content)

    @property
    def sha256(self) -> str:
        """Of the file, in hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()


class Publisher:
    """Publishes for one central.

    Args:
        archive: central's archive.
        index: central's index.
        place: the file.
        signer: the publishing key.
        gather: reads what there is to say, given readers of both databases.
        settle: waits a moment for what is on its way into the index.
        published: told what is published, once for each time that it changed, and once when this is new.
        clock: what time it is.
        monotonic_s: seconds on a clock that nobody can set.
    """

    def __init__(
        self,
        archive: Database,
        index: Database,
        place: Path,
        signer: Signer,
        gather: Callable[[Tx, Tx], Known],
        settle: Callable[[], None],
        published: Callable[[Publication], None],
        *,
        clock: Clock,
        monotonic_s: Callable[[], float],
    ) -> None:
        self._archive = archive
        self._index = index
        self._place = place
        self._signer = signer
        self._gather = gather
        self._settle = settle
        self._told_of = published
        self._told: Publication | None = None
        self._clock = clock
        self._monotonic_s = monotonic_s
        self._guard = threading.Lock()
        self._mark: tuple[object, ...] = ()
        self._read: tuple[tuple[int, int, int], Publication] | None = None
        self._rest_until_s = monotonic_s()

    def current(self) -> Publication:
        """What is published now; made anew first where there is more to say, or the last is of another day."""
        with self._guard:
            started_s = self._monotonic_s()
            if self._read is None or started_s >= self._rest_until_s:
                self._settle()
                self._publish_if_due()
                took_s = self._monotonic_s() - started_s
                self._rest_until_s = started_s + took_s * SHARE
            return self._published()

    def publish(self) -> Publication:
        """Make the lists anew, at once, where there is more to say, or the last are of another day."""
        with self._guard:
            self._publish_if_due()
            return self._published()

    def take(self, content: bytes) -> bool:
        """Take back lists that this central published and has lost.

        Args:
            content: as a node holds them.

        Returns:
            Whether they were news.

        Raises:
            BadLists: they are not this central's.
        """
        offered = read_lists(content, [self._signer.verifier])
        with self._guard, self._alone():
            last = self._last()
            if last is not None and last.lists.number >= offered.number:
                return False
            write_durably(self._place, content)
            self._mark = ()
            self._rest_until_s = self._monotonic_s()
        _log.warning("lists handed back", number=offered.number)
        return True

    def _publish_if_due(self) -> None:
        with self._archive.read() as archive, self._index.read() as index:
            mark, (number, _) = known.mark(archive, index), _remembered(archive)
        last = self._last()
        if mark == self._mark and last is not None and self._is_of_today(last) and last.lists.number >= number:
            return
        with self._alone():
            self._make()
        self._mark = mark

    def _make(self) -> None:
        last = self._last()
        said = None if last is None else last.lists
        with self._archive.read() as archive, self._index.read() as index:
            there_is = self._gather(archive, index)
            number, at = _remembered(archive)
        if last is not None and last.lists.number >= number and self._is_of_today(last):
            again = in_order(*known.say(said, there_is, last.lists.number, last.lists.at))
            if again == (last.lists.trust, last.lists.revocations):
                return
        now = self._clock().replace(microsecond=0)
        if said is not None:
            number, at = max(number, said.number), max(at, said.at)
        if now < at:
            _log.warning("the clock is behind the last lists", at=at_text(at))
        number, at = max(number + 1, int(now.timestamp())), max(at, now)
        content = write_lists(*known.say(said, there_is, number, at), self._signer)
        with self._archive.write() as tx:
            for name, value in ((NUMBER, str(number)), (AT, at_text(at))):
                tx.run(_DROP, {"k_name": name})
                tx.run(_ADD, {"name": name, "value": value})
        write_durably(self._place, content)

    def _is_of_today(self, last: Publication) -> bool:
        return self._clock().astimezone(UTC).date() <= last.lists.at.date()

    def _published(self) -> Publication:
        last = self._last()
        if last is None:
            raise IntegrityError("The public lists are gone from central's home.", "Run `sanad central lists` again.")
        if self._told is not last:
            self._tell(last)
        return last

    def _tell(self, last: Publication) -> None:
        try:
            self._told_of(last)
        except SanadError as error:
            # Whoever asks for lists is given them all the same; the next who asks has it told again.
            _log.warning("nodes are not told of the lists yet", number=last.lists.number, error=type(error).__name__)
        else:
            self._told = last

    def _last(self) -> Publication | None:
        """What lies there, read once; None where there is nothing that this central published."""
        try:
            with self._place.open("rb") as file:
                found = os.fstat(file.fileno())
                stamp = found.st_ino, found.st_mtime_ns, found.st_size
                if self._read is None or self._read[0] != stamp:
                    content = file.read(MAX_LISTS + 1)
                    lists = read_lists(content, [self._signer.verifier])
                    self._read = stamp, Publication(lists, content)
        except FileNotFoundError:
            return None
        except BadLists as error:
            _log.error("the lists in central's home are not its own", error=type(error).__name__)
            return None
        except OSError as error:
            raise failures.of_os(error) from error
        return self._read[1]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        lock = self._place.with_suffix(".lock")
        descriptor = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _remembered(archive: Tx) -> tuple[int, datetime]:
    """The number and date of the last publication, as the archive knows them."""
    number, at = (archive.one(_LOCAL, {"name": name}) for name in (NUMBER, AT))
    return int(number[0]) if number else 0, parse_at(at[0]) if at else VALID_FROM

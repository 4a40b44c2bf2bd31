"""Who may see central's pages: names, passwords that central makes, and how often somebody may try one.

A password has 80 random bits and is shown once; an Argon2id string of it is kept, made with a pepper that lies in the
archive. So guessing is hopeless, and what is limited is how much memory and time guesses may cost.
"""

from __future__ import annotations

import base64
import re
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from appliance.journal.errors import OperatorError
from appliance.records import tables as records
from appliance.records.database import Database, Tx
from appliance.records.moment import Clock, at_text
from appliance.sealing.passphrase import PASSWORD_COST, Cost, check_nobody, check_password, hash_password
from sync.central import tables as t

PASSWORD_BYTES: Final = 10
GROUP: Final = 4
"""Characters of a password between two hyphens."""
PEPPER: Final = "viewers-pepper"
PEPPER_BYTES: Final = 32
TRIES: Final = 10
"""From one address, within `TRIES_S`."""
ALL_TRIES: Final = 60
"""From all addresses together, within `TRIES_S`."""
TRIES_S: Final = 300.0
MAX_ADDRESSES: Final = 1024
AT_ONCE: Final = 2
"""Passwords that are checked at once; each takes 64 MiB meanwhile."""

_NAME: Final = re.compile(r"[a-z][a-z0-9._-]{0,31}")
_SECRET: Final = select(records.secrets.c.value).where(records.secrets.c.name == bindparam("name"))
_ADD_SECRET: Final = sa.insert(records.secrets)
_ALL: Final = select(t.viewers.c.name, t.viewers.c.made_at).order_by(t.viewers.c.name)
_ONE: Final = select(t.viewers.c.password).where(t.viewers.c.name == bindparam("name"))
_ADD: Final = sa.insert(t.viewers)
_DROP: Final = sa.delete(t.viewers).where(t.viewers.c.name == bindparam("k_name"))


class TooManyTries(OperatorError):
    """Too many passwords were tried."""

    def __init__(self) -> None:
        super().__init__("Too many tries.", f"Wait {int(TRIES_S / 60)} minutes, then try again.")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who may see the pages."""

    name: str
    made_at: str


class Viewers:
    """The viewers of one central.

    Args:
        database: the archive.
        clock: what time it is.
        random: a cryptographic source of random bytes.
        cost: of checking one password.
    """

    def __init__(
        self, database: Database, *, clock: Clock, random: Callable[[int], bytes], cost: Cost = PASSWORD_COST
    ) -> None:
        self._database = database
        self._clock = clock
        self._random = random
        self._cost = cost
        self._at_once = threading.BoundedSemaphore(AT_ONCE)

    def all(self) -> tuple[Viewer, ...]:
        """Everybody."""
        with self._database.read() as tx:
            return tuple(Viewer(*row) for row in tx.all(_ALL))

    def add(self, name: str) -> str:
        """Let somebody in, or give them another password; answers the password, which nobody can show again.

        Raises:
            OperatorError: the name is not of its form.
        """
        if _NAME.fullmatch(name) is None:
            raise OperatorError(
                f"{name!r} is no name for a viewer.", "Use small letters, digits, points and hyphens, a letter first."
            )
        text = base64.b32encode(self._random(PASSWORD_BYTES)).decode().lower().rstrip("=")
        password = "-".join(text[at : at + GROUP] for at in range(0, len(text), GROUP))
        with self._database.read() as tx:
            pepper = _pepper(tx)
        made = pepper or self._random(PEPPER_BYTES)
        stored = hash_password(password, made, self._cost, random=self._random)
        with self._database.write() as tx:
            if pepper is None:
                tx.run(_ADD_SECRET, {"name": PEPPER, "value": made})
            tx.run(_DROP, {"k_name": name})
            tx.run(_ADD, {"name": name, "password": stored, "made_at": at_text(self._clock())})
        return password

    def remove(self, name: str) -> None:
        """Let somebody in no more.

        Raises:
            OperatorError: there is nobody of that name.
        """
        with self._database.write() as tx:
            if not tx.run(_DROP, {"k_name": name}):
                raise OperatorError(f"There is no viewer {name}.", "See `sanad central viewer`.")

    def standing(self, name: str) -> str | None:
        """Something that changes when somebody gets another password; None when they may see nothing."""
        with self._database.read() as tx:
            row = tx.one(_ONE, {"name": name})
        return None if row is None else str(row[0])

    def check(self, name: str, password: str) -> bool:
        """Whether this is the password of somebody who may see the pages; takes as long for names that nobody has."""
        with self._database.read() as tx:
            pepper, row = _pepper(tx), tx.one(_ONE, {"name": name})
        with self._at_once:
            if pepper is None or row is None:
                check_nobody(pepper or bytes(PEPPER_BYTES), self._cost)
                return False
            return check_password(password, str(row[0]), pepper)


class Tries:
    """How often passwords were tried lately, by address; from several threads.

    Args:
        monotonic_s: seconds on a clock that nobody can set.
    """

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._now_s = monotonic_s
        self._guard = threading.Lock()
        self._all: deque[float] = deque()
        self._by_address: OrderedDict[str, deque[float]] = OrderedDict()

    def count(self, address: str) -> None:
        """Somebody tries a password.

        Raises:
            TooManyTries: too many were tried.
        """
        with self._guard:
            now_s = self._now_s()
            own = self._by_address.setdefault(address, deque())
            self._by_address.move_to_end(address)
            if len(self._by_address) > MAX_ADDRESSES:
                self._by_address.popitem(last=False)
            for tries in (own, self._all):
                while tries and now_s - tries[0] > TRIES_S:
                    tries.popleft()
            if len(own) >= TRIES or len(self._all) >= ALL_TRIES:
                raise TooManyTries
            own.append(now_s)
            self._all.append(now_s)

    def forget(self, address: str) -> None:
        """Somebody knew the password."""
        with self._guard:
            own = self._by_address.pop(address, deque())
            for each in own:
                if each in self._all:
                    self._all.remove(each)


def _pepper(tx: Tx) -> bytes | None:
    row = tx.one(_SECRET, {"name": PEPPER})
    return None if row is None else bytes(row[0])

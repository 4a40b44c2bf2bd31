"""How much a metered link may carry in a day, both ways. Entries are always sent; sealed files wait for another day."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

SAVE_EVERY: Final = 1024 * 1024
"""Bytes after which what was carried is saved at the latest; a kill forgets less."""


class Allowance:
    """Counts what is sent in a day.

    Args:
        cap: bytes a day, or None for no bound.
        today: the day (UTC), `YYYY-MM-DD`.
        load: says how many bytes were sent on a day, as saved.
        save: saves it.
    """

    def __init__(
        self,
        cap: int | None,
        *,
        today: Callable[[], str],
        load: Callable[[str], int],
        save: Callable[[str, int], None],
    ) -> None:
        self._cap = cap
        self._today = today
        self._load = load
        self._save = save
        self._guard = threading.Lock()
        self._day = today()
        self._sent = load(self._day)
        self._saved = self._sent
        self._closed = False

    def set_cap(self, cap: int | None) -> None:
        """From here on so many bytes a day, or no bound."""
        with self._guard:
            self._cap = cap

    @property
    def is_bounded(self) -> bool:
        """Whether there is a cap."""
        with self._guard:
            return self._cap is not None

    def may_send(self, count: int) -> bool:
        """Whether so many bytes of a sealed file may be sent today."""
        with self._guard:
            self._turn()
            return self._cap is None or self._sent + count <= self._cap

    def spend(self, count: int) -> None:
        """So many bytes went or came, whatever they are. After `close` nothing is counted: the store may be closed."""
        with self._guard:
            if self._closed:
                return
            self._turn()
            self._sent += count
            if self._sent - self._saved >= SAVE_EVERY:
                self._keep()

    def save(self) -> None:
        """Save the count."""
        with self._guard:
            if self._sent != self._saved and not self._closed:
                self._keep()

    def close(self) -> None:
        """Save the count, and count no more."""
        self.save()
        with self._guard:
            self._closed = True

    def _turn(self) -> None:
        if (day := self._today()) != self._day:
            self._day, self._sent = day, self._load(day)
            self._saved = self._sent

    def _keep(self) -> None:
        self._save(self._day, self._sent)
        self._saved = self._sent

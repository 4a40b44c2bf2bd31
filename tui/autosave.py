"""Saving what is typed while it is typed: the first keystroke starts a short wait, then all there is is saved.

Not a debounce: somebody who types without a pause is saved all the same. At most one save is under way; what is typed
meanwhile goes with the next one. A save that fails is tried again, and the screen says that it failed. Where the
session is over no box opens under the typing fingers: the password is asked for when the operator does something else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from appliance.access.session import Session
from appliance.journal.errors import SanadError
from tui.work import WorkingScreen

WAIT_S: Final = 0.25
"""From a keystroke to the save that holds it; with the save itself it stays below a second."""
RETRY_S: Final = 3.0


class Autosave:
    """Saves for one screen.

    Args:
        screen: whose work it is.
        snapshot: gives, on the screen's thread, what saves the state of this moment in another thread.
        told: called after each save: None where it is durable, else why not.
    """

    def __init__(
        self,
        screen: WorkingScreen[Any],
        snapshot: Callable[[], Callable[[Session], None]],
        told: Callable[[SanadError | None], None],
    ) -> None:
        self._screen = screen
        self._snapshot = snapshot
        self._told = told
        self._waits = False
        self._saving = False
        self._dirty = False
        self._off = False
        self._afterwards: list[tuple[Callable[[], None], Callable[[], None] | None]] = []

    @property
    def is_clean(self) -> bool:
        """Whether all that was typed is durable."""
        return not self._dirty and not self._saving

    def touch(self) -> None:
        """Something was typed."""
        self._dirty = True
        self._wait(WAIT_S)

    def stop(self) -> None:
        """Save nothing more: it was handed in, or thrown away."""
        self._off = True

    def flush(self, then: Callable[[], None], otherwise: Callable[[], None] | None = None) -> None:
        """Save what is not saved yet, now, and go on with `then`; with `otherwise` where the save fails."""
        if self.is_clean or self._off:
            then()
            return
        self._afterwards.append((then, otherwise))
        self._start()

    def _wait(self, seconds: float) -> None:
        if not self._waits and not self._saving:
            self._waits = True
            self._screen.set_timer(seconds, self._start)

    def _start(self) -> None:
        self._waits = False
        if self._dirty and not self._saving and not self._off:
            self._dirty, self._saving = False, True
            save = self._screen.act if self._afterwards else self._screen.act_quietly
            save(self._snapshot(), self._saved, self._failed)

    def _saved(self, _answer: None) -> None:
        self._saving = False
        if self._dirty and self._afterwards:
            self._start()
            return
        if self._dirty:
            self._wait(WAIT_S)
            return
        self._told(None)
        waiting, self._afterwards = self._afterwards, []
        for then, _ in waiting:
            then()

    def _failed(self, error: SanadError) -> None:
        self._saving, self._dirty = False, True
        waiting, self._afterwards = self._afterwards, []
        self._told(error)
        for _, otherwise in waiting:
            if otherwise is not None:
                otherwise()
        self._wait(RETRY_S)

"""Codes among the keys: what a reader typed is taken out before it reaches a field; what a person typed goes on.

Keys are kept back for some milliseconds at the most, and only at a counter that has a reader. They go on as they came,
in order. A burst that means nothing to the console goes on too, as the text it is: a reader also fills fields.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from textual.app import App
from textual.events import Key

from devices.contracts import ENTER, Code, KeyWedge, Typed


class Bursts:
    """The keys of one console at a counter with a reader.

    Args:
        app: the console.
        wedge: tells bursts from typing.
        give: does what a key does.
        read: is told of a code; answers whether it took it.
    """

    def __init__(
        self,
        app: App[Any],
        wedge: KeyWedge,
        give: Callable[[Key], Awaitable[None]],
        read: Callable[[Code], bool],
    ) -> None:
        self._app = app
        self._wedge = wedge
        self._give = give
        self._read = read
        self._held: deque[Key] = deque()
        self._number = 0

    @property
    def idle(self) -> bool:
        """Whether no key is kept back."""
        return not self._held

    async def take(self, key: Key) -> None:
        """A key was pressed. What counts is when, not when it is looked at: the console may have been busy."""
        character = ENTER if key.key == "enter" else key.character if key.is_printable else None
        if character is None or len(character) != 1:
            await self._go_on(len(self._held))
            await self._give(key)
            self._wedge.due(float("inf"))
            return
        self._held.append(key)
        await self._known(self._wedge.key(character, key.time))
        self._number += 1
        if self._held:
            number, at = self._number, key.time + 2 * self._wedge.max_gap_s
            self._app.set_timer(self._wedge.max_gap_s, lambda: self._look(number, at))

    async def _look(self, number: int, at_s: float) -> None:
        if number == self._number:
            await self._known(self._wedge.due(at_s))

    async def _known(self, known: list[Typed | Code]) -> None:
        for each in known:
            if isinstance(each, Typed):
                await self._go_on(len(each.keys))
                continue
            keys = len(each.text) + 1
            if self._read(each):
                for _ in range(keys):
                    self._held.popleft()
            else:
                await self._go_on(keys)

    async def _go_on(self, count: int) -> None:
        for _ in range(count):
            await self._give(self._held.popleft())

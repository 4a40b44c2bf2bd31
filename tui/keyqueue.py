"""Keys in the order in which they were pressed, each where the one before it led.

Enter moves the cursor by messages between widgets, and F2 opens a box that is not there yet. Whoever types faster than
that would fill the wrong field. So a key is handed on only when the messages of the one before it are through; while a
page is turned, what takes reading from the store, keys wait until the new page has its cursor. Nothing is dropped, and
nothing waits longer than a named limit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from textual.app import App
from textual.events import Key
from textual.message_pump import MessagePump

MAX_HELD: Final = 1_000
"""Keys that wait; more are refused with a bell."""
THROUGH_S: Final = 0.5
"""The longest that a key waits for the messages of the one before it, should a widget go meanwhile."""
TURNED_S: Final = 5.0
"""The longest that keys wait for a page to be turned."""


class KeyQueue:
    """The keys of one console.

    Args:
        app: the console.
        hand_on: does what a key does.
    """

    def __init__(self, app: App[Any], hand_on: Callable[[Key], Awaitable[None]]) -> None:
        self._app = app
        self._hand_on = hand_on
        self._held: deque[Key] = deque()
        self._under_way = 0
        self._busy = False
        self._turning = 0

    @property
    def idle(self) -> bool:
        """Whether no key waits, and what the last one began is through."""
        return not self._busy and not self._held and not self._turning

    async def take(self, key: Key) -> None:
        """A key was pressed."""
        if self._busy or self._turning or self._held:
            if len(self._held) < MAX_HELD:
                self._held.append(key)
            else:
                self._app.bell()
        else:
            await self._give(key)

    def hold(self) -> None:
        """A page is being turned: keys wait until `release`."""
        self._turning += 1
        turning = self._turning
        self._app.set_timer(TURNED_S, lambda: self._turned(turning))

    def release(self) -> None:
        """The page is turned, and its cursor is set."""
        self._turned(self._turning)

    def let_go(self) -> None:
        """Something else wants keys now: no page is waited for any more."""
        self._turning = 0
        self._app.call_later(self._next)

    def _turned(self, turning: int) -> None:
        if self._turning == turning and turning:
            self._turning -= 1
            self._app.call_later(self._next)

    async def _give(self, key: Key) -> None:
        self._busy = True
        self._under_way += 1
        number = self._under_way
        focused = self._app.focused
        # A key bubbles from the widget up to the app, where its binding is found; what that says bubbles up once more.
        up: list[MessagePump] = [self._app.screen, self._app] if focused is None else list(focused.ancestors_with_self)
        self._app.set_timer(THROUGH_S, lambda: self._through(number))
        await self._hand_on(key)
        self._pass_by([*up, *up[:1], *up], number)

    def _pass_by(self, nodes: Sequence[MessagePump], number: int) -> None:
        for at, node in enumerate(nodes):
            if node.is_running and node.call_later(self._pass_by, nodes[at + 1 :], number):
                return
        # Then whatever is on top now, and the app, where focus is set.
        self._app.call_later(self._look_on_top, number)

    def _look_on_top(self, number: int) -> None:
        top = self._app.screen
        if not (top.is_running and top.call_later(self._last, number)):
            self._last(number)

    def _last(self, number: int) -> None:
        self._app.call_later(self._through, number)

    async def _through(self, number: int) -> None:
        if self._busy and self._under_way == number:
            self._busy = False
            await self._next()

    async def _next(self) -> None:
        if self._held and not self._busy and not self._turning:
            await self._give(self._held.popleft())

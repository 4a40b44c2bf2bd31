"""How a node reaches central: by what link, signed how, and how two requests go on side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from sync import signatures
from sync.calls import Sign
from sync.link import Address, Link, lanes_here


def in_a_thread(steps: Iterator[None]) -> None:
    """Take all steps in a thread that nobody waits for."""

    def take() -> None:
        for _ in steps:
            pass

    threading.Thread(target=take, name="sync-news", daemon=True).start()


@dataclass(frozen=True, slots=True)
class Way:
    """One way; a node's own is `OVER_HTTPS`."""

    connect: Callable[[Address], Link] = Link
    sign: Sign = signatures.sign
    beside: Callable[[Iterator[None]], None] = in_a_thread
    """Sees that all steps are taken, while the caller goes on with a stream."""
    lanes: Callable[[], int] = lambda: 0
    """How many lanes a stream that follows has beside it, where central takes so many."""


OVER_HTTPS: Final = Way(lanes=lanes_here)

"""A node in quarantine: central takes nothing from it, and still gives it its orders.

So the box knows by its own tables that it is in quarantine and why, whether the link comes back or not, and the same
way that it is in none any more. Central says with the refusal of a session how many orders it has, as a state does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from appliance.journal.errors import SanadError
from sync.calls import Calls
from sync.refusals import Quarantined
from sync.wire import StateAnswer


class Talk(Protocol):
    """A node's session with central."""

    calls: Calls

    def open(self) -> StateAnswer:
        """Open it."""

    def take_orders(self, orders: int, calls: Calls) -> None:
        """Bring this node's orders and central's, of which there are so many, to the same."""

    def take_lists(self, calls: Calls) -> None:
        """Bring the public lists up to date."""


@contextmanager
def heeding(session: Talk) -> Iterator[None]:
    """Where central refuses this node because of quarantine, take up its orders; the refusal goes on.

    Raises:
        SanadError: what was raised within.
    """
    try:
        yield
    except Quarantined as refused:
        # What is in the way of them is said the next time; why nothing goes up is known already.
        with suppress(SanadError):
            orders = _asked(session) if refused.orders is None else refused.orders
            if orders is not None:
                session.take_orders(orders, session.calls)
                # Anybody may read them; whose signatures count, a box has to know also while it is stopped.
                session.take_lists(session.calls)
        raise


def _asked(session: Talk) -> int | None:
    """A stream that was ended says nothing of orders; the next session does."""
    try:
        session.open()
    except Quarantined as refused:
        return refused.orders
    return None

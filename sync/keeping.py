"""Syncing again and again, for the node service: how long it waits after what.

A link that is down is tried again at once, because that costs a packet now and then (`sync.dialing` paces them) and
work must go on soon after it is back. Where central answers and is in trouble, the wait doubles, so that thousands of
nodes do not keep it there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from appliance.journal.errors import NetworkError, SanadError
from sync.link import LinkDown, WrongTime
from sync.outcome import SyncOutcome

PAUSE_S: Final = 30.0
"""Between sessions when all is well."""
LINK_FIRST_S: Final = 0.05
LINK_CAP_S: Final = 0.5
"""The shortest and the longest wait while the link is down."""
BACKOFF_FIRST_S: Final = 1.0
BACKOFF_CAP_S: Final = 300.0
CLOCK_CAP_S: Final = 30.0
"""The longest wait where this machine's clock is wrong: whoever sets it looks whether that was it."""
TROUBLE_PAUSE_S: Final = 600.0
"""After something that only people can put right."""


def backoff_s(
    failures: int, random: Callable[[], float], cap_s: float = BACKOFF_CAP_S, first_s: float = BACKOFF_FIRST_S
) -> float:
    """How long to wait after so many failures in a row: doubling up to a cap, half of it by chance.

    Args:
        failures: at least 1.
        random: a number from 0 to below 1.
        cap_s: the longest wait.
        first_s: the first one.

    Returns:
        Seconds.
    """
    longest = min(cap_s, first_s * 2.0 ** min(failures - 1, 16))
    return longest * (0.5 + 0.5 * random())


def keep_synced(
    sync: Callable[[Callable[[], None]], SyncOutcome],
    *,
    wait: Callable[[float], bool],
    random: Callable[[], float],
    report: Callable[[SyncOutcome | SanadError], None],
) -> None:
    """Sync again and again.

    Args:
        sync: one session, long or short; told what to call when central has answered.
        wait: waits so many seconds, or less when there is something new; True when the service ends.
        random: a number from 0 to below 1.
        report: told each outcome, and each failure.
    """
    failures = 0
    pause_s = 0.0

    def answered() -> None:
        nonlocal failures
        failures = 0

    while not wait(pause_s):
        try:
            outcome = sync(answered)
        except NetworkError as error:
            failures += 1
            pause_s = backoff_s(failures, random, *_bounds_s(error))
            report(error)
        except SanadError as error:
            pause_s = TROUBLE_PAUSE_S
            report(error)
        else:
            failures, pause_s = 0, PAUSE_S
            report(outcome)


def _bounds_s(error: NetworkError) -> tuple[float, float]:
    """The longest and the first wait."""
    if isinstance(error, LinkDown):
        return LINK_CAP_S, LINK_FIRST_S
    return CLOCK_CAP_S if isinstance(error, WrongTime) else BACKOFF_CAP_S, BACKOFF_FIRST_S

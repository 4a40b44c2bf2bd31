"""What central does when a node's tables are up to date: each for itself; one that fails keeps no other from it."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from appliance.journal.errors import BugError, DeviceError
from appliance.journal.ids import JournalId

_log = structlog.get_logger(__name__)


class FollowUpFailed(BugError):
    """Something that central does with a node's tables failed; the tables themselves are right.

    Args:
        what: which, and the name of its error's type.
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"After folding, this failed: {what}.", "Bring central to a newer version.")
        self.what = what


def do_each(journal: JournalId, **steps: Callable[[JournalId], object]) -> None:
    """Do all of these for one node.

    Raises:
        FollowUpFailed: some failed; all were tried. DeviceError: the disk or a database is in trouble.
    """
    failed = []
    for name, step in steps.items():
        try:
            step(journal)
        except DeviceError:
            raise
        except Exception as error:  # noqa: BLE001  (one of several that do not depend on each other; told below)
            _log.error("what follows from the fold failed", journal=journal, step=name, error=type(error).__name__)
            failed.append(f"{name} ({type(error).__name__})")
    if failed:
        raise FollowUpFailed(", ".join(failed))

"""Carrying out what central decided, at a node: after each sync or stick, and beside the node service's syncing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from appliance.casework import decisions
from appliance.casework.decisions import CarriedOut
from appliance.journal.errors import SanadError
from appliance.store.store import Store
from provisioning.centre import open_centre

LOOK_S: Final = 2.0
"""How often the node service looks for decisions; one short read."""
AFTER_TROUBLE_S: Final = 60.0


def carry_out_due(home: Path, store: Store) -> CarriedOut:
    """Carry out the decisions that wait, if any does.

    Raises:
        OperatorError: the settings or a service file of the centre are wrong; the decisions wait.
        DeviceError: this node's disk.
    """
    if not decisions.is_due(store):
        return CarriedOut((), ())
    return decisions.carry_out(open_centre(home, store))


def keep_carrying_out(
    run: Callable[[], CarriedOut],
    ends_within: Callable[[float], bool],
    report: Callable[[CarriedOut | SanadError], None],
) -> None:
    """Carry out what comes, until the service ends.

    Args:
        run: `carry_out_due`, with its arguments.
        ends_within: waits so many seconds, or less; whether the service ends.
        report: told what was done, where something was, and what was in the way.
    """
    pause_s = LOOK_S
    while not ends_within(pause_s):
        try:
            done = run()
        except SanadError as error:
            report(error)
            pause_s = AFTER_TROUBLE_S
            continue
        pause_s = LOOK_S
        if done.done or done.contested:
            report(done)


def words(done: CarriedOut) -> str:
    """What people are told; empty where nothing came."""
    said = []
    if done.done:
        said.append(f"{len(done.done)} decisions of central were carried out.")
    if done.contested:
        said.append(
            f"{len(done.contested)} decisions of central could not be carried out: an officer settles them in the "
            "console's list “From central”."
        )
    return " ".join(said)

"""Making a home whole or not at all, and its first key slot.

A home is made beside its place and renamed into it; a power cut in between leaves a folder that nothing refers to.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from appliance.journal.errors import OperatorError
from appliance.records import failures
from appliance.records.disk import sync_folder
from appliance.records.moment import at_text
from appliance.sealing import slotfile, slots
from appliance.sealing.passphrase import calibrate
from appliance.sealing.slots import Unlocked
from provisioning.opening import real_clock

KEYS: Final = "keys"


@contextmanager
def new_home(home: Path) -> Iterator[Path]:
    """A folder to make a home in; when the block ends it is `home`, and when it raises it is gone.

    Raises:
        OperatorError: there is something in `home` already, or its place cannot be written.
    """
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise OperatorError(f"{home} is not empty.", "Choose another folder with --home; nothing was changed.")
    making = home.with_name(f".{home.name}.making-{os.getpid()}")
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        making.mkdir(mode=0o700)
        (making / KEYS).mkdir(mode=0o700)
    except OSError as error:
        raise failures.of_os(error) from error
    try:
        yield making
        with suppress(FileNotFoundError):
            home.rmdir()
        making.rename(home)
        sync_folder(home.parent)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise


def first_slot(home: Path, passphrase: str, label: str) -> Unlocked:
    """Make a store key, and the slot that a passphrase opens; answers them opened."""
    unlocked = slots.create(
        os.urandom(slots.STORE_KEY_SIZE),
        passphrase,
        label=label,
        at=at_text(real_clock()),
        random=os.urandom,
        cost=calibrate(clock=time.monotonic),
    )
    slotfile.save(home, unlocked.slots)
    return unlocked

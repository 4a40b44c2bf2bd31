"""Opening a central: the key from its running service or from a passphrase, then both databases."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from appliance.journal.errors import OperatorError
from provisioning import terminal, unlock
from provisioning.keyservice import CENTRAL_SOCKET, ask_key
from provisioning.opening import real_clock
from provisioning.settings import CENTRAL_FILE, CentralSettings, load
from sync.central.central import Central, CentralLayout

DEFAULT_CENTRAL: Final = Path("~/.local/share/sanad-central")

CentralOption = Annotated[
    Path | None,
    typer.Option("--home", envvar="SANAD_CENTRAL_HOME", help=f"Central's home; {DEFAULT_CENTRAL} if not said."),
]


def central_home(home: Path | None) -> Path:
    """The central's home that a command means."""
    return (home or DEFAULT_CENTRAL).expanduser().absolute()


def central_key(home: Path) -> bytes:
    """The key of a central's databases: from its running service, or by a passphrase.

    Raises:
        OperatorError: there is no central there, no passphrase to be had, or not the right one.
    """
    if not CentralLayout(home).archive.is_file():
        raise OperatorError(f"There is no central in {home}.", "Make one with `sanad central init`, or check --home.")
    key = ask_key(home, CENTRAL_SOCKET)
    return key if key is not None else unlock.store_key(home)


@contextmanager
def open_central(home: Path, key: bytes) -> Iterator[Central]:
    """The central in `home`, closed at the end of the block."""
    settings = load(CentralSettings, home / CENTRAL_FILE)
    central = Central(
        CentralLayout(home),
        key,
        url=settings.listen.public_url,
        clock=real_clock,
        monotonic_s=time.monotonic,
        random=os.urandom,
        halt=terminal.halt,
    )
    try:
        yield central
    finally:
        central.close()

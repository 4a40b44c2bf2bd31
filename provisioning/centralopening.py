"""Opening a central: the key from its running service or from a passphrase, then both databases."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.journal.errors import OperatorError
from provisioning import settings, terminal, unlock
from provisioning.keyservice import CENTRAL_SOCKET, ask_key
from provisioning.opening import real_clock
from provisioning.settings import CENTRAL_FILE, CentralSettings, load
from sync.central.central import Central
from sync.central.layout import CentralLayout
from sync.central.outsidestamps import OutsideTimestamps
from sync.central.troubles import Limits

GIB: Final = 1024**3
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
    told = load(CentralSettings, home / CENTRAL_FILE)
    central = Central(
        CentralLayout(home),
        key,
        url=told.listen.public_url,
        clock=real_clock,
        monotonic_s=time.monotonic,
        random=os.urandom,
        halt=terminal.halt,
        timestamps=None if told.timestamps is None else _outside(home, told.timestamps),
        limits=_limits(told.alerts),
    )
    try:
        yield central
    finally:
        central.close()


def _limits(told: settings.Alerts) -> Limits:
    hours = {"silent_hours": told.silent_hours, "backlog_hours": told.backlog_hours}
    return Limits(**hours, skew_s=told.skew_s, disk_free_bytes=told.disk_free_gib * GIB)


def _outside(home: Path, told: settings.OutsideTimestamps) -> OutsideTimestamps:
    """The timestamp service that central.toml names.

    Raises:
        OperatorError: the file of its authority is not there, or holds no certificates.
    """
    file = home / told.authority
    try:
        found = x509.load_pem_x509_certificates(file.read_bytes())
    except OSError as error:
        raise OperatorError(
            f"The certificates of the timestamp service cannot be read: {file} ({error.strerror}).",
            "Put them there, or correct [timestamps] in central.toml.",
        ) from None
    except ValueError:
        raise OperatorError(
            f"{file} holds no certificates.", "Put the certificates of the timestamp service's authority there, as PEM."
        ) from None
    authorities = tuple(each.public_bytes(Encoding.DER) for each in found)
    return OutsideTimestamps(
        told.url, authorities, told.policy, clock=real_clock, monotonic_s=time.monotonic, random=os.urandom
    )

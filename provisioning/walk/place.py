"""Where a run keeps its things, and the steps that it has done."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from appliance.journal.errors import DeviceError, OperatorError
from appliance.records.disk import write_durably
from provisioning.unlock import VARIABLE

PASSWORD_LENGTH: Final = 10
PIN_LENGTH: Final = 8

T = TypeVar("T")


@dataclass
class Walk:
    """A folder of a run's own, and what it has done so far."""

    place: Path
    passphrase: str = field(repr=False)
    steps: list[dict[str, object]] = field(default_factory=list)

    @property
    def home(self) -> Path:
        """The node's home."""
        return self.place / "node"

    @property
    def central_home(self) -> Path:
        """Central's home."""
        return self.place / "central"

    @property
    def invite(self) -> Path:
        """Central's invite for the node, until it is enrolled."""
        return self.place / "invite"

    @property
    def results(self) -> Path:
        """Copies for the person who ran this."""
        return self.place / "results"

    @property
    def passphrase_file(self) -> Path:
        """What opens both homes; its first characters are every specimen operator's password, the next a PIN."""
        return passphrase_file(self.place)

    @property
    def password(self) -> str:
        """Of every specimen operator: short, because people type it to try the console."""
        return self.passphrase[:PASSWORD_LENGTH]

    @property
    def pin(self) -> str:
        """Of the specimen officer's key."""
        return self.passphrase[PASSWORD_LENGTH : PASSWORD_LENGTH + PIN_LENGTH]

    def step(self, what: str, work: Callable[[], T]) -> T:
        """Do one step, and say what it was and how long it took."""
        start = time.monotonic()
        result = work()
        took_ms = round((time.monotonic() - start) * 1000)
        self.steps.append({"step": what, "ms": took_ms})
        print(f"{took_ms:>6} ms  {what}", flush=True)  # noqa: T201
        return result


def passphrase_file(place: Path) -> Path:
    """Where the passphrase of a run lies."""
    return place / "results" / "passphrase"


def begin(under: Path) -> Walk:
    """A run in a fresh folder under `under`.

    Raises:
        OperatorError, DeviceError: no folder can be made there.
    """
    walk = Walk(_fresh(under), secrets.token_urlsafe(24))
    walk.results.mkdir(mode=0o700)
    write_durably(walk.passphrase_file, walk.passphrase.encode() + b"\n")
    os.environ[VARIABLE] = str(walk.passphrase_file)
    return walk


def resume(place: Path) -> Walk:
    """A run that was interrupted, in its folder.

    Raises:
        OperatorError: there is none.
    """
    place = place.absolute()
    try:
        passphrase = passphrase_file(place).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise OperatorError(
            f"There is no run to go on with in {place}.", "Name the folder that the run said it keeps everything in."
        ) from None
    walk = Walk(place, passphrase)
    os.environ[VARIABLE] = str(walk.passphrase_file)
    return walk


def _fresh(under: Path) -> Path:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    for number in range(100):
        fresh = (under / (stamp if number == 0 else f"{stamp}-{number}")).absolute()
        try:
            fresh.mkdir(parents=True, mode=0o700)
        except FileExistsError:
            continue
        except OSError as error:
            raise OperatorError(
                f"No folder can be made in {under.absolute()}: {error.strerror}.", "Name another place with --place."
            ) from error
        return fresh
    raise DeviceError(f"No free name for a folder in {under}.", "Name another place with --place.")

"""`sanad run`: the whole system on this machine, and one case walked through it.

It makes a central and a node in a fresh folder, serves central as a process of its own, enrols the node, takes in a
specimen case with a real scan, has it approved by another pair of eyes, carries all of it to central, fetches the scan
back and compares. Each step is printed with its time; the last line is JSON. What is a specimen says so.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer

from appliance.access import operators
from appliance.access.four_eyes import SameEyes
from appliance.access.operators import NewOperator
from appliance.access.session import Role, Session
from appliance.casework import applications
from appliance.casework.applications import Person
from appliance.casework.intake import PaperRefused, media_type
from appliance.journal.errors import BugError, NetworkError, OperatorError
from appliance.store.store import Store
from provisioning import enrolment, specimens, terminal
from provisioning.centralcommands import make_central
from provisioning.opening import central_key, node_key, open_central, open_store
from provisioning.settings import Listen
from provisioning.synccommands import central_address, sync_and_remember
from sync.invite import encode_invite, parse_invite

EXIT_SCAN_REFUSED: Final = 4
CENTRAL_STARTS_WITHIN_S: Final = 60.0
CENTRE: Final = ("PEW01", "Specimen centre, Peshawar")
PLACE: Final = Path(".run")

T = TypeVar("T")


@dataclass
class Walk:
    """Where a walk keeps its things, and what it has done so far."""

    place: Path
    offline: bool
    scans: list[Path]
    results: Path = field(init=False)
    steps: list[dict[str, object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.results = self.place / "results"

    @property
    def home(self) -> Path:
        """The node's home."""
        return self.place / "node"

    @property
    def central(self) -> Path:
        """Central's home."""
        return self.place / "central"

    @property
    def passphrase_file(self) -> Path:
        """The passphrase of both homes, for whoever ran this."""
        return self.results / "passphrase"

    def step(self, what: str, work: Callable[[], T]) -> T:
        """Do one step, and say what it was and how long it took."""
        start = time.monotonic()
        result = work()
        took_ms = round((time.monotonic() - start) * 1000)
        self.steps.append({"step": what, "ms": took_ms})
        print(f"{took_ms:>6} ms  {what}", flush=True)  # noqa: T201
        return result

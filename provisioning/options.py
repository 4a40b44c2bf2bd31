"""Options that commands share, and the clock; loads nothing heavy, so that a command without a home starts at once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

DEFAULT_HOME: Final = Path("~/.local/share/sanad")

HomeOption = Annotated[
    Path | None, typer.Option("--home", envvar="SANAD_HOME", help=f"The node's home; {DEFAULT_HOME} if not said.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in one line of JSON.")]


def real_clock() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


def home_of(home: Path | None) -> Path:
    """The node's home that a command means."""
    return (home or DEFAULT_HOME).expanduser().absolute()

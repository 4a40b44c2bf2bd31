"""`sanad` commands in processes of their own, forked from one that has imported everything: that takes a second of
every command, and the tests run hundreds. What a command is started with and what comes of it are the same.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final, NoReturn

_CONTEXT: Final = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.support.all_commands"])


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of a command; a signal that ended it is a negative code."""

    code: int
    out: str
    err: str


def run(words: list[str], folder: Path, environment: Mapping[str, str], patience_s: float) -> Ended:
    """Run a command to its end.

    Args:
        words: what comes behind `sanad`.
        folder: where it runs.
        environment: all of its environment.
        patience_s: in seconds.

    Raises:
        TimeoutError: it did not end in time, and was killed.
    """
    with tempfile.TemporaryDirectory() as kept:
        out, err = Path(kept, "out"), Path(kept, "err")
        process = _CONTEXT.Process(target=_command, args=(words, folder, dict(environment), out, err))
        process.start()
        process.join(patience_s)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise TimeoutError(f"{words}: {err.read_text()}")
        return Ended(process.exitcode, out.read_text(), err.read_text())


def _command(words: list[str], folder: Path, environment: Mapping[str, str], out: Path, err: Path) -> NoReturn:
    """What the forked process does."""
    from provisioning import cli

    os.setsid()
    for number, file, flags in ((0, Path(os.devnull), os.O_RDONLY), (1, out, os.O_WRONLY), (2, err, os.O_WRONLY)):
        opened = os.open(file, flags | (os.O_CREAT if number else 0), 0o600)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    sys.argv = ["sanad", *words]
    cli.main()

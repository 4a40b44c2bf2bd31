"""Programs that are killed at random moments."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Sequence
from typing import Final

STARTING_S: Final = 0.5
A_MOMENT_S: Final = 0.05
MOST_LINES: Final = 40


class Victim:
    """A running program that says `ready`, and then a line for each thing it did."""

    def __init__(self, *command: str) -> None:
        self._process = subprocess.Popen(command, bufsize=0, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._said = b""

    def listen(self, lines: int) -> None:
        """Reads what it says until it was ready and has said so many lines more, or has ended."""
        stdout = self._process.stdout
        while stdout is not None and self._said.partition(b"ready\n")[2].count(b"\n") < lines:
            if not self._read(stdout.fileno()):
                return

    def wait_until_ready(self) -> None:
        """Reads what it says until it is ready, or has ended."""
        stdout = self._process.stdout
        while stdout is not None and b"ready\n" not in self._said:
            if not self._read(stdout.fileno()):
                return

    def _read(self, descriptor: int) -> bool:
        more = os.read(descriptor, 4096)
        self._said += more
        return bool(more)

    def kill_sometime(self, draw: random.Random) -> list[str]:
        """Kills it, mostly at work and sometimes while it starts, and returns the lines it had said.

        Raises:
            AssertionError: it ended by itself, or complained.
        """
        if draw.random() < 0.2:
            return self.kill(draw.uniform(0, STARTING_S))
        self.wait_until_ready()
        self.listen(draw.randint(0, MOST_LINES))
        return self.kill(draw.uniform(0, A_MOMENT_S))

    def kill(self, after_s: float = 0.0) -> list[str]:
        """Kills it after a while, and returns the lines it had said.

        Raises:
            AssertionError: it ended by itself, or complained.
        """
        try:
            rest, errors = self._process.communicate(timeout=after_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            rest, errors = self._process.communicate()
        said = self._said + rest
        assert (self._process.returncode, errors) == (-signal.SIGKILL, b"")
        return said[: said.rfind(b"\n") + 1].decode().splitlines()


def start(command: Sequence[str]) -> Victim:
    """Starts a program, and waits until it is ready."""
    victim = Victim(*command)
    victim.wait_until_ready()
    return victim

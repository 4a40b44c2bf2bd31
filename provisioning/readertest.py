"""One code from a reader that types into this terminal."""

from __future__ import annotations

import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable
from typing import Final

from appliance.journal.errors import OperatorError
from devices.contracts import ENTER, Code
from devices.wedge import Wedge

PIECE: Final = 256


def read_code(limit_s: float, ready: Callable[[], None]) -> Code | None:
    """The first code that comes within a time; None where none does, or somebody only types.

    Args:
        limit_s: how long it waits.
        ready: called once the terminal keeps every key, which it throws away while it changes over.

    Raises:
        OperatorError: the input is no terminal.
    """
    if not sys.stdin.isatty():
        raise OperatorError("A code reader types into a terminal.", "Run this in one, without redirecting.")
    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    wedge, end_s = Wedge(), time.monotonic() + limit_s
    try:
        tty.setcbreak(number)
        ready()
        while (left_s := end_s - time.monotonic()) > 0:
            if not select.select([number], [], [], left_s)[0]:
                continue
            at_s = time.monotonic()
            for character in os.read(number, PIECE).decode("utf-8", "replace"):
                known = wedge.key(ENTER if character in "\r\n" else character, at_s)
                code = next((each for each in known if isinstance(each, Code)), None)
                if code is not None:
                    return code
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)
    return None

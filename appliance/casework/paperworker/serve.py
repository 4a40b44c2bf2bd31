"""What runs in the confined process: confine, say what holds, read the paper from standard input, answer, end.

Started by `apart` as `python -I -S -c … READER KIND PAGE PATH…`. READER is the module whose `read` looks at the paper,
or whose `draw` draws that page of it, where PAGE is not 0; with KIND empty, it only says what holds.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Final

from appliance.casework.paperworker.confinement import confine, enough
from appliance.casework.paperworker.limits import MAX_PAPER_BYTES
from appliance.casework.paperworker.message import Answer, Verdict, encode

NOT_CONFINED: Final = 3
_PIECE: Final = 1 << 20


def main() -> None:
    """Serve one paper, and end this process."""
    reader, kind, page = sys.argv[1:4]
    module = importlib.import_module(reader)
    held = confine()
    os.write(1, bytes([held]))
    if not enough(held):
        os._exit(NOT_CONFINED)
    if kind:
        try:
            content = _content()
            answer: Answer = module.draw(content, kind, int(page)) if int(page) else module.read(content, kind)
        except MemoryError:
            answer = Answer(Verdict.TOO_MUCH_MEMORY)
        except RecursionError:
            answer = Answer(Verdict.CRASHED)
        except Exception:  # noqa: BLE001
            # A hostile file can make a parser raise anything; what it says may hold what stands on the paper.
            answer = Answer(Verdict.BROKEN)
        _write(encode(answer))
    os._exit(0)


def _content() -> bytes:
    pieces = []
    left = MAX_PAPER_BYTES
    while left and (piece := os.read(0, min(left, _PIECE))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _write(message: bytes) -> None:
    view = memoryview(message)
    while view:
        view = view[os.write(1, view) :]

"""What changed between two texts of lines, for a carrier that brings a long list again and again.

A delta is a sequence of orders, each on a line of its own: `=START COUNT` takes so many lines of the old text from
there on (counted from 0), `+COUNT` the so many lines that follow it, `.` ends the delta. It proves nothing: whoever
applies one holds the result against a signature or a hash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from appliance.journal.errors import IntegrityError

TAKE: Final = b"=%d %d\n"
GIVE: Final = b"+%d\n"
END: Final = b".\n"

_LINE: Final = re.compile(rb"[^\n]*\n")
_ORDER: Final = re.compile(rb"(?:=(?P<start>[0-9]{1,9}) (?P<taken>[0-9]{1,9})|\+(?P<given>[0-9]{1,9})|(?P<end>\.))\n")


class BadDelta(IntegrityError):
    """A delta that is none, or not one for this text."""

    def __init__(self) -> None:
        super().__init__("What changed in a list does not fit what is here.", "Fetch the whole list.")


def make_delta(old: bytes, new: bytes) -> bytes:
    """Write what makes `new` of `old`: short where they have most lines in common, right in any case.

    Args:
        old: any bytes.
        new: bytes that end with a newline.
    """
    before, after = _LINE.findall(old), _LINE.findall(new)
    return b"".join(_orders(before, after)) + END


def apply_deltas(old: bytes, deltas: bytes, *, limit: int) -> bytes:
    """Apply deltas, one after the other.

    Args:
        old: the text that the first of them was made for.
        deltas: as `make_delta` wrote them, joined.
        limit: the bytes that a text may have at most.

    Raises:
        BadDelta: they are of another form, or for another text, or lead beyond the limit.
    """
    place = 0
    while place < len(deltas):
        old, place = _apply(old, deltas, place, limit)
    return old


def _orders(before: list[bytes], after: list[bytes]) -> Iterator[bytes]:
    places = {line: place for place, line in reversed(list(enumerate(before)))}
    next_taken, done = 0, 0
    while done < len(after):
        start = done
        while done < len(after) and after[done] not in places:
            done += 1
        given = done - start
        if given:
            yield GIVE % given + b"".join(after[start:done])
        if done == len(after):
            return
        # Where it went on before, if it does, or after as many lines as were given in place of others: lines that come
        # more than once are not torn out of their places.
        likely = [each for each in (next_taken, next_taken + given) if before[each : each + 1] == [after[done]]]
        first = likely[0] if likely else places[after[done]]
        count = 0
        while done < len(after) and first + count < len(before) and before[first + count] == after[done]:
            done, count = done + 1, count + 1
        next_taken = first + count
        yield TAKE % (first, count)


def _apply(old: bytes, deltas: bytes, place: int, limit: int) -> tuple[bytes, int]:
    before = _LINE.findall(old)
    made: list[bytes] = []
    room = limit
    while True:
        order = _ORDER.match(deltas, place)
        if order is None:
            raise BadDelta
        place = order.end()
        if order["end"]:
            return b"".join(made), place
        if order["given"]:
            piece, place = _given(deltas, place, int(order["given"]))
        else:
            start, stop = int(order["start"]), int(order["start"]) + int(order["taken"])
            if stop > len(before):
                raise BadDelta
            piece = b"".join(before[start:stop])
        room -= len(piece)
        if room < 0:
            raise BadDelta
        made.append(piece)


def _given(deltas: bytes, place: int, count: int) -> tuple[bytes, int]:
    """So many lines that stand in the delta from `place` on, and where they end."""
    end = place
    for _ in range(count):
        end = deltas.find(b"\n", end) + 1
        if not end:
            raise BadDelta
    return deltas[place:end], end

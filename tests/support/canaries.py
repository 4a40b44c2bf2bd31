"""Looks for planted words in every byte of some folders: what should be sealed must not lie anywhere in clear.

A word is sought in UTF-8 and UTF-16 of both byte orders, in base64 (both alphabets, whatever precedes it, broken into
lines or not), in hexadecimal, and escaped as in URLs and in JSON; in file contents, in file names and in the targets of
links. It does not look inside compressed data, and does not find a word that a file format cut into pieces: plant
short words, and more than one.

Run as a program: `python -m tests.support.canaries WORD... -- FOLDER...`; exits 1 when it finds something.
"""

from __future__ import annotations

import base64
import json
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

SHORTEST_WORD = 6
PIECE_BYTES = 16 << 20


class Found(NamedTuple):
    """A planted word, where it lay and in which form. `offset` is in bytes; -1 means in the file's own name."""

    path: Path
    word: str
    form: str
    offset: int


@dataclass(slots=True)
class Search:
    """What was found, and how much was looked through, so that an empty search does not pass for a clean one."""

    found: list[Found] = field(default_factory=list)
    files: int = 0
    octets: int = 0


def forms(word: str) -> Iterator[tuple[str, bytes]]:
    """Every sequence of bytes that gives a word away, with the name of its form.

    Raises:
        ValueError: the word is so short that it would be found by chance.
    """
    if len(word) < SHORTEST_WORD:
        raise ValueError(f"a canary needs at least {SHORTEST_WORD} characters")
    plain = word.encode()
    yield "utf-8", plain
    for encoding in ("utf-16-le", "utf-16-be"):
        yield encoding, word.encode(encoding)
    for alignment in range(3):
        inner = base64.b64encode(bytes(alignment) + plain)[
            _first_whole(alignment) : _last_whole(alignment + len(plain))
        ]
        yield f"base64 at {alignment}", inner
        yield f"base64url at {alignment}", inner.translate(bytes.maketrans(b"+/", b"-_"))
    yield "hex", plain.hex().encode()
    yield "hex upper", plain.hex().upper().encode()
    yield "percent", quote(word, safe="").encode()
    yield "percent lower", _lower_escapes(quote(word, safe="")).encode()
    yield "percent whole", "".join(f"%{byte:02X}" for byte in plain).encode()
    yield "percent plus", quote(word, safe="").replace("%20", "+").encode()
    yield "json", json.dumps(word)[1:-1].encode()
    yield "json utf-8", json.dumps(word, ensure_ascii=False)[1:-1].encode()
    yield "json whole", "".join(f"\\u{int.from_bytes(unit, 'big'):04x}" for unit in _utf16_units(word)).encode()
    yield "python", ascii(word)[1:-1].encode()
    yield "python bytes", repr(plain)[2:-1].encode()


def _first_whole(alignment: int) -> int:
    """The first base64 character that depends on nothing before the word."""
    return (0, 2, 3)[alignment]


def _last_whole(end: int) -> int:
    """The end of the base64 characters that depend on nothing after the word."""
    return end * 8 // 6


def _utf16_units(word: str) -> Iterator[bytes]:
    encoded = word.encode("utf-16-be")
    return (encoded[place : place + 2] for place in range(0, len(encoded), 2))


def _lower_escapes(quoted: str) -> str:
    pieces = quoted.split("%")
    return "%".join([pieces[0], *(piece[:2].lower() + piece[2:] for piece in pieces[1:])])


def search(folders: Iterable[Path], words: Sequence[str]) -> Search:
    """Looks through every file under some folders (or single files); sockets, pipes and devices are passed over.

    Args:
        folders: where to look; a file that vanishes while being looked for is passed over.
        words: the planted words, of at least `SHORTEST_WORD` characters.
    """
    needles = [(word, *form) for word in words for form in _distinct(word)]
    result = Search()
    for folder in folders:
        for path in _everything(folder):
            name = os.fsencode(path.relative_to(folder) if path != folder else path.name)
            result.found += [Found(path, word, form, -1) for word, form, needle in needles if needle in name]
            for start, piece in _pieces(path, max(len(needle) for _, _, needle in needles)):
                result.octets += len(piece)
                result.found += _in_piece(path, start, piece, needles)
            result.files += 1
    return result


def _distinct(word: str) -> Iterator[tuple[str, bytes]]:
    seen: set[bytes] = set()
    for form, needle in forms(word):
        if needle not in seen:
            seen.add(needle)
            yield form, needle


def _everything(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        yield folder
        return
    for base, folders, files in os.walk(folder):
        yield from (Path(base) / name for name in sorted((*folders, *files)))


def _pieces(path: Path, overlap: int) -> Iterator[tuple[int, bytes]]:
    """The content of a file, or the target of a link, in overlapping pieces."""
    try:
        kind = path.lstat().st_mode
        if stat.S_ISLNK(kind):
            yield 0, os.fsencode(path.readlink())
        if not stat.S_ISREG(kind):
            return
        with path.open("rb") as file:
            start, rest = 0, b""
            while piece := file.read(PIECE_BYTES):
                yield start - len(rest), rest + piece
                start += len(piece)
                rest = piece[-2 * overlap :]
    except FileNotFoundError:
        return


def _in_piece(path: Path, start: int, piece: bytes, needles: Sequence[tuple[str, str, bytes]]) -> Iterator[Found]:
    joined = piece.translate(None, b"\r\n")
    for word, form, needle in needles:
        place = piece.find(needle)
        if place >= 0:
            yield Found(path, word, form, start + place)
        elif len(joined) != len(piece) and needle in joined:
            yield Found(path, word, f"{form}, over line breaks", start)


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    if "--" not in arguments:
        print(__doc__, file=sys.stderr)
        return 2
    split = arguments.index("--")
    result = search([Path(name) for name in arguments[split + 1 :]], arguments[:split])
    for found in result.found:
        print(f"{found.path} at {found.offset}: {found.word!r} as {found.form}")
    print(f"looked through {result.files} files, {result.octets} bytes; found {len(result.found)}")
    return 1 if result.found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

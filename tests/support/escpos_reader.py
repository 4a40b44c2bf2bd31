"""An independent reader of ESC/POS: from Epson's command reference, without python-escpos.

It splits a stream into commands, so a printer model knows where a real-time question stands, and it lays out what a
person would see on the paper: lines of text, pictures, QR codes, cuts and drawer kicks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ESC, GS, DLE = 0x1B, 0x1D, 0x10
CODE_PAGES = {0: "cp437", 2: "cp850", 3: "cp860", 4: "cp863", 5: "cp865", 16: "cp1252", 17: "cp866", 18: "cp852",
              19: "cp858", 15: "iso8859_7", 14: "cp737", 13: "cp857"}  # fmt: skip
ESC_ARGUMENTS = {b"@": 0, b"2": 0, b"!": 1, b"E": 1, b"a": 1, b"t": 1, b"d": 1, b"M": 1, b"-": 1, b"{": 1, b"3": 1,
                 b"G": 1, b"R": 1, b"p": 3}  # fmt: skip
GS_ARGUMENTS = {b"!": 1, b"B": 1, b"b": 1, b"r": 1, b"I": 1, b"h": 1, b"w": 1}


@dataclass(frozen=True)
class Token:
    """A command with its arguments, or a run of text (name `text`)."""

    name: str
    data: bytes = b""


class UnknownCommand(Exception):
    """Bytes that are no command of the reference."""


@dataclass
class Splitter:
    """Splits a stream into tokens; what is not whole yet waits."""

    waiting: bytes = b""

    def take(self, data: bytes) -> list[Token]:
        self.waiting += data
        tokens = []
        while self.waiting:
            length, token = _first(self.waiting)
            if length == 0:
                break
            tokens.append(token)
            self.waiting = self.waiting[length:]
        return tokens


NOT_YET = (0, Token("waiting"))


def _first(data: bytes) -> tuple[int, Token]:
    lead = data[0]
    if lead in (0x0A, 0x00):
        return 1, Token("LF" if lead else "NUL")
    if lead not in (ESC, GS, DLE):
        end = next((i for i, b in enumerate(data) if b in (ESC, GS, DLE, 0x0A, 0x00)), len(data))
        return end, Token("text", data[:end])
    if len(data) < 3 and data[1:2] not in (b"@", b"2"):
        return NOT_YET
    name = data[1:2]
    if lead == DLE:
        if name not in (b"\x04", b"\x05"):
            raise UnknownCommand(data[:4].hex())
        return 3, Token("DLE EOT" if name == b"\x04" else "DLE ENQ", data[2:3])
    if lead == ESC:
        if name not in ESC_ARGUMENTS:
            raise UnknownCommand(data[:4].hex())
        return _fixed(data, "ESC ", ESC_ARGUMENTS[name])
    return _gs(data, name)


def _fixed(data: bytes, prefix: str, arguments: int) -> tuple[int, Token]:
    if len(data) < 2 + arguments:
        return NOT_YET
    return 2 + arguments, Token(prefix + chr(data[1]), data[2 : 2 + arguments])


def _gs(data: bytes, name: bytes) -> tuple[int, Token]:
    if name in GS_ARGUMENTS:
        return _fixed(data, "GS ", GS_ARGUMENTS[name])
    if name == b"V":
        return _fixed(data, "GS ", 2 if data[2] in (65, 66) else 1)
    if name == b"(":
        if len(data) < 5:
            return NOT_YET
        length = 5 + data[3] + 256 * data[4]
        return (length, Token("GS ( " + chr(data[2]), data[5:length])) if len(data) >= length else NOT_YET
    if name == b"v":
        if len(data) < 8:
            return NOT_YET
        length = 8 + (data[4] + 256 * data[5]) * (data[6] + 256 * data[7])
        return (length, Token("GS v 0", data[3:length])) if len(data) >= length else NOT_YET
    raise UnknownCommand(data[:4].hex())


@dataclass
class Paper:
    """What came out. `rasters` are (width in dots, rows of packed bits, black = 1), joined where they follow on."""

    lines: list[str] = field(default_factory=list)
    rasters: list[tuple[int, list[bytes]]] = field(default_factory=list)
    qr_codes: list[str] = field(default_factory=list)
    cuts: int = 0
    kicks: list[int] = field(default_factory=list)
    styles: dict[str, tuple[bool, int, bool]] = field(default_factory=dict)


def read_paper(data: bytes) -> Paper:
    """Lay out a whole stream.

    Raises:
        UnknownCommand: it has bytes that are no command.
    """
    paper = Paper()
    splitter = Splitter()
    line, page, stored, bold, align, large, follows = "", 0, b"", False, 0, False, False
    for token in splitter.take(data):
        match token.name:
            case "text":
                line += token.data.decode(CODE_PAGES.get(page, "ascii"))
            case "LF":
                paper.lines.append(line)
                paper.styles[line] = (bold, align, large)
                line = ""
            case "ESC @":
                page, bold, align, large = 0, False, 0, False
            case "ESC t":
                page = token.data[0]
            case "ESC E":
                bold = bool(token.data[0] & 1)
            case "ESC a":
                align = token.data[0] % 48
            case "ESC !":
                large = token.data[0] & 0x30 == 0x30
            case "GS V":
                paper.cuts += 1
            case "ESC p":
                paper.kicks.append({0: 2, 48: 2, 1: 5, 49: 5}[token.data[0]])
            case "GS ( k":
                if token.data[:2] == b"1P":
                    stored = token.data[3:]
                elif token.data[:2] == b"1Q":
                    paper.qr_codes.append(stored.decode())
            case "GS v 0":
                width_bytes = token.data[1] + 256 * token.data[2]
                bits = token.data[5:]
                rows = [bits[i : i + width_bytes] for i in range(0, len(bits), width_bytes)]
                if follows and paper.rasters and paper.rasters[-1][0] == width_bytes * 8:
                    paper.rasters[-1][1].extend(rows)
                else:
                    paper.rasters.append((width_bytes * 8, rows))
        follows = token.name == "GS v 0" or (follows and token.name in ("DLE EOT", "GS r"))
    if splitter.waiting:
        raise UnknownCommand(f"cut off: {splitter.waiting[:8].hex()}")
    return paper

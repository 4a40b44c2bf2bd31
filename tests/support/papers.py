"""Papers made for tests: small honest ones, and pieces that hostile ones are built from. Nothing of ours is used."""

from __future__ import annotations

import io
import random
import struct
import subprocess
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image


def picture(
    kind: str, size: tuple[int, int] = (300, 400), mode: str = "RGB", seed: int = 1, **options: object
) -> bytes:
    """A picture of noise, so that no part of the file is without meaning."""
    noise = random.Random(seed).randbytes(size[0] * size[1])
    grey = Image.frombytes("L", size, noise)
    out = io.BytesIO()
    grey.convert(mode).save(out, kind, **options)
    return out.getvalue()


def tiff(pages: int, size: tuple[int, int] = (40, 50), compression: str = "tiff_deflate") -> bytes:
    """A TIFF file of several pages."""
    first, *others = [Image.new("L", size, 10 * (number % 25)) for number in range(pages)]
    out = io.BytesIO()
    first.save(out, "TIFF", save_all=True, append_images=others, compression=compression)
    return out.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    """One chunk of a PNG file (ISO/IEC 15948, 5.3)."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, data: bytes, *, extra: bytes = b"", bits: int = 8, colour: int = 0) -> bytes:
    """A PNG file that says what size it has; `data` is what its pixels are packed into, whatever that is."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def pdf(objects: Mapping[int, bytes], root: int = 1, trailer: bytes = b"") -> bytes:
    """A PDF file with these objects, and a cross-reference table that is right."""
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    at = {}
    for number, content in objects.items():
        at[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start, size = len(out), max(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        out += b"%010d 00000 %c \n" % (at.get(number, 0), b"n" if number in at else b"f")
    out += b"trailer\n<< /Size %d /Root %d 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (size, root, trailer, start)
    return bytes(out)


def stream(data: bytes, more: bytes = b"") -> bytes:
    """A stream object."""
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), more, data)


def pages(
    contents: Sequence[bytes] = (b"0 0 m 100 100 l S",),
    *,
    box: bytes = b"0 0 595 842",
    catalogue: bytes = b"",
    page: bytes = b"",
    others: Mapping[int, bytes] | None = None,
) -> bytes:
    """A PDF with these page contents; objects from number 1000 on are the caller's (`others`)."""
    objects = {1: b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalogue}
    kids = b" ".join(b"%d 0 R" % (10 + 2 * n) for n in range(len(contents)))
    objects[2] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(contents))
    for number, content in enumerate(contents):
        place = 10 + 2 * number
        objects[place] = b"<< /Type /Page /Parent 2 0 R /MediaBox [%s] /Contents %d 0 R %s >>" % (box, place + 1, page)
        objects[place + 1] = stream(content)
    return pdf({**objects, **(others or {})})


def counted_by_qpdf(file: Path) -> int:
    """How many pages qpdf finds; it may warn."""
    done = subprocess.run(["qpdf", "--show-npages", file], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 3), done.stderr
    return int(done.stdout)


def counted_by_poppler(file: Path) -> int:
    """How many pages poppler's pdfinfo finds."""
    done = subprocess.run(["pdfinfo", file], capture_output=True, text=True, check=True)
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("Pages:"))
    return int(line.split()[1])


def encrypt(content: bytes, folder: Path, password: str) -> None:
    """Has qpdf encrypt a PDF with 256-bit AES, into `locked.pdf`; its owner's password is never empty."""
    (folder / "open.pdf").write_bytes(content)
    words = ["--encrypt", password, "owner", "256", "--print=none", "--"]
    subprocess.run(["qpdf", *words, folder / "open.pdf", folder / "locked.pdf"], check=True)

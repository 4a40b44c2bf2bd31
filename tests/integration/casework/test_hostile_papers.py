"""Files made to harm, to hang or to deceive: each gets its sentence, and each is done with in bounded time."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from appliance.casework.intake import MAX_PAPER_BYTES, Note, Paper, PaperRefused, inspect_paper
from appliance.casework.paperworker.limits import MAX_PAGES
from tests.support import papers
from tests.support.papers import chunk, pages, pdf, picture, png, stream, tiff

DAMAGED: Final = "This file is damaged, or ends too early."
NO_PDF: Final = "This PDF is damaged, or has no pages."


def verdict(content: bytes) -> Paper | str:
    """The paper, or the sentence that refuses it."""
    try:
        return inspect_paper(content)
    except PaperRefused as refused:
        return refused.sentence


def zeros(length: int, times: int = 1) -> bytes:
    """This many bytes of zero, packed again and again."""
    data = bytes(length)
    for _ in range(times):
        data = zlib.compress(data, 9)
    return data


def form_in_form(depth: int) -> bytes:
    """A page that draws a form that draws a form."""
    head = b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /F %d 0 R >> >>"
    others = {1000 + n: stream(b"/F Do", head % (1001 + n)) for n in range(depth)}
    others[1000 + depth] = stream(b"0 0 m 9 9 l S", b"/Type /XObject /Subtype /Form /BBox [0 0 9 9]")
    return pages([b"/F Do"], page=b"/Resources << /XObject << /F 1000 0 R >> >>", others=others)


def image_in_page(dictionary: bytes, data: bytes) -> bytes:
    """A page with one picture."""
    image = stream(data, b"/Type /XObject /Subtype /Image " + dictionary)
    return pages(
        [b"500 0 0 500 0 0 cm /I Do"], page=b"/Resources << /XObject << /I 1000 0 R >> >>", others={1000: image}
    )


def form_that_draws_itself() -> bytes:
    itself = stream(b"/F Do /F Do", b"/Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /F 1000 0 R >> >>")
    return pages([b"/F Do"], page=b"/Resources << /XObject << /F 1000 0 R >> >>", others={1000: itself})


def jpeg2000_of(width: int, height: int) -> bytes:
    """The head of a JPEG 2000 codestream of this size (ISO/IEC 15444-1, A.5.1), with one tile and no data."""
    size = struct.pack(">HIIIIIIIIH3B", 0, width, height, 0, 0, width, height, 0, 0, 1, 7, 1, 1)
    return b"\xff\x4f\xff\x51" + struct.pack(">H", len(size) + 2) + size + b"\xff\xd9"


BOMBS: Final[dict[str, Callable[[], bytes]]] = {
    "png that says 60000 by 60000": lambda: png(60_000, 60_000, zeros(1000)),
    "png that is 30000 by 30000": lambda: png(30_000, 30_000, zlib.compress(bytes(3751 * 30_000), 1), bits=1),
    "png of the largest numbers": lambda: png(2**31 - 1, 2**31 - 1, b""),
    "tiff that says 4294967295 by 50": lambda: tiff(1).replace(
        struct.pack("<HHII", 256, 3, 1, 40), struct.pack("<HHII", 256, 4, 1, 2**32 - 1)
    ),
    "jpeg that says 65500 by 65500": lambda: resized_jpeg(65_500, 65_500),
    "flate picture in a pdf": lambda: image_in_page(
        b"/Width 50000 /Height 50000 /BitsPerComponent 8 /ColorSpace /DeviceGray /Filter /FlateDecode", zeros(10**7)
    ),
    "jpeg 2000 in a pdf": lambda: image_in_page(
        b"/Width 60000 /Height 60000 /Filter /JPXDecode", jpeg2000_of(60_000, 60_000)
    ),
}


def resized_jpeg(width: int, height: int) -> bytes:
    content = picture("JPEG", (64, 64))
    at = content.index(b"\xff\xc0") + 5
    return content[:at] + struct.pack(">HH", height, width) + content[at + 4 :]


@pytest.mark.parametrize("name", BOMBS)
def test_more_dots_than_a_paper_has_are_refused(name: str) -> None:
    assert verdict(BOMBS[name]()) == "A picture in this file has more than 100 million dots."


LOOPS: Final[dict[str, Callable[[], bytes]]] = {
    "a page tree that is its own child": lambda: pdf(
        {1: b"<< /Type /Catalog /Pages 2 0 R >>", 2: b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>"}
    ),
    "a page tree that goes in a circle": lambda: pdf(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R >>",
            2: b"<< /Type /Pages /Kids [3 0 R] /Count 5 >>",
            3: b"<< /Type /Pages /Kids [2 0 R] /Count 5 /Parent 2 0 R >>",
        }
    ),
    "a cross-reference table that follows itself": lambda: looped_table(),
    "an object that is itself": lambda: pdf({1: b"1 0 R"}),
    "a stream as long as itself": lambda: pdf(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R >>",
            2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents 4 0 R >>",
            4: b"<< /Length 4 0 R >>\nstream\n0 0 m 9 9 l S\nendstream",
        }
    ),
    "a form that draws itself": form_that_draws_itself,
    "forms 500 deep": lambda: form_in_form(500),
    "arrays 200,000 deep": lambda: pages(catalogue=b"/X " + b"[" * 200_000 + b"]" * 200_000),
    "arrays 200,000 deep on the page": lambda: pages([b"[" * 200_000 + b" TJ"]),
    "dictionaries 200,000 deep": lambda: pages(catalogue=b"/X " + b"<< /X " * 200_000),
    "graphics states 500,000 deep": lambda: pages([b"q " * 500_000 + b"0 0 m 9 9 l S"]),
    "a hundred million zeros, packed twice": lambda: pages(
        page=b"/Resources << /Font << /F 1000 0 R >> >>",
        others={1000: stream(zeros(10**8, 2), b"/Filter [/FlateDecode /FlateDecode]")},
    ),
    "contents of a hundred million zeros": lambda: pdf(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R >>",
            2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents 4 0 R >>",
            4: stream(zeros(10**8), b"/Filter /FlateDecode"),
        }
    ),
    "a tiff whose pages go in a circle": lambda: circled_tiff(),
    "a picture that is its own mask": lambda: image_in_page(
        b"/Width 9 /Height 9 /BitsPerComponent 8 /ColorSpace /DeviceGray /SMask 1000 0 R", bytes(81)
    ),
}


def looped_table() -> bytes:
    """The trailer names its own table as the one before."""
    content = pages(catalogue=b"/X 1")
    start = content.rindex(b"xref\n0")
    return content.replace(b"trailer\n<< ", b"trailer\n<< /Prev %d " % start)


def circled_tiff() -> bytes:
    """A TIFF of two pages, the second of which is followed by the first."""
    content = bytearray(tiff(2))
    (first,) = struct.unpack_from("<I", content, 4)
    (second,) = struct.unpack_from("<I", content, after(content, first))
    struct.pack_into("<I", content, after(content, second), first)
    return bytes(content)


def after(content: bytearray, directory: int) -> int:
    """Where a TIFF directory says which is the next."""
    (entries,) = struct.unpack_from("<H", content, directory)
    return int(directory + 2 + 12 * entries)


@pytest.mark.parametrize("name", LOOPS)
def test_loops_depths_and_packed_zeros_are_done_with(name: str) -> None:
    """Some are taken: what matters is that none hangs, and that none is told of as a fault of Sanad or the machine."""
    found = verdict(LOOPS[name]())
    assert isinstance(found, str) or found.pages in (1, 2)


@pytest.mark.parametrize("pages_", [MAX_PAGES, MAX_PAGES + 1])
@pytest.mark.parametrize("make", [tiff, lambda number: pages([b"0 0 m 9 9 l S"] * number)], ids=["tiff", "pdf"])
def test_more_pages_than_the_bound_are_refused(make: Callable[[int], bytes], pages_: int) -> None:
    found = verdict(make(pages_))
    if pages_ > MAX_PAGES:
        assert found == "This file has more than 200 pages."
    else:
        assert isinstance(found, Paper)
        assert found.pages == pages_


def test_a_page_count_that_lies_is_refused() -> None:
    found = verdict(pages().replace(b"/Count 1 ", b"/Count 9 "))
    assert found == "Page 2 of this file cannot be read."
    assert verdict(pages().replace(b"/Count 1 ", b"/Count 500 ")) == "This file has more than 200 pages."


@pytest.mark.parametrize(
    ("box", "found"),
    [
        (b"0 0 8400 8400", "Page 1 of this file is far larger than any paper."),
        (b"0 0 100000 90", "Page 1 of this file is far larger than any paper."),
        (b"0 0 595 1", "Page 1 of this file cannot be read."),
    ],
)
def test_pages_of_no_papers_size_are_refused(box: bytes, found: str) -> None:
    assert verdict(pages(box=box)) == found


def test_a_page_larger_than_any_sheet_is_taken_with_a_note() -> None:
    found = inspect_paper(pages(box=b"0 0 3024 4032"))
    assert found.notes == (Note.OVERSIZED,)


def test_pdfs_without_pages_or_with_nothing_on_them_are_refused() -> None:
    none = pdf({1: b"<< /Type /Catalog /Pages 2 0 R >>", 2: b"<< /Type /Pages /Kids [] /Count 0 >>"})
    assert verdict(none) == NO_PDF
    assert verdict(pages([b"", b" "])) == "There is nothing on any page of this PDF."
    assert isinstance(verdict(pages([b"", b"0 0 m 9 9 l S"])), Paper)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_a_picture_cut_anywhere_is_never_taken_for_whole(kind: str) -> None:
    whole = picture(kind)
    for cut in random.Random(7).sample(range(12, len(whole) - 20), 12):
        assert verdict(whole[:cut]) in (DAMAGED, "This is not a PDF, JPEG, PNG or TIFF file."), cut


def test_a_progressive_jpeg_cut_anywhere_is_never_taken_for_whole() -> None:
    whole = picture("JPEG", progressive=True)
    for cut in random.Random(7).sample(range(12, len(whole) - 20), 12):
        assert verdict(whole[:cut]) == DAMAGED, cut


def test_the_last_page_of_a_tiff_is_looked_at_too() -> None:
    whole = bytearray(tiff(3, compression="tiff_deflate"))
    with Image.open(io.BytesIO(whole)) as opened:
        opened.seek(2)
        (at,) = opened.tag_v2[273]  # type: ignore[attr-defined]
    whole[at : at + 12] = b"\xff" * 12
    assert verdict(bytes(whole)) == "Page 3 of this file cannot be read."


def test_a_moving_picture_is_refused() -> None:
    out = io.BytesIO()
    frames = [Image.new("L", (40, 40), shade) for shade in (0, 128, 255)]
    frames[0].save(out, "PNG", save_all=True, append_images=frames[1:])
    assert verdict(out.getvalue()) == "This is a moving picture."


def test_a_picture_of_a_few_dots_is_refused() -> None:
    assert verdict(picture("PNG", (3, 400))) == "This picture is too small to be a paper."


def test_packed_text_in_a_png_is_not_unpacked_without_end() -> None:
    bomb = chunk(b"zTXt", b"Comment\0\0" + zeros(10**8))
    found = verdict(png(100, 100, zlib.compress(bytes(101 * 100)), extra=bomb))
    assert isinstance(found, Paper) or found == DAMAGED


def test_a_picture_with_a_pdf_in_its_beginning_is_refused() -> None:
    comment = chunk(b"tEXt", b"Comment\0" + pages())
    both = png(100, 100, zlib.compress(bytes(101 * 100)), extra=comment)
    assert verdict(both) == "This file is a picture and a PDF at once, so that two people could see two papers in it."


def test_a_pdf_behind_something_else_is_taken_with_a_note() -> None:
    found = inspect_paper(b"GIF89a\x01\x00\x01\x00\x00\x00\x00;\n" + pages())
    assert found.media_type == "application/pdf"
    assert found.notes == (Note.LEAD_IN,)


@pytest.mark.parametrize(
    ("catalogue", "note"),
    [
        (b"/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>", Note.SCRIPT),
        (b"/OpenAction << /S /Launch /F (/bin/sh) >>", Note.STARTS_PROGRAM),
        (b"/Names << /EmbeddedFiles << /Names [] >> >>", Note.FILES_INSIDE),
    ],
)
def test_what_acts_is_noted_and_never_run(catalogue: bytes, note: Note) -> None:
    assert inspect_paper(pages(catalogue=catalogue)).notes == (note,)


@pytest.mark.parametrize("password", ["secret", ""])
def test_a_password_is_a_reason_to_refuse_only_if_it_is_needed(password: str, tmp_path: Path) -> None:
    papers.encrypt(pages(), tmp_path, password)
    found = verdict((tmp_path / "locked.pdf").read_bytes())
    if password:
        assert found == "This PDF is locked with a password."
    else:
        assert isinstance(found, Paper)
        assert found.notes == (Note.RESTRICTED,)


def test_pictures_of_every_kind_that_scanners_make_are_taken() -> None:
    for mode in ("1", "L", "RGB", "CMYK"):
        for compression in ("raw", "tiff_lzw", "packbits", "tiff_deflate"):
            assert inspect_paper(picture("TIFF", mode=mode, compression=compression)).pages == 1
    assert inspect_paper(picture("TIFF", mode="1", compression="group4")).pages == 1
    assert inspect_paper(picture("TIFF", compression="jpeg")).pages == 1
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        assert inspect_paper(picture("PNG", mode=mode)).pages == 1
    for mode in ("L", "RGB", "CMYK"):
        assert inspect_paper(picture("JPEG", mode=mode)).pages == 1


def test_a_photograph_taken_sideways_is_shown_upright() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    paper = inspect_paper(picture("JPEG", (400, 300), exif=turned))
    assert (paper.width_px, paper.height_px) == (300, 400)
    with Image.open(io.BytesIO(paper.thumbnail_png)) as thumbnail:
        assert thumbnail.size == (240, 320)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(["%PDF-", "\xff\xd8\xff", "\x89PNG\r\n\x1a\n", "II*\0"]), st.binary(max_size=200))
def test_whatever_follows_a_beginning_there_is_an_answer(start: str, rest: bytes) -> None:
    verdict(start.encode("latin-1") + rest)


WHOLE: Final = {
    "pdf": pages(catalogue=b"/X (y)"),
    "png": picture("PNG", (40, 50)),
    "jpeg": picture("JPEG", (40, 50)),
    "tiff": tiff(2),
}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_whatever_is_changed_in_a_good_paper_there_is_an_answer(kind: str, data: st.DataObject) -> None:
    content = bytearray(WHOLE[kind])
    for at, byte in data.draw(
        st.lists(st.tuples(st.integers(4, len(content) - 1), st.integers(0, 255)), min_size=1, max_size=12)
    ):
        content[at] = byte
    verdict(bytes(content))


def test_nul_bytes_and_the_largest_file_have_an_answer() -> None:
    assert verdict(bytes(1000)) == "This is not a PDF, JPEG, PNG or TIFF file."
    assert verdict(b"%PDF-1.7\n" + bytes(1000)) == NO_PDF
    assert inspect_paper(pages() + bytes(MAX_PAPER_BYTES - len(pages()))).pages == 1

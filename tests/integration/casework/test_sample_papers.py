"""Real scans and PDFs, odd and hostile ones too: what becomes of each, judged by other programs where they can."""

from __future__ import annotations

import io
from typing import Final

import pytest
from PIL import Image

from appliance.casework.intake import Note, PaperRefused, inspect_paper
from tests.support.commands import SAMPLES
from tests.support.papers import counted_by_poppler, counted_by_qpdf

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no samples in {SAMPLES} (SANAD_SAMPLES)")

TAKEN: Final[dict[str, tuple[str, int, tuple[Note, ...]]]] = {
    "scans/baiona_color.jpg": ("image/jpeg", 1, ()),
    "scans/ccitt.pdf": ("application/pdf", 1, ()),
    "scans/epson.pdf": ("application/pdf", 1, ()),
    "scans/jbig2.pdf": ("application/pdf", 1, ()),
    "scans/linn.png": ("image/png", 1, ()),
    "scans/multipage.pdf": ("application/pdf", 6, ()),
    "scans/rotated_skew.pdf": ("application/pdf", 1, ()),
    "scans/skew.pdf": ("application/pdf", 1, ()),
    "scans/typewriter.png": ("image/png", 1, ()),
    "pdfs/crazyones-pdfa.pdf": ("application/pdf", 1, ()),
    "pdfs/google-doc-document.pdf": ("application/pdf", 1, ()),
    "pdfs/habibi.pdf": ("application/pdf", 1, ()),
    "pdfs/libreoffice-form.pdf": ("application/pdf", 1, ()),
    "pdfs/pdflatex-4-pages.pdf": ("application/pdf", 4, ()),
    # Odd but legal: a page larger than A1 would be noted, this one is 76 cm square; and no /Info at all.
    "hostile/enormous.pdf": ("application/pdf", 1, ()),
    "hostile/missing_docinfo.pdf": ("application/pdf", 1, ()),
}
REFUSED: Final = {
    "hostile/hugemono.pdf": "Page 1 of this file is far larger than any paper.",
    "hostile/invalid.pdf": "This PDF is damaged, or has no pages.",
    "hostile/libreoffice-writer-password.pdf": "This PDF is locked with a password.",
    "hostile/livecycle.pdf": "This PDF is a form that only Adobe's reader can show (LiveCycle, XFA).",
    "hostile/no_contents.pdf": "There is nothing on any page of this PDF.",
    # Its pages lie in a part of the file that is gone; qpdf finds none, poppler four of no size.
    "hostile/unreadablemetadata.pdf": "This PDF is damaged, or has no pages.",
}


def test_every_sample_has_its_expected_outcome() -> None:
    files = {str(file.relative_to(SAMPLES)) for file in SAMPLES.glob("*/*") if file.is_file()}
    assert files == TAKEN.keys() | REFUSED.keys()


@pytest.mark.parametrize("name", TAKEN)
def test_a_sample_is_taken(name: str) -> None:
    media_type, pages, notes = TAKEN[name]
    paper = inspect_paper((SAMPLES / name).read_bytes())
    assert (paper.media_type, paper.pages, paper.notes) == (media_type, pages, notes)
    with Image.open(io.BytesIO(paper.thumbnail_png), formats=["PNG"]) as thumbnail:
        thumbnail.load()
        assert max(thumbnail.size) == 320
        assert len(set(thumbnail.convert("L").tobytes())) > 1


@pytest.mark.parametrize("name", [name for name in TAKEN if name.endswith(".pdf")])
def test_other_programs_count_as_many_pages(name: str) -> None:
    pages = TAKEN[name][1]
    assert counted_by_qpdf(SAMPLES / name) == pages
    assert counted_by_poppler(SAMPLES / name) == pages


@pytest.mark.parametrize("name", [name for name in TAKEN if not name.endswith(".pdf")])
def test_a_picture_has_the_size_that_is_written_in_it(name: str) -> None:
    paper = inspect_paper((SAMPLES / name).read_bytes(), thumbnail=False)
    with Image.open(SAMPLES / name) as picture:
        assert (paper.width_px, paper.height_px) == picture.size
    assert paper.thumbnail_png == b""


@pytest.mark.parametrize("name", REFUSED)
def test_a_sample_is_refused_with_its_reason_and_what_to_do(name: str) -> None:
    with pytest.raises(PaperRefused) as refused:
        inspect_paper((SAMPLES / name).read_bytes())
    assert refused.value.sentence == REFUSED[name]
    assert refused.value.next_step

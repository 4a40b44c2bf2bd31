"""Specimen papers look like scans, are taken in like scans, and say what they are."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from appliance.casework.intake import inspect_paper
from appliance.journal.errors import BugError, DeviceError
from provisioning import specimenpapers
from provisioning.specimenpapers import MAX_BYTES, MAX_LINES, PAGE_PX, specimen_page

LINES = ("Name: SPECIMEN Gul Bibi", "نام: نمونہ گل بی بی", "Father: SPECIMEN Zaman, والد", "पता: नमूना", "முகவரி: மாதிரி")


def test_a_specimen_is_a_page_of_a4_at_200_dots_an_inch_that_intake_takes() -> None:
    page = specimen_page("Matriculation certificate", LINES, 1)
    assert len(page) <= MAX_BYTES
    paper = inspect_paper(page)
    assert (paper.media_type, paper.pages, paper.notes) == ("image/jpeg", 1, ())
    assert (paper.width_px, paper.height_px) == PAGE_PX
    with Image.open(io.BytesIO(page)) as picture:
        assert picture.info["dpi"] == (200, 200)
        assert picture.info["comment"] == b"SPECIMEN"


def test_the_same_seed_gives_the_same_page_and_another_gives_another() -> None:
    page = specimen_page("CNIC", LINES, 7)
    assert specimen_page("CNIC", LINES, 7) == page
    assert specimen_page("CNIC", LINES, 8) != page
    assert specimen_page("CNIC", LINES[:1], 7) != page


def test_the_fullest_page_stays_within_its_bound() -> None:
    assert len(specimen_page("X" * 200, ["SPECIMEN Wxyz گل " * 20] * MAX_LINES, 3)) <= MAX_BYTES
    with pytest.raises(BugError):
        specimen_page("X", ["x"] * (MAX_LINES + 1), 3)


def test_a_line_is_cut_where_its_script_changes() -> None:
    runs = [run for _, run in specimenpapers._runs("Name: Gul گل بی بی 12 (x)")]
    assert runs == ["Name: Gul ", "گل بی بی ", "12 (x)"]
    assert len({font for font, _ in specimenpapers._runs("a گ प த")}) == 4


def test_a_missing_font_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(specimenpapers, "_LATIN", "Nowhere.ttf")
    with pytest.raises(DeviceError, match="apt-get install fonts-noto-core"):
        specimen_page("X", ["x"], 1)

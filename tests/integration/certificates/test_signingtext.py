"""What a pad shows, in the citizen's language: it fits its screen, and each word stands on its own button."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageOps

from appliance.certificates.signingtext import apply_for, render_buttons, render_row, render_signing_text

LANGUAGES = ("en", "ur", "ps", "hi", "ta")
NAMES = {"en": "Gul Bibi", "ur": "گل بی بی", "ps": "ګل بي بي", "hi": "गुल बीबी", "ta": "குல் பீபி"}


def ink(png: bytes) -> Image.Image:
    with Image.open(io.BytesIO(png)) as picture:
        return ImageOps.invert(picture.convert("L"))


def dark(picture: Image.Image) -> int:
    return sum(picture.histogram()[128:])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", [(800, 216), (640, 180), (320, 90)])
def test_what_is_signed_fits_the_screen_with_all_its_lines(language: str, size: tuple[int, int]) -> None:
    lines = (f"{apply_for(language)}: {NAMES[language]}", "PEW01-2026-000001-E", NAMES[language])
    png = render_signing_text(lines, language, *size)
    assert png is not None
    picture = ink(png)
    assert picture.width == size[0]
    assert picture.height <= size[1]
    assert dark(picture) > 300


def test_what_does_not_fit_is_not_cut() -> None:
    assert render_signing_text(["A long line of a long story. " * 8] * 6, "en", 320, 60) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_word_stands_on_its_own_button_from_left_to_right_in_every_language(language: str) -> None:
    row = ink(render_row(("i", "i", "MMMMM"), language, 600, 80))
    parts = [dark(row.crop((200 * at, 0, 200 * (at + 1), 80))) for at in range(3)]
    assert parts[2] > 5 * max(parts[:2])
    assert min(parts) > 0
    words = ink(render_buttons(language, 600, 80))
    assert all(dark(words.crop((200 * at, 0, 200 * (at + 1), 80))) > 0 for at in range(3))

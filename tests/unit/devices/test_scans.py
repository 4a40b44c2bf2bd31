"""What is done to a scanned page: empty ones out, straight, cut, small."""

from __future__ import annotations

import io
import random

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFont

from devices.contracts import ScanColour, ScannedPage
from devices.scans import crop, finish, is_blank, skew_deg

A4 = (1654, 2339)


def page(size: tuple[int, int] = A4, lines: int = 40) -> Image.Image:
    image = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(30)
    for number in range(lines):
        words = "".join(chr(97 + (number * 7 + i * i) % 26) if i % 6 else " " for i in range(60))
        pen.text((200, 250 + 45 * number), words, fill=(20, 20, 60), font=font)
    return image


def noisy(image: Image.Image, strength: int) -> Image.Image:
    noise = Image.frombytes("RGB", image.size, random.Random(5).randbytes(3 * image.width * image.height))
    return ImageChops.add(image, noise.point(lambda level: level * strength // 255), offset=-strength)


def opened(scanned: ScannedPage | None) -> Image.Image:
    assert scanned is not None
    image = Image.open(io.BytesIO(scanned.jpeg))
    image.load()
    return image


@pytest.mark.parametrize("turn", [-4.0, -1.5, 0.0, 0.75, 3.0])
def test_a_slanted_page_is_turned_back_to_within_a_quarter_of_a_degree(turn: float) -> None:
    slanted = page().rotate(turn, Image.Resampling.BICUBIC, fillcolor="white")
    assert abs(skew_deg(slanted) + turn) <= 0.25


def test_a_page_of_which_nobody_can_say_how_it_lies_is_left_as_it_is() -> None:
    dots = Image.new("L", (800, 800), 255)
    ImageDraw.Draw(dots).ellipse((300, 300, 500, 500), fill=0)
    assert skew_deg(dots) == 0


def test_an_empty_page_with_dust_and_a_dark_edge_is_empty_and_one_line_is_not() -> None:
    empty = noisy(Image.new("RGB", A4, (250, 250, 248)), 12)
    ImageDraw.Draw(empty).rectangle((0, 0, 20, A4[1]), fill="black")
    ImageDraw.Draw(empty).rectangle((900, 900, 903, 903), fill="black")
    assert is_blank(empty)
    assert finish(empty, ScanColour.GREY, 200) is None
    assert not is_blank(page(lines=1))


def test_a_small_paper_on_the_glass_is_cut_out_with_a_margin() -> None:
    glass = Image.new("L", A4, 255)
    glass.paste(0, (300, 400, 900, 800))
    glass.putpixel((1600, 2300), 0)
    assert crop(glass, 30).size == (660, 460)


@pytest.mark.parametrize("colour", list(ScanColour))
def test_a_page_at_200_dpi_is_under_300_kb_in_its_colour_and_still_legible(colour: ScanColour) -> None:
    scanned = finish(noisy(page(), 40), colour, 200)
    image = opened(scanned)
    assert scanned is not None
    assert len(scanned.jpeg) < 300_000
    assert (image.mode, image.size) == (
        "L" if colour is ScanColour.GREY else "RGB", (scanned.width_px, scanned.height_px)
    )  # fmt: skip
    assert image.info["dpi"] == (200, 200)
    assert not is_blank(image)

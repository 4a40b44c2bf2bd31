"""Codes, drawn and read back."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET

import pytest
import segno
import zxingcpp
from PIL import Image, ImageDraw

from appliance.certificates.codes import QUIET, draw_code, picture_of_code
from appliance.journal.errors import BugError


def picture(svg: str, scale: int = 4) -> Image.Image:
    """Our own SVG, drawn: a white ground, and rectangles along one path."""
    root = ET.fromstring(svg)
    side = int(root.attrib["width"])
    image = Image.new("L", (side * scale, side * scale), 255)
    draw = ImageDraw.Draw(image)
    for run in root[1].attrib["d"].split("M")[1:]:
        place, _, rest = run.partition("h")
        x, y = map(int, place.split())
        wide = int(rest.partition("v")[0])
        draw.rectangle((x * scale, y * scale, (x + wide) * scale - 1, (y + 1) * scale - 1), fill=0)
    return image


@pytest.mark.parametrize("text", ["1", "PEW01-0000123|" + "0a" * 32, "NCFOXN%TS3DH" * 20, "نام"])
def test_a_code_is_read_back_as_its_text(text: str) -> None:
    found = zxingcpp.read_barcodes(
        picture(draw_code(text).svg), formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    )
    assert [(each.text, each.ec_level) for each in found] == [(text, "M")]


def test_it_has_a_quiet_zone_and_is_no_larger_than_segno_s() -> None:
    text = "NCFOXN%TS3DH" * 20
    code = draw_code(text)
    assert code.modules - 8 <= len(segno.make_qr(text, error="m", boost_error=False).matrix)
    image = picture(code.svg, 1)
    assert image.getextrema() == (0, 255)
    assert Image.eval(image, lambda level: 255 - level).getbbox() == (4, 4, code.modules - 4, code.modules - 4)


@pytest.mark.parametrize("text", ["1", "PEW01-0000123|" + "0a" * 32, "نام"])
def test_as_a_picture_it_has_the_same_modules_and_as_wide_a_quiet_zone_as_in_shapes(text: str) -> None:
    drawn, dots = draw_code(text), picture_of_code(text, 4)
    assert dots.side == 4 * drawn.modules
    image = Image.frombytes("L", (dots.side, dots.side), dots.dots)
    assert image.tobytes() == picture(drawn.svg, 4).tobytes()
    dark = Image.eval(image, lambda level: 255 - level).getbbox()
    assert dark == (4 * QUIET, 4 * QUIET, dots.side - 4 * QUIET, dots.side - 4 * QUIET)


@pytest.mark.parametrize("text", ["", "x" * 600, "x" * 5000])
def test_a_text_that_a_paper_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(BugError):
        draw_code(text)
    with pytest.raises(BugError):
        picture_of_code(text, 4)


def test_the_svg_is_an_svg() -> None:
    assert ET.parse(io.StringIO(draw_code("x").svg)).getroot().tag == "{http://www.w3.org/2000/svg}svg"

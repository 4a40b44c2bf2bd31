"""Fonts that are missing are named, with the package that brings them."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.certificates.fonts import FILES, FontsMissing, find_fonts
from appliance.certificates.typesetting import Typesetter
from appliance.journal.errors import DeviceError


def test_every_font_is_found_on_a_machine_that_was_set_up() -> None:
    assert [file.name for file in find_fonts()] == list(FILES)


def test_a_missing_font_is_named_with_its_package(tmp_path: Path) -> None:
    for name in FILES[1:]:
        (tmp_path / name).touch()
    with pytest.raises(FontsMissing) as missing:
        find_fonts([tmp_path / "nowhere", tmp_path])
    assert FILES[0] in str(missing.value)
    assert FILES[1] not in str(missing.value)
    assert "fonts-noto-core" in missing.value.next_step


def test_a_damaged_font_is_found_before_anything_is_printed(tmp_path: Path) -> None:
    damaged = tmp_path / "NotoSerif-Regular.ttf"
    damaged.write_bytes(b"no font")
    with pytest.raises(DeviceError, match="cannot be read"):
        Typesetter([damaged])

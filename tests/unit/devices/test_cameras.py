"""What the process that takes pictures answers where there is nothing to take one of."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from devices.contracts import Camera, Status
from devices.errors import NotInstalled, Unplugged
from devices.finding import Which
from devices.programs import run
from devices.v4l2 import grab, library
from devices.v4l2.camera import FAULTS, V4l2Camera
from devices.v4l2.grab import Grabbed


def test_a_node_that_is_not_there_is_gone(tmp_path: Path) -> None:
    assert grab.main([str(tmp_path / "video0"), "640", "480", "1"]) is Grabbed.GONE


def test_a_file_that_is_no_camera_is_refused(tmp_path: Path) -> None:
    (tmp_path / "video0").touch()
    assert grab.main([str(tmp_path / "video0"), "640", "480", "1"]) is Grabbed.REFUSED


def test_a_machine_without_the_library_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "LIBRARY", "libv4l2-not-there.so.0")
    code = grab.main([str(tmp_path / "video0"), "640", "480", "1"])
    assert FAULTS[code][0] is NotInstalled
    assert "libv4l-0" in FAULTS[code][2]


def test_the_request_is_that_of_videodev2_h() -> None:
    assert (0xC0D05605 if sys.maxsize > 1 << 32 else 0xC0CC5605) == library.SET_FORMAT


def test_a_camera_that_is_not_there_is_unplugged_and_raises() -> None:
    camera = V4l2Camera(Which(0x046D, 0x0825, "NONE"))
    assert isinstance(camera, Camera)
    assert camera.status() is Status.UNPLUGGED
    with pytest.raises(Unplugged):
        camera.snap()


def test_a_program_that_does_not_end_is_ended_with_all_it_started() -> None:
    assert run(["sh", "-c", "sleep 60 & sleep 60"], 0.1).code is None
    assert run(["sh", "-c", 'printf %s "$SAID"; exit 3'], 10, {"SAID": "so"}).out == b"so"

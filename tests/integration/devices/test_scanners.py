"""Scanning through SANE's own `scanimage` and its test backend."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

import pytest
from PIL import Image

from devices import discovery, usb
from devices.contracts import Kind, ScanColour, ScanEnd, Scanner, ScanSource, Status
from devices.errors import DeviceFault, NotInstalled, Refused
from devices.ipp import browsing
from devices.sane import SaneScanner, scanners
from devices.sysfs import Node
from tests.support.usb.run import run

TRIES = 5
ENDS_WITHIN_S = 8.0
"""A scan of the test backend lasts a fraction of a second."""
GRID = "--test-picture=Grid"
WHITE = "--test-picture=Solid white"


@pytest.fixture(autouse=True)
def only_the_test_backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dll.conf").write_text("test\n")
    (tmp_path / "test.conf").write_text("number_of_devices 1\n")
    monkeypatch.setenv("SANE_CONFIG_DIR", str(tmp_path))


def test_the_scanner_is_found_and_ready() -> None:
    found = scanners()
    assert [(one.identity.port, one.name, one.written) for one in found] == [("test:0", "test:0", "test:0")]
    scanner: Scanner = SaneScanner(found[0].name)
    assert scanner.status() is Status.READY


@pytest.mark.parametrize(("colour", "mode"), [(ScanColour.GREY, "L"), (ScanColour.COLOUR, "RGB")])
def test_one_page_from_the_glass_has_the_colour_asked_for_and_leaves_nothing_behind(
    colour: ScanColour, mode: str, tmp_path: Path
) -> None:
    memory = tmp_path / "memory"
    memory.mkdir()
    end = SaneScanner("test:0", [GRID], memory=memory).scan(ScanSource.FLATBED, colour)
    assert (end.status, len(end.pages)) == (Status.READY, 1)
    with Image.open(io.BytesIO(end.pages[0].jpeg)) as image:
        assert image.mode == mode
        assert 1500 < image.width <= 1640
    assert len(end.pages[0].jpeg) < 300_000
    assert list(memory.iterdir()) == []


def test_the_feeder_gives_every_page_until_it_is_empty() -> None:
    end = SaneScanner("test:0", [GRID]).scan(ScanSource.FEEDER, ScanColour.GREY, resolution_dpi=50)
    assert (end.status, len(end.pages), end.blank) == (Status.READY, 10, 0)


def test_empty_pages_are_left_out_and_counted() -> None:
    end = SaneScanner("test:0", [WHITE]).scan(ScanSource.FEEDER, ScanColour.GREY, resolution_dpi=50)
    assert (end.pages, end.blank) == ((), 10)
    assert "left out" in end.sentence


def failing(fault: str) -> ScanEnd:
    """A scan that fails. The test backend's own two threads sometimes wait for each other then: it is asked again."""
    more = [f"--read-return-value=SANE_STATUS_{fault}"]
    ends = (
        SaneScanner("test:0", more, limit_s=ENDS_WITHIN_S).scan(ScanSource.FEEDER, ScanColour.GREY)
        for _ in range(TRIES)
    )
    return next(end for end in ends if end.status is not Status.UNKNOWN)


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("JAMMED", Status.JAMMED),
        ("NO_DOCS", Status.PAPER_OUT),
        ("COVER_OPEN", Status.COVER_OPEN),
        ("IO_ERROR", Status.FAULT),
    ],
)
def test_what_goes_wrong_is_told_with_a_next_step(fault: str, status: Status) -> None:
    end = failing(fault)
    assert (end.pages, end.status) == ((), status)
    assert end.next_step


def test_a_scanner_that_never_ends_is_given_up_in_time() -> None:
    scanner = SaneScanner("test:0", ["--read-delay=yes", "--read-delay-duration=200000", GRID], limit_s=1.0)
    end = scanner.scan(ScanSource.FEEDER, ScanColour.GREY, resolution_dpi=600)
    assert (end.status, end.pages) == (Status.UNKNOWN, ())


def test_a_scanner_that_is_not_there_is_unplugged() -> None:
    scanner = SaneScanner("test:7")
    assert scanner.status() is Status.UNPLUGGED
    with pytest.raises(DeviceFault):
        scanner.scan(ScanSource.FLATBED, ScanColour.GREY)


def test_a_name_that_would_be_an_option_is_refused() -> None:
    with pytest.raises(Refused):
        SaneScanner("--help")


@pytest.mark.parametrize(
    ("serial", "written"), [("E7", "epson2:libusb:04b8:0202:serial:E7"), ("", "epson2:libusb:04b8:0202:port:1-1")]
)
def test_a_scanner_on_usb_is_written_down_so_that_it_is_found_again_after_a_replug(
    serial: str, written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SANE's own name has the address on the bus in it, which a replug changes."""
    program = tmp_path / "scanimage"
    program.write_text("#!/bin/sh\nprintf 'epson2:libusb:001:002\\tEpson\\tGT-1500\\n'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    ran = run({"1-1": {"model": "printer", "strings": ["EPSON", "GT-1500", serial]}}, "scanner")
    assert ran.result == {
        "written": written,
        "port": "1-1",
        "names": ["epson2:libusb:001:002", "epson2:libusb:001:003"],
        "pulled": "unplugged",
    }


def test_a_scanner_that_hangs_is_given_up_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "scanimage"
    program.write_text('#!/bin/sh\n[ "$3" = -A ] && exit 0\nsleep 60 & sleep 60\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    end = SaneScanner("epson2:net:1", limit_s=0.5).scan(ScanSource.FLATBED, ScanColour.GREY)
    assert (end.status, end.pages) == (Status.UNKNOWN, ())


def test_a_scan_that_gives_nothing_any_more_is_stopped_long_before_its_time_is_over() -> None:
    slow = ["--read-delay=yes", "--read-delay-duration=200000", GRID]
    end = SaneScanner("test:0", slow, stall_s=0.05).scan(ScanSource.FLATBED, ScanColour.GREY, resolution_dpi=600)
    assert (end.status, end.sentence) == (Status.UNKNOWN, "The scanner gave nothing any more.")
    assert end.next_step


def test_pages_are_told_as_they_come_and_a_scan_that_is_stopped_keeps_them() -> None:
    stop, told = threading.Event(), list[int]()

    def paged(count: int) -> None:
        told.append(count)
        if count >= 2:
            stop.set()

    slow = ["--read-delay=yes", "--read-delay-duration=20000", GRID]
    scanner = SaneScanner("test:0", slow)
    end = scanner.scan(ScanSource.FEEDER, ScanColour.GREY, resolution_dpi=50, paged=paged, cancelled=stop)
    assert told == sorted(set(told))
    assert 2 <= len(end.pages) < 10
    assert "stopped at the counter" in end.sentence
    assert scanner.status() is Status.READY


def test_a_backend_that_crashes_is_not_called_a_cable_that_is_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "scanimage"
    program.write_text("#!/bin/sh\nkill -SEGV $$\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    scanner = SaneScanner("test:0")
    assert scanner.status() is Status.UNKNOWN
    with pytest.raises(Refused, match="stopped working"):
        scanner.scan(ScanSource.FLATBED, ScanColour.GREY)


def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A `scanimage` of our own, before the real one."""
    program = tmp_path / "scanimage"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


GOOD = r"printf 'P5\n4 4\n255\n\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000' > "


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (r"printf 'P5\n90000 90000\n255\n' > ", "1 too large"),
        (r"printf 'P5\n40 40\n255\nxx' > ", "1 did not come whole"),
    ],
    ids=["large", "torn"],
)
def test_a_page_that_cannot_be_kept_costs_no_other_and_is_told(
    other: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = 'for each; do case "$each" in --batch=*) out="${each#--batch=}"; out="${out%/*}";; esac; done'
    wanted = f'[ "$3" = -A ] && {{ echo "    --source Feeder [Feeder]"; exit 0; }}\n{folder}'
    made_up(tmp_path, monkeypatch, f'{wanted}\n{GOOD}"$out/0001.pnm"\n{other}"$out/0002.pnm"\nexit 7')
    end = SaneScanner("epson2:net:1").scan(ScanSource.FEEDER, ScanColour.GREY)
    assert (len(end.pages), end.status, said in end.sentence) == (1, Status.UNKNOWN, True)
    assert end.next_step


def test_scanners_that_cannot_be_looked_for_are_told_and_hide_no_other_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_up(tmp_path, monkeypatch, "exit 1")
    camera = Node(Path("/dev/video9"), tmp_path, "camera", 0x046D, 0x0825, "", "1-2")
    monkeypatch.setattr(browsing, "printers", list)
    monkeypatch.setattr(usb, "entries", no_libusb)
    monkeypatch.setattr(discovery, "cameras", lambda: [camera])
    looked = discovery.discover()
    assert [one.identity.kind for one in looked.found if one.identity.port == "1-2"] == [Kind.CAMERA]
    assert [type(trouble) for trouble in looked.troubles] == [NotInstalled, Refused]


def no_libusb() -> list[object]:
    raise NotInstalled("libusb is not installed on this machine.", "Install the package libusb-1.0-0.")

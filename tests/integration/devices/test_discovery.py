"""`sanad devices list` and `test`, with several devices on an emulated bus."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from provisioning.settings import Centre, node_toml
from tests.support.usb.run import Ran, run, run_command

COMMAND = [sys.executable, "-X", "faulthandler", "-c", "from provisioning.devicecommands import app; app()"]
BUS: dict[str, dict[str, Any]] = {
    "1-1": {"model": "pad", "product": 0xA4},
    "1-2": {"model": "printer"},
    "1-3": {"model": "printer", "answers": False, "device_id": False, "strings": ["X", "POS-80", "X9"]},
    "1-4": {"model": "small-printer"},
    "1-5": {"model": "printer", "paper_out_after": 0, "strings": ["EPSON", "TM-T20", "E2"]},
    "1-6": {"model": "page-printer"},
    "1-8": {"model": "pen"},
    "1-9": {"model": "camera"},
    "1-10": {"model": "reader"},
}


@pytest.fixture(autouse=True)
def one_scanner_and_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/no-bus")
    (tmp_path / "dll.conf").write_text("test\n")
    (tmp_path / "test.conf").write_text("number_of_devices 1\n")
    monkeypatch.setenv("SANE_CONFIG_DIR", str(tmp_path))


def sanad_devices(*arguments: str, bus: dict[str, dict[str, Any]] | None = None) -> Ran:
    return run_command(json.loads(json.dumps(BUS if bus is None else bus)), [*COMMAND, *arguments])


def test_the_list_tells_kind_maker_serial_port_and_status_and_silence_is_unknown() -> None:
    ran = sanad_devices("list", "--json")
    rows = {row["port"]: row for row in json.loads(ran.output)["devices"]}
    assert rows["1-1"] == {
        "kind": "signature-pad", "vendor": "056a", "product": "00a4", "model": "STU-430", "serial": "8AQZ001",
        "port": "1-1", "status": "ready",
    }  # fmt: skip
    assert {port: (row["kind"], row["serial"], row["status"]) for port, row in rows.items() if port != "1-1"} == {
        "1-2": ("receipt-printer", "R1", "ready"),
        "1-3": ("receipt-printer", "X9", "unknown"),
        "1-4": ("receipt-printer", "", "unknown"),
        "1-5": ("receipt-printer", "E2", "paper out"),
        "1-6": ("page-printer", "P1", "unknown"),
        "1-8": ("signature-pad", "PEN1", "ready"),
        "1-9": ("camera", "CAM1", "ready"),
        "1-10": ("code-reader", "", "unknown"),
        "test:0": ("scanner", "", "ready"),
    }
    assert (rows["1-4"]["vendor"], rows["1-4"]["product"]) == ("0416", "5011")


def test_an_empty_bus_is_an_empty_list(tmp_path: Path) -> None:
    (tmp_path / "dll.conf").write_text("")
    assert json.loads(sanad_devices("list", "--json", bus={}).output) == {"devices": []}
    assert "No device" in sanad_devices("list", bus={}).output


def test_a_printer_is_tried_by_its_serial_number_and_the_picture_shows_what_was_printed(tmp_path: Path) -> None:
    out = tmp_path / "paper.png"
    ran = sanad_devices("test", "R1", "--out", str(out), "--json")
    assert (ran.code, json.loads(ran.output)["outcome"]) == (0, "printed")
    with Image.open(out) as image:
        assert [code.text for code in zxingcpp.read_barcodes(image)] == ["SANAD TEST"]


def test_a_pad_is_tried_by_its_port_and_the_picture_shows_the_signature(tmp_path: Path) -> None:
    out = tmp_path / "signature.png"
    stroke = [[2000 + 100 * i, 3200, 500] for i in range(30)]
    bus = {"1-1": {"model": "pad", "product": 0xA4, "script": [["stroke", stroke], ["tap", 0.84, 0.92]]}}
    ran = sanad_devices("test", "1-1", "--out", str(out), "--json", bus=bus)
    assert (ran.code, json.loads(ran.output)["outcome"]) == (0, "accepted")
    with Image.open(out) as image:
        assert image.getchannel("A").getbbox() is not None


def test_a_pen_without_a_screen_is_tried_and_accepted_by_enter(tmp_path: Path) -> None:
    stroke = [[2000 + 100 * i, 3200, 500] for i in range(30)]
    bus = {"1-1": {"model": "pen", "script": [["stroke", stroke], ["enter"]]}}
    ran = sanad_devices("test", "PEN1", "--out", str(tmp_path / "signature.png"), "--json", bus=bus)
    assert (ran.code, json.loads(ran.output)["outcome"]) == (0, "accepted")
    with Image.open(tmp_path / "signature.png") as image:
        assert image.getchannel("A").getbbox() is not None


def test_a_camera_is_tried_and_the_picture_is_what_it_sees(tmp_path: Path) -> None:
    view = tmp_path / "view.jpg"
    Image.new("RGB", (640, 480), (20, 180, 20)).save(view)
    bus = {"1-1": {"model": "camera", "picture": str(view)}}
    ran = sanad_devices("test", "CAM1", "--out", str(tmp_path / "seen.png"), "--json", bus=bus)
    assert (ran.code, json.loads(ran.output)["outcome"]) == (0, "ready")
    with Image.open(tmp_path / "seen.png") as image:
        seen = image.convert("RGB").getpixel((320, 240))
    assert isinstance(seen, tuple)
    assert seen[1] > 150 > 60 > seen[0]


@pytest.mark.parametrize(
    ("device", "address"),
    [
        ("PEN1", "evdev:056a:0357:serial:PEN1"),
        ("1-9", "v4l2:046d:0825:serial:CAM1"),
        ("1-4", "usb:0416:5011:port:1-4"),
        ("test:0", "sane:test:0"),
        ("1-10", "keys:1a86:5456:port:1-10"),
        ("keys:any", "keys:any"),
    ],
)
def test_a_device_is_assigned_to_a_counter_by_serial_number_or_else_by_port(
    device: str, address: str, tmp_path: Path
) -> None:
    (tmp_path / "node.toml").write_text(node_toml(Centre(code="CFC01", name="Specimen"), "https://central.example"))
    ran = sanad_devices("assign", device, "--home", str(tmp_path), "--json")
    told = json.loads(ran.output)
    assert (ran.code, told["address"]) == (0, address)
    assert f'{told["kind"]} = "{address}"' in (tmp_path / "node.toml").read_text()


def test_a_scanner_is_tried_by_its_name(tmp_path: Path) -> None:
    ran = sanad_devices("test", "test:0", "--out", str(tmp_path / "page.png"), "--json", bus={})
    assert (ran.code, json.loads(ran.output)["outcome"]) == (0, "ready")
    with Image.open(tmp_path / "page.png") as image:
        assert image.width > 1000


def test_a_printer_without_paper_fails_its_test_with_the_next_step(tmp_path: Path) -> None:
    ran = sanad_devices("test", "E2", "--out", str(tmp_path / "none.png"), "--json")
    told = json.loads(ran.output)
    assert (ran.code, told["outcome"], told["picture"]) == (1, "not started", None)
    assert "roll" in told["next_step"]


def test_what_comes_and_goes_is_noticed_and_a_device_is_found_again_by_serial_at_another_port() -> None:
    ran = run(
        {"1-1": {"model": "printer"}, "1-7": {"model": "printer", "strings": ["", "", "R1"]}}, "watch", absent=("1-7",)
    )
    assert ran.result == {
        "first": [["1-1"], []],
        "still": [[], []],
        "pulled": [[], ["1-1"]],
        "elsewhere": [["1-7"], []],
        "again": [["1-1"], []],
        "status": ["ready", "unplugged", "ready"],
    }


def test_a_watch_in_the_background_tells_of_a_pen_and_a_camera_that_come_and_go() -> None:
    bus: dict[str, dict[str, Any]] = {"1-1": {"model": "pen"}, "1-2": {"model": "camera"}}
    assert run(bus, "follow").result == []  # and of nothing else

"""The console by keys with the real drivers, on devices emulated below libusb and below the kernel's interface."""

from __future__ import annotations

import sys
from typing import Any

import zxingcpp

from devices import signatures
from tests.integration.devices.test_receipts_usb import picture_of
from tests.support.escpos_reader import read_paper
from tests.support.usb.run import Ran, run_command

PORT = "1-1"
STROKE = [[4000 + 200 * i, 6000, 900] for i in range(50)]


def walk(name: str, **model: Any) -> Ran:
    ran = run_command({PORT: model}, [sys.executable, "-m", "tests.support.usb.console", name])
    assert ran.code == 0, ran.output[-3000:]
    return ran


def test_a_tablet_pulled_out_while_a_citizen_signs_voids_it_on_the_screen_and_signs_again_without_a_restart() -> None:
    told = walk("sign", model="pen", script=[["down", STROKE], ["unplug"]]).result
    assert "signature is void" in told["void"]
    assert told["kept"] == 0
    assert "not connected" in told["gone"]
    assert "I apply for" in told["ink"]
    assert "Signed" in told["said"]
    signature = signatures.from_bytes(told["strokes"].encode())
    assert [[s.x, s.y, s.pressure] for s in signatures.strokes(signature)[0]] == STROKE


def test_a_printer_pulled_out_in_mid_receipt_is_told_and_the_receipt_comes_whole_once_it_is_back() -> None:
    ran = walk("print", model="printer", unplug_after=20_000)
    told = ran.result
    assert "disconnected" in told["first"]
    assert told["states"] == ["incomplete", "printed"]
    paper = read_paper(bytes.fromhex(ran.devices[PORT]["received"]))
    assert told["code"] in [
        code.text for raster in paper.rasters for code in zxingcpp.read_barcodes(picture_of(raster))
    ]

"""`sanad devices test` and `assign` on this machine: printers on the network, a reader that types into a terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
import zxingcpp
from PIL import Image
from typer.testing import CliRunner

from appliance.journal.errors import OperatorError
from provisioning.devicecommands import app
from tests.support.tcp_printer import TcpPrinter
from tests.support.usb.printers import Printer

COMMAND: Final = [sys.executable, "-c", "from provisioning.devicecommands import app; app()"]
CODE: Final = "PEW01-2026-000017-K"


def refused(*arguments: str) -> str:
    """The sentence that a command is refused with."""
    error = CliRunner().invoke(app, arguments).exception
    assert isinstance(error, OperatorError)
    return f"{error.sentence} {error.next_step}"


def test_nothing_is_printed_where_its_picture_could_not_be_written(tmp_path: Path) -> None:
    with TcpPrinter(Printer()) as served:
        told = refused("test", f"tcp:127.0.0.1:{served.port}", "--out", str(tmp_path / "none" / "test.png"))
    assert "--out" in told
    assert served.model.received == b""


@pytest.mark.parametrize(("device", "kind"), [("tcp:192.0.2.7", "scanner"), ("keys:any", "camera")])
def test_an_address_of_another_kind_than_was_said_is_refused(device: str, kind: str) -> None:
    assert "is the address of a" in refused("assign", device, "--kind", kind)


def test_a_reader_that_types_into_the_terminal_is_tried_and_its_code_stands_in_the_picture(tmp_path: Path) -> None:
    hand, terminal = pty.openpty()
    out = tmp_path / "code.png"
    with subprocess.Popen(
        [*COMMAND, "test", "keys:any", "--out", str(out), "--json"],
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(terminal)
        assert process.stderr is not None
        assert process.stdout is not None
        assert b"Read a code now" in process.stderr.readline()
        os.write(hand, b"ab\n" + CODE.encode() + b"\r")
        told = json.loads(process.stdout.read())
    os.close(hand)
    assert (process.returncode, told["kind"], told["outcome"]) == (0, "code-reader", "ready")
    assert CODE not in told["sentence"]
    with Image.open(out) as image:
        assert [code.text for code in zxingcpp.read_barcodes(image)] == [CODE]


def test_a_reader_cannot_be_tried_without_a_terminal(tmp_path: Path) -> None:
    ran = subprocess.run(
        [*COMMAND, "test", "keys:any"],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode != 0
    assert "types into a terminal" in ran.stderr

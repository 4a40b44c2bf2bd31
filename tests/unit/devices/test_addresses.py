"""How devices are written down in `node.toml`, and what opens from there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.journal.errors import OperatorError
from devices import opening
from devices.addresses import address_of, read_address
from devices.contracts import Device, Identity, Kind
from devices.errors import Refused
from provisioning.settings import Centre, NodeSettings, assign_device, load, node_toml

SEEDED = settings(deadline=None, derandomize=True)
PAD = "usb:056a:00a5:serial:8AQZ001"


@pytest.fixture
def node_file(tmp_path: Path) -> Path:
    path = tmp_path / "node.toml"
    path.write_text(node_toml(Centre(code="CFC01", name="Specimen"), "https://central.example:8443") + "# kept\n")
    return path


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        (PAD, Kind.SIGNATURE_PAD),
        ("evdev:056a:0357:serial:0BB1", Kind.SIGNATURE_PAD),
        ("v4l2:046d:0825:port:1-4", Kind.CAMERA),
        ("usb:04b8:0202:port:1-2.3", Kind.RECEIPT_PRINTER),
        ("tcp:192.0.2.7", Kind.RECEIPT_PRINTER),
        ("tcp:[2001:db8::7]:9101", Kind.RECEIPT_PRINTER),
        ("ipp://192.0.2.8/ipp/print", Kind.PAGE_PRINTER),
        ("sane:epson2:libusb:04b8:0142:serial:E7", Kind.SCANNER),
        ("keys:0c2e:0b61:port:1-5", Kind.CODE_READER),
        ("keys:any", Kind.CODE_READER),
    ],
)
def test_an_address_names_one_kind_and_opens_as_that_and_no_other(address: str, kind: Kind) -> None:
    assert read_address(address)[0] is kind
    openers: dict[Kind, Callable[[str], Device]] = {
        Kind.SIGNATURE_PAD: opening.open_pad,
        Kind.RECEIPT_PRINTER: opening.open_receipt_printer,
        Kind.PAGE_PRINTER: opening.open_page_printer,
        Kind.SCANNER: opening.open_scanner,
        Kind.CAMERA: opening.open_camera,
        Kind.CODE_READER: opening.open_code_reader,
    }
    for other, opener in openers.items():
        if other is kind:
            opened = opener(address)
            assert opened.identity.kind is kind
            opened.close()
        else:
            with pytest.raises(Refused):
                opener(address)


WRONG = ["", "evdev:056a:0357:serial:", "v4l2:/dev/video0",
         "usb:056a:00a5", "usb:056A:00a5:port:1", "tcp:", "tcp:h:x", "tcp:h/x", "ipp:", "ipp:x", "ipp://[",
         "ipp://h:x/", "sane:", "sane:--help", "file:/etc/passwd", "tcp:" + "h" * 300]  # fmt: skip


@pytest.mark.parametrize("address", WRONG)
def test_anything_else_is_refused(address: str) -> None:
    with pytest.raises(Refused):
        read_address(address)


@SEEDED
@given(st.text(max_size=60), st.sampled_from(["", "tcp:", "ipp://", "sane:", "usb:056a:00a5:serial:"]))
def test_no_text_breaks_the_reader(text: str, start: str) -> None:
    try:
        read_address(start + text)
    except Refused:
        return


def test_a_device_that_was_found_is_written_by_its_serial_number_else_by_its_port() -> None:
    assert address_of(Identity(Kind.SIGNATURE_PAD, "056a", "00a5", "STU-530", "8AQZ001", "1-1")) == PAD
    small = Identity(Kind.RECEIPT_PRINTER, "0416", "5011", "", "", "1-4")
    assert address_of(small) == "usb:0416:5011:port:1-4"


def test_a_code_reader_is_written_by_its_plug() -> None:
    assert address_of(Identity(Kind.CODE_READER, "0c2e", "0b61", "", "", "1-5")) == "keys:0c2e:0b61:port:1-5"


def test_a_page_printer_on_usb_is_written_down_by_its_queue_in_cups() -> None:
    with pytest.raises(Refused, match="CUPS"):
        address_of(Identity(Kind.PAGE_PRINTER, "0c2e", "0b61", "", "", "1-5"))


def test_a_counter_gets_a_device_and_the_rest_of_the_file_stays(node_file: Path) -> None:
    assign_device(node_file, "1", PAD)
    assign_device(node_file, "1", "tcp:192.0.2.7")
    assign_device(node_file, "1", "tcp:192.0.2.9")
    assert load(NodeSettings, node_file).counters[0].devices == {
        Kind.SIGNATURE_PAD: PAD,
        Kind.RECEIPT_PRINTER: "tcp:192.0.2.9",
    }
    assert "# kept" in node_file.read_text()
    assert [path.name for path in node_file.parent.iterdir()] == ["node.toml"]


@pytest.mark.parametrize(("counter", "address"), [("2", PAD), ("1", "nonsense")])
def test_an_unknown_counter_or_address_changes_nothing(node_file: Path, counter: str, address: str) -> None:
    before = node_file.read_bytes()
    with pytest.raises(OperatorError):
        assign_device(node_file, counter, address)
    assert node_file.read_bytes() == before


@pytest.mark.parametrize("line", ['signature-pad = "tcp:192.0.2.7"', 'signature-pad = "x"', 'teapot = "tcp:h"'])
def test_a_file_with_a_device_of_the_wrong_kind_is_refused(node_file: Path, line: str) -> None:
    node_file.write_text(node_file.read_text() + f"\n[counters.devices]\n{line}\n")
    with pytest.raises(OperatorError):
        load(NodeSettings, node_file)

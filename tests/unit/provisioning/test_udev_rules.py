"""The udev rules let the console use every device that a driver knows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from devices.discovery import RECEIPT_MAKERS
from devices.stu.reports import PRODUCTS, VENDOR

RULES: Final = Path(__file__).parents[3] / "provisioning" / "70-sanad.rules"
PART: Final = re.compile(r'([A-Z]+(?:\{[A-Za-z0-9_]+\})?)(==|!=|\+=|=)"([^"]*)"')
"""A match or an assignment (udev(7))."""


def rules() -> list[dict[str, str]]:
    found = []
    for line in RULES.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            parts = line.split(", ")
            matched = [PART.fullmatch(part) for part in parts]
            assert all(matched), line
            found.append({part[1]: part[3] for part in matched if part})
    return found


def test_every_rule_gives_the_group_and_nobody_else_more_than_the_person_at_the_screen() -> None:
    giving = [rule for rule in rules() if "GROUP" in rule]
    assert {(rule["GROUP"], rule["MODE"]) for rule in giving} == {("sanad", "0660")}
    assert len(giving) == 6
    assert [rule.get("TAG") for rule in giving if rule["SUBSYSTEM"] == "input"] == [None]


def test_every_pad_and_every_maker_of_receipt_printers_has_its_rule() -> None:
    numbers = [set(rule.get("ATTR{idVendor}", "").split("|")) for rule in rules()]
    assert {f"{maker:04x}" for maker in RECEIPT_MAKERS} in numbers
    pads = next(rule for rule in rules() if rule.get("ATTR{idVendor}") == f"{VENDOR:04x}")
    assert set(pads["ATTR{idProduct}"].split("|")) == {f"{product:04x}" for product in PRODUCTS}


def test_every_way_to_a_device_has_its_rule() -> None:
    ways = [(rule.get("SUBSYSTEM"), rule.get("KERNEL")) for rule in rules() if "GROUP" in rule]
    assert set(ways) == {("usb", None), ("input", "event*"), ("video4linux", "video*")}
    assert sum("libsane_matched" in key for rule in rules() for key in rule) == 1

"""What node.toml says itself wins over central's orders; an order that cannot hold is named."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path

import pytest

from appliance.casework.orderedsettings import OrderedSetting
from appliance.catalogue import orderable
from appliance.catalogue.orderable import NotOrderable
from provisioning.inforce import Hours, Origin, in_force
from provisioning.settings import NodeSettings, load

AT = "2026-11-22T09:00:00.000Z"
FILE = """
[centre]
code = "PEW01"
name = "Specimen centre"
[central]
url = "https://central.example"
"""
VALUES = {
    "sync.megabytes_per_day": "500",
    "sync.files_between": "21:00-06:00",
    "casework.weekend": '["saturday", "friday"]',
    "casework.holidays": '["2026-12-25", "2026-08-14", "2026-12-25"]',
    "casework.language": "hi",
}


def settings(tmp_path: Path, more: str = "") -> NodeSettings:
    file = tmp_path / "node.toml"
    file.write_text(FILE + more)
    return load(NodeSettings, file)


def ordered(**values: str) -> list[OrderedSetting]:
    return [OrderedSetting(name.replace("__", "."), text, AT) for name, text in values.items()]


def test_every_setting_that_central_may_order_is_one_of_node_toml_and_holds_there(tmp_path: Path) -> None:
    assert set(VALUES) == set(orderable.SETTINGS)
    orders = [OrderedSetting(name, orderable.parse(name, text).text, AT) for name, text in VALUES.items()]
    found = in_force(settings(tmp_path), orders)
    assert {each.origin for each in found.standings} == {Origin.CENTRAL}
    held = found.settings
    assert (held.sync.megabytes_per_day, held.sync.files_between, held.casework.language) == (500, "21:00-06:00", "hi")
    assert held.casework.weekend == {"friday", "saturday"}
    assert held.casework.holidays == {date(2026, 8, 14), date(2026, 12, 25)}


def test_the_nodes_own_file_wins_and_says_what_central_orders(tmp_path: Path) -> None:
    found = in_force(
        settings(tmp_path, "[sync]\nmegabytes_per_day = 50\n"),
        ordered(sync__megabytes_per_day="500", sync__files_between='"21:00-06:00"'),
    )
    assert (found.settings.sync.megabytes_per_day, found.settings.sync.files_between) == (50, "21:00-06:00")
    first = found.standings[0]
    assert (first.origin, first.value, first.ordered) == (Origin.FILE, "50", "500")
    assert first.why


def test_what_nobody_says_is_the_default(tmp_path: Path) -> None:
    found = in_force(settings(tmp_path), [])
    assert {each.origin for each in found.standings} == {Origin.DEFAULT}
    assert found.settings.model_dump() == settings(tmp_path).model_dump()


def test_an_order_of_newer_software_or_of_a_bad_value_is_named_and_changes_nothing(tmp_path: Path) -> None:
    found = in_force(settings(tmp_path), ordered(counter__colour='"green"', casework__language='"Urdu!"'))
    assert found.settings.model_dump() == settings(tmp_path).model_dump()
    named = {each.name: each.why for each in found.standings if each.why}
    assert set(named) == {"counter.colour", "casework.language"}
    assert "does not know it" in named["counter.colour"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("console.keys", "{}"),
        ("sync.megabytes_per_day", "0"),
        ("sync.megabytes_per_day", "true"),
        ("sync.megabytes_per_day", "many"),
        ("sync.files_between", "21:00"),
        ("sync.files_between", "21:00-21:00"),
        ("sync.files_between", "24:00-06:00"),
        ("casework.weekend", '["someday"]'),
        ("casework.weekend", "sunday"),
        ("casework.holidays", '["2026-13-01"]'),
        ("casework.holidays", "[1]"),
        ("casework.language", '["ur"]'),
        ("casework.language", "[" * 100_000),
    ],
)
def test_what_is_no_value_is_refused_before_it_is_ordered(name: str, text: str) -> None:
    with pytest.raises(NotOrderable):
        orderable.parse(name, text)


def test_hours_may_go_past_midnight() -> None:
    night, day = Hours.read("21:00-06:00"), Hours.read("09:00-17:00")
    assert night is not None
    assert day is not None
    assert [night.hold(time(hour)) for hour in (20, 21, 23, 0, 5, 6)] == [False, True, True, True, True, False]
    assert [day.hold(time(hour)) for hour in (8, 9, 16, 17)] == [False, True, True, False]
    assert Hours.read(None) is None

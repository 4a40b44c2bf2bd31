"""What central orders, by command, in real processes: refused where it is wrong, seen at the node where it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.catalogue import bundled
from tests.support.commands import Place, free_port


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    found = Place(tmp_path_factory.mktemp("orders") / "place")
    found.make_central(free_port())
    with found.central_served():
        found.enrol()
        assert found.answer("sync", "now", home=found.node)["complete"]
    return found


def test_services_settings_and_operators_are_ordered_taken_up_and_shown(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "income.toml"
    file.write_bytes((bundled() / "fard.toml").read_bytes())
    with place.central_served():
        order = ("central", "order")
        done = place.answer(*order, "service", file, "--all", home=place.central)
        assert (done["service"], len(done["nodes"]), done["later"]) == ("income", 1, [])
        place.answer(*order, "setting", "sync.megabytes_per_day", "500", "--all", home=place.central)
        place.answer(*order, "setting", "counter.colour", "green", "--all", home=place.central, code=1)
        named = place.answer(
            *(*order, "operator", "bilal", "--name", "SPECIMEN Bilal", "--role", "officer", "--to", "PEW01"),
            home=place.central,
        )
        waiting = place.answer(*order, "list", "--to", "PEW01", home=place.central)["orders"]
        assert [each["taken"] for each in waiting] == [True, True, False, False, False]
        synced = place.answer("sync", "now", home=place.node)
        assert (synced["orders_taken"], synced["complete"]) == (3, True)
        taken = place.answer(*order, "list", "--to", "PEW01", home=place.central)["orders"]
        assert all(each["taken"] for each in taken)
    kinds = [each["kind"] for each in place.answer("orders", home=place.node)["orders"]]
    assert kinds[2:] == ["service.published", "setting.ordered", "operator.named"]
    settings = {each["name"]: each for each in place.answer("settings", home=place.node)["settings"]}
    assert (settings["sync.megabytes_per_day"]["value"], settings["sync.megabytes_per_day"]["from"]) == (
        "500",
        "central",
    )
    secret = place.write_secret("one-time", named["secret"])
    chosen = place.write_secret("chosen", "a new password")
    environment = {"SANAD_PASSWORD_FILE": str(secret), "SANAD_NEW_PASSWORD_FILE": str(chosen)}
    place.run("operators", "first", "bilal", home=place.node, environment=environment)
    place.run("operators", "first", "bilal", home=place.node, environment=environment, code=1)
    shown = {each["login"]: each for each in place.answer("operators", "list", home=place.node)["operators"]}
    assert (shown["bilal"]["roles"], shown["bilal"]["invited_until"]) == (["officer"], None)


def test_what_is_wrong_is_refused_at_central_in_words(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "fard.toml"
    file.write_bytes((bundled() / "fard.toml").read_bytes() + b"\ncolour = 7\n")
    refusals = (
        ("service", file, "--all"),
        ("service", tmp_path / "nothing.toml", "--all"),
        ("service", bundled() / "fard.toml"),
        ("service", bundled() / "fard.toml", "--all", "--to", "PEW01"),
        ("service", bundled() / "fard.toml", "--to", "KBL01"),
        ("setting", "sync.megabytes_per_day", "many", "--all"),
        ("setting", "sync.megabytes_per_day", "--all"),
        ("block", "nobody", "--reason", "Left.", "--to", "PEW01"),
        ("decide", "PEW01-2026-000001-A", "reject", "--office", "Police", "--remark", "So."),
        ("take-back", "a" * 26, "--reason", "So."),
    )
    before = place.answer("central", "order", "list", "--to", "PEW01", home=place.central)["orders"]
    for each in refusals:
        refused = place.answer("central", "order", *each, home=place.central, code=1)
        assert refused["next_step"], each
    assert place.answer("central", "order", "list", "--to", "PEW01", home=place.central)["orders"] == before

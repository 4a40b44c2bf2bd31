"""`sanad operators key`: made, certified by a real central, listed, locked, unlocked and ended, as people would."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from tests.support import softhsm
from tests.support.commands import PASSPHRASE, Place, free_port

PIN = "481920"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    found = Place(tmp_path_factory.mktemp("keys") / "place")
    found.make_central(free_port())
    with found.central_served():
        found.enrol()
        for login in ("rabia", "zarak"):
            words = ("--name", f"SPECIMEN {login.title()}", "--role", "officer", "--as", "sana")
            found.run("operators", "add", login, *words, home=found.node)
        yield found


def key(place: Place, *words: str, code: int = 0, pin: str = PIN) -> str:
    named = {"SANAD_PIN_FILE": str(place.write_secret("pin", pin))}
    return place.run("operators", "key", *words, home=place.node, code=code, environment=named)


def keys(place: Place) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = place.answer("operators", "key", "list", home=place.node)["keys"]
    return found


def test_a_key_is_made_certified_at_the_sync_and_ended(place: Place) -> None:
    assert "sanad sync now" in key(place, "make", "--as", "rabia")
    (made,) = keys(place)
    assert (made["login"], made["state"], made["storage"]) == ("rabia", "asked", "sealed")
    place.run("sync", "now", home=place.node)
    (made,) = keys(place)
    assert made["state"] == "certified"
    assert made["kid"]
    assert f"until {made['until']}" in key(place, "list")
    key(place, "revoke", made["kid"], "--reason", "because", "--as", "rabia", code=1)
    assert "compromised" in place.said[-1]
    key(place, "revoke", made["kid"], "--reason", "forgotten", "--as", "zarak", code=1)
    key(place, "revoke", made["kid"], "--reason", "forgotten", "--remark", "On leave too long", "--as", "rabia")
    assert keys(place)[0]["state"] == "revoked"
    assert "ended the officer's key (forgotten): On leave too long" in place.run("journal", "show", home=place.node)


def test_a_pin_that_is_too_simple_makes_no_key_and_says_why(place: Place) -> None:
    before = keys(place)
    key(place, "make", "--as", "zarak", code=1, pin="123456")
    assert "anybody would try" in place.said[-1]
    key(place, "make", "--as", "sana", code=1)
    assert keys(place) == before


def test_neither_pin_nor_password_is_said(place: Place) -> None:
    said = "".join(place.said)
    assert PIN not in said
    assert PASSPHRASE not in said


def test_a_supervisor_unlocks(place: Place) -> None:
    if not any(each["state"] == "asked" for each in keys(place)):
        key(place, "make", "--as", "zarak")
    made = keys(place)[0]["key"]
    key(place, "unlock", made, "--reason", "Remembered it", "--as", "sana")
    key(place, "unlock", "nope", "--reason", "x", "--as", "sana", code=1)
    key(place, "unlock", made, "--reason", "x", "--as", "zarak", code=1)


def test_a_key_is_made_on_a_token_that_the_settings_name(place: Place, tmp_path: Path) -> None:
    key(place, "make", "--token", "--as", "rabia", code=1, pin=softhsm.PIN)
    assert "[token]" in place.said[-1]
    drawer = softhsm.soft_tokens(tmp_path)
    drawer.add("Rabia")
    settings = place.node / "node.toml"
    document = tomlkit.parse(settings.read_text())
    document["token"] = {"module": str(softhsm.MODULE), "token": "pkcs11:token=Rabia"}
    settings.write_text(tomlkit.dumps(document))
    key(place, "make", "--token", "--as", "rabia", pin="000000", code=1)
    assert "does not take that PIN" in place.said[-1]
    key(place, "make", "--token", "--as", "rabia", pin=softhsm.PIN)
    made = keys(place)[0]
    assert (made["storage"], made["login"]) == ("token", "rabia")
    assert made["token"].startswith("pkcs11:token=Rabia;serial=")
    place.run("sync", "now", home=place.node)
    assert keys(place)[0]["state"] == "certified"


@pytest.mark.parametrize(
    "wrong", [{"module": "libsofthsm2.so"}, {"module": "/x.so", "token": "Rabia"}, {"token": "pkcs11:token=x"}]
)
def test_settings_that_name_no_library_are_refused_with_the_place(place: Place, wrong: dict[str, str]) -> None:
    settings = place.node / "node.toml"
    before = settings.read_text()
    document = tomlkit.parse(before)
    document["token"] = wrong
    settings.write_text(tomlkit.dumps(document))
    key(place, "make", "--as", "zarak", code=1)
    assert "node.toml: token" in place.said[-1]
    settings.write_text(before)

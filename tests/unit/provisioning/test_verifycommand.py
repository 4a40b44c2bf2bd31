"""What `sanad verify` takes: files that are none, and every kind of trust."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from appliance.certificates.lists import Ended
from appliance.certificates.listsfile import write_lists
from appliance.journal.trust import format_trust
from provisioning import verifycommand
from provisioning.cli import build
from tests.support.forgery import Central, central, code_of, record
from tests.support.trusting import PUBLISHER, listed, lists


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.delenv("SANAD_HOME", raising=False)


def verified(*words: str | Path) -> tuple[int, dict[str, object]]:
    arguments = ["verify", *map(str, words), "--json"]
    found = CliRunner().invoke(build(arguments), arguments)
    (line,) = found.stdout.splitlines()
    answer: dict[str, object] = json.loads(line)
    return found.exit_code, answer


def code(tmp_path: Path, ours: Central | None = None) -> Path:
    file = tmp_path / "code.txt"
    file.write_text(code_of(record(), (ours or central("ours")).signer))
    return file


@pytest.mark.parametrize("kind", ["missing", "folder", "device", "pipe", "empty", "huge", "name"])
def test_what_is_no_file_is_unreadable_with_the_reason(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / kind
    if kind == "folder":
        file.mkdir()
    elif kind == "device":
        file = Path("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(file)
    elif kind == "empty":
        file.touch()
    elif kind == "huge":
        monkeypatch.setattr(verifycommand, "MAX_FILE_BYTES", 10)
        file.write_bytes(bytes(11))
    elif kind == "name":
        file = tmp_path / ("x" * 300)
    exit_code, answer = verified(file)
    assert (exit_code, answer["verdict"]) == (2, "unreadable")
    assert answer["reasons"]


def test_without_any_trust_the_issuer_is_unknown(tmp_path: Path) -> None:
    assert verified(code(tmp_path))[0] == 3


def test_a_file_of_public_keys_vouches_for_no_signer(tmp_path: Path) -> None:
    trust = tmp_path / "trust"
    trust.write_bytes(format_trust([PUBLISHER.verifier]))
    assert verified(code(tmp_path), "--trust", trust)[0] == 3


@pytest.mark.parametrize(
    "content", [b"", b"nothing", b"sanad/lists/aaaa\n", b"-----BEGIN CERTIFICATE-----\n", b"0\x82"]
)
def test_a_trust_file_that_is_none_is_said_and_nothing_is_judged(content: bytes, tmp_path: Path) -> None:
    trust = tmp_path / "trust"
    trust.write_bytes(content)
    exit_code, answer = verified(code(tmp_path), "--trust", trust)
    assert (exit_code, answer["verdict"]) == (2, "unreadable")


def test_a_signer_s_own_certificate_can_be_given(tmp_path: Path) -> None:
    trust = tmp_path / "signer.der"
    trust.write_bytes(central("ours").signer.certificate)
    # Made anew, so it has another serial number than the one by which the code was made.
    assert verified(code(tmp_path), "--trust", trust)[0] == 3
    ours = central("ours")
    trust.write_bytes(ours.signer.certificate)
    (tmp_path / "code.txt").write_text(code_of(record(), ours.signer))
    exit_code, answer = verified(tmp_path / "code.txt", "--trust", trust)
    assert (exit_code, answer["verdict"]) == (0, "valid_as_of")


def ended_and_before(ours: Central, tmp_path: Path) -> tuple[Path, Path]:
    """A home whose lists name the certificate as revoked, and lists of the day before."""
    at = datetime.now(UTC).replace(microsecond=0)
    signers = [listed(ours.signer.certificate)]
    before = lists(ours.authority_der, signers, at=at - timedelta(days=1), number=7)
    now = lists(ours.authority_der, signers, Ended(record().number, "revoked", at, "fraud"), at=at, number=8)
    home = tmp_path / "home"
    home.mkdir()
    (home / "trust").write_bytes(format_trust((PUBLISHER.verifier,)))
    (home / "lists").write_bytes(write_lists(now.trust, now.revocations, PUBLISHER))
    (tmp_path / "before").write_bytes(write_lists(before.trust, before.revocations, PUBLISHER))
    return home, tmp_path / "before"


def test_lists_older_than_the_home_s_are_refused_even_when_they_are_named(tmp_path: Path) -> None:
    ours = central("ours")
    home, before = ended_and_before(ours, tmp_path)
    file = code(tmp_path, ours)
    assert verified(file, "--trust", before)[1]["verdict"] == "valid"
    assert verified(file, "--trust", before, "--home", home)[1]["verdict"] == "revoked"
    assert verified(file, "--home", home)[1]["verdict"] == "revoked"


def test_spoilt_lists_of_a_home_stop_no_verdict(tmp_path: Path) -> None:
    ours = central("ours")
    home, before = ended_and_before(ours, tmp_path)
    file = code(tmp_path, ours)
    (home / "lists").write_bytes(b"spoilt")
    assert verified(file, "--trust", before, "--home", home)[1]["verdict"] == "valid"
    assert verified(file, "--home", home)[1]["verdict"] == "unknown_issuer"
    (home / "keys").mkdir()
    (home / "keys/centre.crt").write_bytes(ours.signer.certificate)
    assert verified(file, "--home", home)[1]["verdict"] == "valid_as_of"


def test_a_home_that_was_named_and_is_not_there_is_said(tmp_path: Path) -> None:
    assert verified(code(tmp_path), "--home", tmp_path / "none")[0] == 2

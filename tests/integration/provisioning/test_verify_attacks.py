"""Every file in tests/vectors/attacks, judged by `sanad verify --json` as a clerk would."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner

from appliance.certificates.verdict import Word
from provisioning import verifycommand
from provisioning.cli import build
from tests.vectors.make_attacks import FOLDER, files

MANIFEST: Final[list[dict[str, Any]]] = json.loads((FOLDER / "manifest.json").read_text())
FIELDS: Final = {"verdict", "reasons", "trust_as_of", "record"}


def verified(case: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> tuple[int, str]:
    """The exit code and the output of `sanad verify`, at the time of the case."""
    monkeypatch.setattr(verifycommand, "real_clock", lambda: datetime.fromisoformat(case["now"]))
    monkeypatch.setenv("SANAD_HOME", "")
    monkeypatch.setenv("HOME", str(folder / "nobody"))
    words = ["verify", str(folder / case["file"]), *options]
    if case["trust"]:
        words += ["--trust", str(folder / case["trust"])]
    found = CliRunner().invoke(build(words), words)
    return found.exit_code, found.stdout


@pytest.mark.parametrize("case", MANIFEST, ids=lambda case: case["case"])
def test_each_file_gets_the_verdict_that_it_must(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    code, said = verified(case, FOLDER, monkeypatch, "--json")
    (line,) = said.splitlines()
    answer = json.loads(line)
    assert answer.keys() >= FIELDS
    assert answer["verdict"] == case["verdict"], answer["reasons"]
    assert code == case["exit"]
    assert any(case["phrase"] in reason for reason in answer["reasons"]), answer["reasons"]
    if case["number"]:
        assert answer["record"]["number"] == case["number"]
        assert answer["record"]["holder"]["name"]


def test_the_files_can_be_made_again_and_get_the_same_verdicts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, manifest = files()
    assert manifest == MANIFEST
    for name, content in made.items():
        (tmp_path / name).write_bytes(content)
    for case in manifest:
        code, said = verified(case, tmp_path, monkeypatch, "--json")
        assert (json.loads(said)["verdict"], code) == (case["verdict"], case["exit"]), case["case"]


def test_every_kind_of_verdict_is_among_them() -> None:
    assert {case["verdict"] for case in MANIFEST} == {str(word) for word in Word}


@pytest.mark.parametrize(
    ("case", "lines"),
    [
        ("valid.pdf", ["VALID", "Specimen Gul Khan", "PEW01-0000123", "22 November 2026"]),
        ("code-pasted.jpg", ["VALID", "compare it with what is printed", "Specimen Gul Khan", "PEW01-0000123"]),
        ("superseded.pdf", ["SUPERSEDED", "PEW01-0000202", "→ Ask for certificate PEW01-0000202."]),
        ("appended.pdf", ["NOT VALID", "added to the file after it was sealed", "→ Do not accept it."]),
        ("empty.pdf", ["UNREADABLE", "There is nothing in the file."]),
        ("resigned.pdf", ["UNKNOWN ISSUER", "→ Get central's newest lists"]),
    ],
)
def test_a_clerk_reads_the_verdict_first_then_whose_it_is_why_and_what_to_do(
    case: str, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (entry,) = (each for each in MANIFEST if each["case"] == case)
    _, said = verified(entry, FOLDER, monkeypatch)
    at = [said.find(each) for each in lines]
    assert -1 not in at, said
    assert at[0] == 0

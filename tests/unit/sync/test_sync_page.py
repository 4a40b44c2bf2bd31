"""docs/sync.md says what the code does: its examples are the vectors', its bounds, times and codes the code's."""

from __future__ import annotations

import hashlib
import importlib
import json
import re
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sync import frames, packing, signatures, stampwire, wire
from sync.refusals import REFUSALS
from sync.session import NEXT, State
from tests.vectors import generate_sync

PAGE = (Path(__file__).parents[3] / "docs" / "sync.md").read_text()
EXAMPLES = re.findall(r"<!-- vector (\S+) (\S+) -->\n```text\n(.*?)\n```", PAGE, re.DOTALL)
VALUES = re.findall(r"^\| `([a-z.]+)\.([A-Z_]+)` \| ([0-9.,]+) \|", PAGE, re.MULTILINE)
CODES = re.findall(r"^\| `([a-z_]+)` \| ([0-9]{3}(?:, [0-9]{3})*) \|", PAGE, re.MULTILINE)


def vector(file: str, path: str) -> str:
    found: Any = json.loads((generate_sync.FOLDER / file).read_bytes())
    for part in path.split("."):
        found = found[int(part)] if isinstance(found, list) else found[part]
    return str(found)


@pytest.mark.parametrize(("file", "path", "shown"), EXAMPLES, ids=[path for _, path, _ in EXAMPLES])
def test_an_example_is_the_vector_that_it_names(file: str, path: str, shown: str) -> None:
    expected = vector(file, path)
    if re.fullmatch(r"[0-9a-f]+", expected):
        shown = shown.replace("\n", "")
    assert shown == expected.rstrip("\n")


def test_no_example_stands_there_without_a_vector() -> None:
    assert len(EXAMPLES) == PAGE.count("```text")


@pytest.mark.parametrize(("module", "name", "value"), VALUES, ids=[f"{module}.{name}" for module, name, _ in VALUES])
def test_a_bound_is_the_one_in_the_code(module: str, name: str, value: str) -> None:
    assert getattr(importlib.import_module(f"sync.{module}"), name) == float(value.replace(",", ""))


def test_the_bounds_of_frames_are_said_where_frames_are_described() -> None:
    for each in (frames.MAX_FRAME, frames.MAX_PIECE, frames.MAX_BLOB, frames.MAX_CHECKPOINT, packing.MAX_RAW):
        assert PAGE.count(f"{each:,}") >= 2


def test_every_code_of_a_refusal_is_there_with_its_status() -> None:
    told = {code: statuses for code, statuses in CODES if code != "bad_request"}
    expected = {code: str(int(kind.status)) for code, kind in REFUSALS.items() if code != "bad_request"}
    bad_data = dict.fromkeys(("frame", "entry", "checkpoint"), str(int(HTTPStatus.UNPROCESSABLE_ENTITY)))
    assert told == expected | bad_data


def test_every_path_and_every_field_is_there() -> None:
    paths = (*(value for name, value in vars(wire).items() if name.isupper() and str(value).startswith("/")),)
    for path in (*paths, stampwire.VALIDATION, stampwire.TIMESTAMP):
        assert path in PAGE, path
    for kind in (wire.SessionRequest, wire.StateAnswer, wire.Known, wire.NodeReport):
        for field in msgspec.structs.fields(kind):
            assert f"`{field.name}`" in PAGE or f"{field.name}=" in PAGE, field.name
    for component in signatures.COVERED:
        assert f"`{component}`" in PAGE


def test_every_tag_and_every_state_is_there() -> None:
    for each in generate_sync.parts():
        assert f"| `{generate_sync._tag(each)}` |" in PAGE
    rows = re.findall(
        r"^\| (greeting|covered|open) \| ([^|]*)\| ([^|]*)\| ([^|]*)\| ([^|]*)\| ([^|]*)\|", PAGE, re.MULTILINE
    )
    told = {
        (row[0], place): cell.split()[1].rstrip(",")
        for row in rows
        for place, cell in enumerate(row[1:])
        if cell.strip()
    }
    columns = ("Hello", "Entries", "Checkpoint", "BlobPiece", "End")
    expected = {
        (state.value, columns.index(frame.__name__)): after.value
        for (state, frame), after in NEXT.items()
        if frame.__name__ in columns
    }
    assert told == expected
    assert NEXT[State.COVERED, frames.Pulse] is State.COVERED


def test_the_dictionary_is_the_one_of_the_page() -> None:
    assert hashlib.sha256(packing.DICTIONARY).hexdigest() in PAGE
    assert f"{len(packing.DICTIONARY):,} bytes" in PAGE

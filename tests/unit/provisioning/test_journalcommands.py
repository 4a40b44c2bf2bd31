"""What `sanad journal` takes and shows: dates, names that would reorder a line, files that are pipes."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from appliance.journal.errors import OperatorError
from provisioning.journalcommands import app, moment
from provisioning.showing import visible


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-22", "2026-11-22T00:00:00.000Z"),
        ("2026-11-22T09:00", "2026-11-22T09:00:00.000Z"),
        ("2026-11-22T09:00Z", "2026-11-22T09:00:00.000Z"),
        ("2026-11-22T09:00:07", "2026-11-22T09:00:07.000Z"),
        ("2026-11-22T09:00:07.250Z", "2026-11-22T09:00:07.250Z"),
    ],
)
def test_a_date_or_a_time_is_read_as_entries_write_it(text: str, at: str) -> None:
    assert moment(text) == at


@pytest.mark.parametrize("text", ["", "yesterday", "22/11/2026", "2026-13-01", "2026-W47", "2026-11-22T25:00", "2026"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(OperatorError, match="no date"):
        moment(text)


def test_characters_that_reorder_or_break_a_line_are_shown_as_escapes() -> None:
    assert visible("a\u202eb\u2066c\u2069\u009b\x1b[2J\n\u2028") == (
        "a\\u202eb\\u2066c\\u2069\\u009b\\u001b[2J\\u000a\\u2028"
    )
    assert visible("\U000e0041") == "\\udb40\\udc41"


def test_urdu_is_shown_as_it_is_written() -> None:
    for name in ("گل خان", "می\u200cخواهم", "\u06dd۱۲"):
        assert visible(name) == name


def test_escaped_json_says_the_same() -> None:
    values = {"name": "a\u202e\U000e0041\x7f\n\\"}
    shown = visible(json.dumps(values, ensure_ascii=False))
    assert "\u202e" not in shown
    assert json.loads(shown) == values


def test_a_pipe_is_opened_once_and_read_to_its_end(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"c2sp.org/tlog-proof@v1\n",))
    writer.start()
    found = CliRunner().invoke(app, ["verify", str(pipe)])
    writer.join()
    assert found.exit_code == 1
    assert found.stdout.startswith("Not consistent.")


@pytest.mark.parametrize("trust", [None, "no-such-file", "not-a-trust-file"])
def test_what_cannot_be_read_ends_otherwise_than_what_is_not_consistent(tmp_path: Path, trust: str | None) -> None:
    (tmp_path / "export").write_bytes(b"nonsense\n")
    (tmp_path / "not-a-trust-file").write_bytes(b"nonsense\n")
    assert CliRunner().invoke(app, ["verify", str(tmp_path / "export")]).exit_code == 1
    words = [str(tmp_path)] if trust is None else [str(tmp_path / "export"), "--trust", str(tmp_path / trust)]
    assert CliRunner().invoke(app, ["verify", *words]).exit_code == 2

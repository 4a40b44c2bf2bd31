"""The search for planted words finds them in every form, at every place, and says how much it looked through."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote_plus

import pytest

from tests.support import canaries

WORD = "Zarghuna Käkar/٣?"
DISGUISES: dict[str, Callable[[str], bytes]] = {
    "as it is": str.encode,
    "UTF-16 with a mark": lambda text: text.encode("utf-16"),
    "UTF-16 big-endian": lambda text: text.encode("utf-16-be"),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64 after one byte": lambda text: base64.b64encode(b"a" + text.encode() + b"b"),
    "base64 after two bytes": lambda text: base64.b64encode(b"ab" + text.encode() + b"cde"),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(b"??" + text.encode()),
    "base64 in lines": lambda text: base64.encodebytes(b"." * 50 + text.encode() + b"." * 50),
    "hex": lambda text: text.encode().hex().encode(),
    "HEX": lambda text: text.encode().hex().upper().encode(),
    "a form's field": lambda text: quote_plus(text).encode(),
    "JSON": lambda text: json.dumps({"name": text}).encode(),
    "JSON in UTF-8": lambda text: json.dumps({"name": text}, ensure_ascii=False).encode(),
    "a Python string": lambda text: ascii([text]).encode(),
    "Python bytes": lambda text: repr(text.encode()).encode(),
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_planted_word_is_found_in_every_form(disguise: str, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "store.db-wal").write_bytes(b"\0\xff" * 999 + DISGUISES[disguise](WORD) + b"\0" * 999)
    (tmp_path / "clean").write_bytes(bytes(range(256)) * 40)
    result = canaries.search([tmp_path], ["nothing of the kind", WORD])
    assert {(found.path.name, found.word) for found in result.found} == {("store.db-wal", WORD)}


def test_a_word_is_found_where_two_pieces_of_a_large_file_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canaries, "PIECE_BYTES", 300)
    for place in range(250, 310):
        (tmp_path / "large").write_bytes(b"." * place + WORD.encode() + b"." * 500)
        assert {found.offset for found in canaries.search([tmp_path], [WORD]).found} == {place}


def test_a_word_in_a_file_name_or_in_the_target_of_a_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "canary-word.tmp").touch()
    (tmp_path / "link").symlink_to("/nowhere/canary-word")
    assert len(canaries.search([tmp_path], ["canary-word"]).found) == 2


def test_a_socket_is_passed_over_and_what_was_looked_through_is_counted(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 1000)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "node.sock"))
        result = canaries.search([tmp_path], ["canary-word"])
    assert (result.found, result.files, result.octets) == ([], 2, 1000)


def test_a_word_that_would_be_found_by_chance_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 6"):
        canaries.search([tmp_path], ["Ali"])


def test_the_command_exits_1_when_it_finds_something(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"a canary-word here")
    command = [sys.executable, "-m", "tests.support.canaries", "canary-word", "--", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "at 2: 'canary-word' as utf-8" in done.stdout

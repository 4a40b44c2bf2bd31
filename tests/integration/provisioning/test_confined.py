"""A certificate is judged in a process of its own, which cannot hang, eat the memory, or open anything."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.certificates.verdict import Verdict, Word
from provisioning.confined import judge_apart

DONE = Verdict(verdict=Word.INVALID, reasons=("done",))


def for_ever() -> Verdict:
    while True:
        pass


def all_memory() -> Verdict:
    held = []
    while True:
        held.append(bytearray(1 << 26))


def too_deep() -> Verdict:
    return too_deep()


def crash() -> Verdict:
    os._exit(7)


def fail() -> Verdict:
    raise KeyError("what stands in the file")


def reach_out() -> Verdict:
    socket.create_connection(("127.0.0.1", 9))
    return DONE


def start_something() -> Verdict:
    os.fork()
    return DONE


@pytest.mark.parametrize("judge", [for_ever, all_memory, too_deep, crash, fail, reach_out, start_something])
def test_whatever_happens_in_there_it_is_only_unreadable_out_here(judge: Callable[[], Verdict]) -> None:
    found = judge_apart(b"", judge, wall_s=2.0)
    assert found["verdict"] == "unreadable"


@pytest.mark.parametrize("judge", [for_ever, all_memory, too_deep, crash])
def test_what_takes_too_much_is_said_to(judge: Callable[[], Verdict]) -> None:
    assert "more time or memory" in judge_apart(b"", judge, wall_s=2.0)["reasons"][0]


def test_a_fault_of_our_own_is_called_one_and_not_put_down_to_the_file() -> None:
    found = judge_apart(b"", fail)
    assert "a fault of its own" in found["reasons"][0]
    assert "what stands in the file" not in str(found)


def test_no_file_can_be_opened_in_there(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("secret")

    def read() -> Verdict:
        try:
            return Verdict(verdict=Word.VALID, reasons=(file.read_text(),))
        except OSError:
            return DONE

    assert judge_apart(b"", read)["reasons"] == ["done"]


def test_nothing_is_left_running() -> None:
    judge_apart(b"", for_ever, wall_s=0.2)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)

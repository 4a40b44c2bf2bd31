"""A reader of papers that was taken over can do nothing, and the operator is told the right thing."""

from __future__ import annotations

import errno
import gc
import os
import platform
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from appliance.casework import intake
from appliance.casework.intake import Held, PaperRefused, inspect_paper, protections
from appliance.casework.paperworker import apart, limits
from appliance.casework.paperworker.apart import read_apart
from appliance.casework.paperworker.confinement import enough
from appliance.casework.paperworker.message import Answer, Verdict
from appliance.casework.paperworker.syscalls import PROCESSORS
from appliance.journal.errors import DeviceError
from tests.support import papers

READER: Final = "tests.support.badreaders"

known = pytest.mark.skipif(platform.machine() not in PROCESSORS, reason="no filter for this processor")


def told(deed: str, wall_s: float = limits.WALL_S) -> Answer:
    """How it ends when a paper has a reader do this."""
    return read_apart(f"%PDF-{deed}".encode(), "application/pdf", reader=READER, wall_s=wall_s)


def children() -> set[int]:
    """The processes that this thread's process has started and not yet buried."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {int(child) for task in tasks for child in task.read_text().split()}


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    before = children()
    yield
    assert children() <= before


def test_an_honest_reader_is_heard() -> None:
    assert told("honest").verdict == Verdict.SHOWN


@known
@pytest.mark.parametrize(
    "deed",
    [
        "internet",
        "unix /run/sanad/key",
        "execute",
        "fork_bomb",
        "thread",
        "trace {us}",
        "kill {us}",
        "peek {us}",
        "namespace",
        "run_bytes",
        pytest.param(
            "other_convention", marks=pytest.mark.skipif(platform.machine() != "x86_64", reason="x86-64 has two")
        ),
    ],
)
def test_what_no_paper_does_ends_the_reader_at_once(deed: str) -> None:
    assert told(deed.format(us=os.getpid())).verdict == Verdict.FORBIDDEN


def test_a_listener_on_this_machine_is_not_reached(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        listener.listen()
        listener.setblocking(False)
        assert told(f"unix {tmp_path / 'socket'}").verdict == Verdict.FORBIDDEN
        with pytest.raises(BlockingIOError):
            listener.accept()


@known
@pytest.mark.parametrize("deed", ["write", "look", "list_folder", "remove"])
def test_no_file_is_opened_made_or_removed(deed: str, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_bytes(b"kept")
    target = {"write": tmp_path / "new", "list_folder": tmp_path}.get(deed, there)
    assert told(f"{deed} {target}") == Answer(Verdict.PAGE_BROKEN, errno.EPERM)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("there", b"kept")]


def test_the_paper_itself_cannot_be_made_larger() -> None:
    assert told("grow").verdict in (Verdict.PAGE_BROKEN, Verdict.CRASHED)


@pytest.mark.parametrize("deed", ["allocate", "nibble"])
def test_more_memory_than_a_paper_needs_is_not_given(deed: str) -> None:
    assert told(deed).verdict == Verdict.TOO_MUCH_MEMORY


@known
def test_a_reader_cannot_make_itself_deaf_to_the_end_of_its_time() -> None:
    assert told("ignore_alarms") == Answer(Verdict.PAGE_BROKEN, errno.EPERM)


def test_a_reader_that_spins_is_ended_by_its_processor_time(monkeypatch: pytest.MonkeyPatch) -> None:
    start = (
        "import sys; sys.path += sys.argv[3:]; from appliance.casework.paperworker import limits; limits.CPU_S = 1; "
    )
    monkeypatch.setattr(apart, "_START", f"{start}from appliance.casework.paperworker.serve import main; main()")
    assert told("spin").verdict == Verdict.TOO_LONG


@pytest.mark.parametrize("deed", ["spin", "hang", "close_and_hang"])
def test_a_reader_that_never_ends_is_ended_by_the_clock(deed: str) -> None:
    assert told(deed, wall_s=0.5).verdict == Verdict.TOO_LONG


@pytest.mark.parametrize("deed", ["crash", "abort", "recurse", "babble", "most x", "fail"])
def test_a_reader_that_breaks_or_says_too_much_is_a_paper_refused(deed: str) -> None:
    expected = {"fail": Verdict.BROKEN, "most x": Verdict.SHOWN}
    assert told(deed).verdict == expected.get(deed, Verdict.CRASHED)


@pytest.mark.parametrize("said", ["", "00", "00" * 19, "ff" * 19, "00" * 5000])
def test_an_answer_of_another_form_is_a_paper_refused(said: str) -> None:
    assert told(f"say {said}").verdict == Verdict.CRASHED


def test_it_gets_no_environment_and_no_file_that_is_open_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANAD_PASSPHRASE_FILE", "/x")
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        assert told("open_files").pages == 3
    # Python itself sets LC_CTYPE where no locale is given.
    assert told("environment").pages <= 1


def test_the_limits_and_what_the_kernel_grants_hold() -> None:
    held = protections()
    assert Held.LIMITS in held
    assert Held.NO_NEW_PRIVILEGES in held
    assert (Held.SYSTEM_CALLS in held) == (platform.machine() in PROCESSORS)


@known
def test_without_the_filter_no_paper_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    start = "import sys; sys.path += sys.argv[3:]; from appliance.casework.paperworker import confinement; "
    start += "confinement._filter = lambda libc: False; "
    monkeypatch.setattr(apart, "_START", f"{start}from appliance.casework.paperworker.serve import main; main()")
    with pytest.raises(DeviceError, match="seccomp"):
        inspect_paper(papers.pages())


def test_a_reader_that_does_not_start_is_no_fault_of_the_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_START", "raise SystemExit(1)")
    with pytest.raises(DeviceError, match="does not start"):
        inspect_paper(papers.pages())


def test_a_machine_that_cannot_start_a_process_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with pytest.raises(DeviceError, match="cannot be started"):
        inspect_paper(papers.pages())


def test_an_interruption_ends_the_reader_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    started = threading.Event()
    gather = apart._gather

    def tell(*arguments: object) -> tuple[bytes, bool]:
        started.set()
        return gather(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(apart, "_gather", tell)

    def interrupt() -> None:
        started.wait()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    helper = threading.Thread(target=interrupt)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    # An interrupt that comes while a finalizer runs is lost with it.
    gc.disable()
    try:
        helper.start()
        with pytest.raises(KeyboardInterrupt):
            told("hang")
    finally:
        gc.enable()
        signal.signal(signal.SIGINT, before)
    helper.join()
    assert told("honest").verdict == Verdict.SHOWN


def test_the_reader_ends_with_whoever_asked() -> None:
    program = (
        "import os, signal\n"
        "from appliance.casework.paperworker import apart\n"
        "def gather(process, *_):\n"
        "    os.read(process.stdout.fileno(), 1)\n"
        "    print(process.pid, flush=True)\n"
        "    signal.pause()\n"
        "apart._gather = gather\n"
        f"apart.read_apart(b'%PDF-hang', 'application/pdf', reader={READER!r})\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as asking:
        assert asking.stdout is not None
        reader = os.pidfd_open(int(asking.stdout.readline()))
        try:
            asking.kill()
            assert select.select([reader], [], [], 10)[0] == [reader]
        finally:
            os.close(reader)


def test_it_is_called_from_many_threads_at_once() -> None:
    paper = papers.pages()
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(inspect_paper, [paper] * 12))
    assert len(set(found)) == 1


def test_no_sentence_is_missing_and_each_says_what_to_do() -> None:
    for verdict in set(Verdict) - {Verdict.SHOWN}:
        refused = intake._refusal(Answer(verdict, 7))
        assert isinstance(refused, PaperRefused)
        assert refused.sentence.endswith(".")
        assert refused.next_step.endswith((".", "enough."))
    assert set(intake.NOTES) == set(intake.Note)


def test_limits_that_are_lower_already_stay_and_papers_are_read() -> None:
    program = (
        "import resource, sys\n"
        "from appliance.casework.intake import inspect_paper\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (5, 5))\n"
        "resource.setrlimit(resource.RLIMIT_AS, (800_000_000, 800_000_000))\n"
        "print(inspect_paper(sys.stdin.buffer.read()).pages)"
    )
    done = subprocess.run([sys.executable, "-c", program], input=papers.pages(), capture_output=True, check=True)
    assert done.stdout == b"1\n"


def test_on_a_processor_whose_numbers_are_unknown_the_rest_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert enough(Held.LIMITS | Held.NO_NEW_PRIVILEGES)

"""Nothing that a citizen typed reaches a traceback, a log of a library, a core dump or another user's eyes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from appliance.journal.errors import OperatorError
from appliance.sealing import age
from provisioning.harden import MAX_CHAIN, describe

CANARY = "CANARY-61101-1234567-1"


HARDENED = "from provisioning.harden import harden\nharden()\n"


def run(code: str, first: str = HARDENED) -> subprocess.CompletedProcess[str]:
    """Runs code in a fresh process; the canary reaches it by the environment, so that no source line holds it."""
    start = "import os\ncanary = os.environ['CANARY']\n" + first
    environment = {**os.environ, "CANARY": CANARY}
    return subprocess.run(
        [sys.executable, "-c", start + code], capture_output=True, text=True, env=environment, check=False
    )


@pytest.mark.parametrize(
    "code",
    [
        "raise ValueError(canary)",
        "{}[canary]",
        "int(canary)",
        "try:\n    int(canary)\nexcept ValueError as error:\n    raise KeyError(canary) from error",
        "try:\n    int(canary)\nexcept ValueError:\n    raise KeyError(canary)",
        "error = ValueError('x')\nerror.add_note(canary)\nraise error",
        "raise ExceptionGroup(canary, [ValueError(canary), ExceptionGroup(canary, [KeyError(canary)])])",
        "raise UnicodeDecodeError('utf-8', canary.encode(), 0, 1, canary)",
        "import threading\nthread = threading.Thread(target=int, args=(canary,))\nthread.start()\nthread.join()",
        "class Thing:\n    def __del__(self):\n        int(canary)\nThing()",
        "import logging\nlogging.warning('%d', canary)",
        "import asyncio\nasync def main():\n    int(canary)\nasyncio.run(main())",
        "import asyncio\nasync def fail():\n    int(canary)\nasync def main():\n    asyncio.create_task(fail())\n"
        "    await asyncio.sleep(0)\nasyncio.run(main())\nimport gc\ngc.collect()",
        "import logging\nlogging.getLogger('urllib3').warning(canary)",
    ],
)
def test_an_unexpected_exception_shows_no_message_and_no_value(code: str) -> None:
    done = run(code)
    assert CANARY not in done.stdout + done.stderr
    assert "logging" in code or "Error" in done.stderr + done.stdout or "Group" in done.stderr


def test_it_shows_the_type_the_places_in_our_code_and_what_to_do() -> None:
    done = run("from appliance.sealing import slotfile\nslotfile.is_label(7)")
    lines = done.stderr.splitlines()
    assert done.returncode == 1
    assert lines[0] == "TypeError"
    assert lines[1].startswith("  appliance/sealing/slotfile.py:")
    assert lines[1].endswith(" in is_label")
    assert "fault in Sanad" in lines[2]
    assert "send these lines to central IT" in lines[3]


def test_the_command_line_is_as_silent() -> None:
    """Typer puts the hook that it found when it was imported in the place of ours."""
    code = (
        "import sys, provisioning.cli as cli, typer\n"
        "app = typer.Typer(pretty_exceptions_enable=False)\n"
        "app.command()(lambda: int(canary))\n"
        "cli.build = lambda arguments: app\n"
        "sys.argv = ['sanad']\n"
        "cli.main()\n"
    )
    done = run(code, first="")
    assert CANARY not in done.stdout + done.stderr
    assert done.stderr.startswith("ValueError\n")
    assert done.returncode == 70


def test_an_error_on_purpose_keeps_its_sentence() -> None:
    said = describe(OperatorError("The printer has no paper.", "Put some in."))
    assert said == "OperatorError\nThe printer has no paper. Put some in."


def test_causes_are_named_in_order_and_places_in_other_peoples_code_are_left_out() -> None:
    with pytest.raises(age.SealError) as caught:
        age.open_sealed(age.seal(b"", [age.recipient_of(age.new_identity())]), age.new_identity())
    caught.value.__cause__ = RuntimeError(CANARY).with_traceback(caught.value.__traceback__)
    said = describe(caught.value)
    assert CANARY not in said
    assert said.index("SealError") < said.index("caused by RuntimeError")
    assert "appliance/sealing/age.py" in said
    assert "site-packages" not in said
    assert "tests/" not in said


def test_an_endless_chain_of_causes_ends() -> None:
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    assert describe(first).count("Error") == MAX_CHAIN


def test_what_a_library_logs_names_its_place_and_withholds_its_message() -> None:
    done = run(
        "import logging\n"
        "try:\n    int(canary)\n"
        "except ValueError:\n    logging.getLogger('uvicorn.error').exception('Exception in %s', canary)"
    )
    assert done.stderr.startswith("ERROR from uvicorn.error, <string>:")
    assert "\nValueError\n" in done.stderr
    assert CANARY not in done.stderr


def test_memory_and_files_are_private() -> None:
    done = run(
        "import resource, ctypes, tempfile\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), oct(os.umask(0)))"
    )
    assert done.stdout.strip() == "(0, 0) 0 0o77"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_process_of_the_same_user_cannot_read_the_memory() -> None:
    done = run(
        "import ctypes\n"
        "os.setuid(65534)\n"
        "def reads():\n"
        "    mine = os.getpid()\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        try:\n"
        "            os._exit(os.close(os.open(f'/proc/{mine}/mem', os.O_RDONLY)) or 0)\n"
        "        except PermissionError:\n"
        "            os._exit(13)\n"
        "    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])\n"
        "ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)\n"
        "before = reads()\n"
        "harden()\n"
        "print(before, reads())"
    )
    assert done.stdout == "0 13\n", done.stderr

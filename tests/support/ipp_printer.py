"""A real IPP printer, `ippeveprinter` of CUPS, on loopback with a message bus and a name service of its own."""

from __future__ import annotations

import fcntl
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from devices.contracts import Status
from devices.ipp.printer import IppPrinter

START_LIMIT_S = 60
BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
<allow user="*"/></policy></busconfig>
"""
AVAHI = "[server]\nuse-ipv6=no\nallow-interfaces=lo\nallow-point-to-point=yes\n"


@contextmanager
def running(arguments: list[str], log: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out, subprocess.Popen(arguments, stdout=out, stderr=out, env=environment) as process:
        try:
            yield process
        finally:
            process.terminate()


def wait_until(process: subprocess.Popen[bytes], log: Path, what: Callable[[], bool]) -> None:
    """Until `what()` is true, or the process ended."""
    end = time.monotonic() + START_LIMIT_S
    while not what():
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(log.read_text(errors="replace")[-2000:])
        time.sleep(0.05)


def _name_service(stack: ExitStack, folder: Path, bus: Path, environment: dict[str, str]) -> None:
    log = folder / "bus.log"
    serving = ["dbus-daemon", f"--config-file={folder}/bus.conf", "--nofork", "--nopidfile"]
    wait_until(stack.enter_context(running(serving, log, environment)), log, bus.exists)
    log = folder / "avahi.log"
    naming = ["avahi-daemon", "--no-drop-root", "--no-chroot", "--no-rlimits", "-f", str(folder / "avahi.conf")]
    named = stack.enter_context(running(naming, log, environment))
    wait_until(named, log, lambda: b"startup complete" in log.read_bytes())


@contextmanager
def ipp_printer(folder: Path, command: str | None = None) -> Iterator[tuple[IppPrinter, Path]]:
    """A printer, and the folder where its jobs are kept. `command` is a program that prints; without one all goes well.

    One at a time on a machine: there can be only one name service.
    """
    spool = folder / "spool"
    keys = folder / "keys"
    for each in (spool, keys):
        each.mkdir()
    bus = folder / "bus"
    (folder / "bus.conf").write_text(BUS.format(path=bus))
    (folder / "avahi.conf").write_text(AVAHI)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    path = "/usr/sbin:/usr/bin:/sbin:/bin"
    environment = {"PATH": path, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={bus}", "HOME": str(folder)}
    printing = [
        "ippeveprinter",
        "-v",
        "-p",
        str(port),
        "-n",
        "localhost",
        "-k",
        "-d",
        str(spool),
        "-K",
        str(keys),
        "-f",
        "application/pdf",
    ]
    with ExitStack() as stack:
        lock = stack.enter_context((Path(tempfile.gettempdir()) / "sanad-test-ipp.lock").open("w"))
        fcntl.flock(lock, fcntl.LOCK_EX)
        if Path("/run/avahi-daemon/socket").exists():  # this machine has a name service already
            environment.pop("DBUS_SYSTEM_BUS_ADDRESS")
        else:
            _name_service(stack, folder, bus, environment)
        printer_log = folder / "printer.log"
        more = [] if command is None else ["-c", command]
        process = stack.enter_context(running([*printing, *more, f"Test {port}"], printer_log, environment))
        printer = IppPrinter(f"ipp://localhost:{port}/ipp/print")
        wait_until(process, printer_log, lambda: printer.status() is Status.READY)
        yield printer, spool

"""A console at a specimen centre: the desk for a pilot, a home for the real command, and a terminal to look at."""

from __future__ import annotations

import io
import itertools
import os
import select
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from unittest.mock import patch

from PIL import Image, ImageDraw
from textual.events import Key
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widgets import Static
from textual.worker import WorkerCancelled

from appliance.access import operators
from appliance.access.session import Role, Session
from appliance.casework.centre import Centre, CentreRules
from appliance.catalogue import Calendar, bundled, load_catalogue
from appliance.journal.errors import BugError
from appliance.sealing import slotfile, slots
from appliance.sealing.passphrase import Cost
from appliance.store.layout import Layout
from appliance.store.store import Store
from provisioning.settings import Centre as CentreSection
from provisioning.settings import node_toml
from tests.support.nodes import PASSWORD, SteadyClock, halt, real_clock, staffed_node
from tui.app import SanadConsole
from tui.desk import Desk

ROOT: Final = Path(__file__).parents[2]
SIZE: Final = (80, 24)
PATIENCE_S: Final = 60.0
PASSPHRASE: Final = "seven quiet rivers run"
MAX_ROUNDS: Final = 2_000
CHEAP: Final = Cost(memory_kib=64 * 1024, iterations=1, lanes=2)
_NUMBERS = itertools.count()


@dataclass(frozen=True, slots=True)
class Template:
    """A home with staff, and its key: copied for each test, since making one costs seconds of hashing."""

    home: Path
    key: bytes


def cheap_passwords() -> AbstractContextManager[object]:
    """Passwords that are set within the block cost little to check."""
    return patch.object(operators, "PASSWORD_COST", CHEAP)


def make_template(home: Path) -> Template:
    """A home with a supervisor `sana`, and `omar` and `rabia` who are operators and officers both."""
    with cheap_passwords():
        node = staffed_node(home, SteadyClock())
    node.store.close()
    return Template(home, node.key)


def specimen_centre(template: Template, home: Path, services: Path | None = None) -> Centre:
    """A centre in a copy of the template, with the bundled services and those of a folder."""
    shutil.copytree(template.home, home)
    store = Store(Layout(home), template.key, clock=SteadyClock(), random=os.urandom, halt=halt)
    folders = [bundled(), *([services] if services is not None else [])]
    return Centre(store, load_catalogue(folders), Calendar(), CentreRules("PEW01", "Specimen centre, Peshawar"))


class Hands:
    """Fingers on the keys of a console that a pilot runs."""

    def __init__(self, app: SanadConsole, pilot: Pilot[None]) -> None:
        self.app = app
        self._pilot = pilot

    async def press(self, *keys: str) -> None:
        """Press keys, and wait until what each of them began is done."""
        for key in keys:
            self.app.post_message(Key(key, None))
            await self.settle()

    async def type(self, text: str, *then: str) -> None:
        """Type a text as fast as can be, then press keys."""
        for character in text:
            self.app.post_message(Key(_character_to_key(character), character))
        await self.settle()
        await self.press(*then)

    async def until(self, stands: str) -> str:
        """Wait until a text stands on the screen, while something goes on beside it; answers the whole screen."""
        text = self.text()
        for _ in range(MAX_ROUNDS):
            if stands in text and self.app.at_rest:
                return text
            await self._pilot.pause()
            text = self.text()
        raise BugError(f"“{stands}” did not appear:\n{text}")

    async def press_meanwhile(self, *keys: str) -> None:
        """Press keys while something goes on that does not end by itself."""
        for key in keys:
            self.app.post_message(Key(key, None))
            await self._pilot.pause()

    async def settle(self) -> None:
        """Wait until no work is under way and no message is waiting."""
        rested = 0
        for _ in range(MAX_ROUNDS):
            await self._pilot.pause()
            if [each for each in self.app.workers if not each.is_finished]:
                # A screen that is left, by its own work or by other work, ends what it still has under way.
                with suppress(WorkerCancelled):
                    await self.app.workers.wait_for_complete()
                rested = 0
            elif not self.app.at_rest:
                rested = 0
            else:
                rested += 1
                if rested > 1:
                    return
        raise BugError("The console does not come to rest.")

    async def sign_in(self, login: str, role: str = "operator") -> None:
        """Sign in at counter 1."""
        await self.type(login, "enter")
        await self.type(PASSWORD, "tab")
        await self.type(role, "enter")

    def text(self) -> str:
        """What stands on the screen."""
        return "\n".join(
            "".join(segment.text for segment in strip).rstrip() for strip in self.app.screen._compositor.render_strips()
        )

    def said(self) -> str:
        """What was said last."""
        return str(self.app.screen.query_one("#said", Static).render())

    @property
    def screen(self) -> str:
        """Which screen lies on top."""
        return type(self.app.screen).__name__


def scanned_page() -> bytes:
    """A page with ruled lines, as PNG: it could be a paper."""
    page = Image.new("L", (620, 877), 250)
    draw = ImageDraw.Draw(page)
    for y in range(60, 820, 40):
        draw.line((60, y, 560, y), fill=40, width=3)
    out = io.BytesIO()
    page.save(out, "PNG")
    return out.getvalue()


def signed_in(centre: Centre, login: str, role: Role) -> Session:
    """A session of a specimen operator, beside the console."""
    return operators.sign_in(centre.store, login=login, password=PASSWORD, role=role, counter="2")


def desk_at(centre: Centre) -> Desk:
    """A desk with two counters and no devices; a fault of ours fails the test."""

    def report(error: BaseException) -> None:
        raise BugError("The console had a fault.") from error

    return Desk(centre, ("1", "2"), report=report)


def console_home(folder: Path) -> Path:
    """A home that `sanad console` opens with `PASSPHRASE`; staffed like every specimen node."""
    with cheap_passwords():
        node = staffed_node(folder / "home", real_clock)
    made = slots.create(node.key, PASSPHRASE, label="test", at=node.store.now(), random=os.urandom, cost=CHEAP)
    home = node.store.layout.home
    (home / "keys").mkdir(mode=0o700, exist_ok=True)
    slotfile.save(home, made.slots)
    (home / "node.toml").write_text(
        node_toml(CentreSection(code="PEW01", name="Specimen centre"), "https://127.0.0.1:1")
    )
    node.store.close()
    return home


class Terminal:
    """A terminal with a command in it, kept by a tmux server of its own."""

    def __init__(self, folder: Path, command: list[str], environment: dict[str, str], size: tuple[int, int]) -> None:
        number = next(_NUMBERS)
        self._tmux = ["tmux", "-S", str(folder / f"tmux-{number}"), "-f", "/dev/null"]
        self._fifo = folder / f"output-{number}"
        os.mkfifo(self._fifo)
        # Also for writing, so that it never ends while nobody writes.
        self._output = os.open(self._fifo, os.O_RDWR | os.O_NONBLOCK)
        variables = [f"{name}={value}" for name, value in environment.items()]
        columns, lines = size
        started = shlex.join(["exec", "env", *variables, *command])
        self._run("new-session", "-d", "-x", str(columns), "-y", str(lines), started)
        self._run("pipe-pane", "-o", f"cat >{shlex.quote(str(self._fifo))}")

    def _run(self, *words: str) -> str:
        return subprocess.run([*self._tmux, *words], capture_output=True, text=True, check=True).stdout

    def keys(self, *keys: str) -> None:
        """Press keys, by tmux's names."""
        self._run("send-keys", *keys)

    def type(self, text: str) -> None:
        """Type a text."""
        self._run("send-keys", "-l", text)

    def screen(self) -> str:
        """What stands in the terminal."""
        return self._run("capture-pane", "-p")

    def wait_for(self, text: str) -> str:
        """Wait until a text stands in the terminal; answers the whole screen."""
        end = time.monotonic() + PATIENCE_S
        while text not in (screen := self.screen()):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._output], [], [], left)[0]:
                raise AssertionError(f"“{text}” did not appear:\n{screen}")
            os.read(self._output, 1 << 16)
        return screen

    @property
    def pid(self) -> int:
        """The process that the command became."""
        return int(self._run("display-message", "-p", "#{pane_pid}"))

    def close(self) -> None:
        """End it all."""
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, check=False)
        os.close(self._output)


@contextmanager
def console_in(folder: Path, home: Path, size: tuple[int, int] = SIZE) -> Iterator[Terminal]:
    """`sanad console` of a home, in a terminal."""
    secret = folder / "passphrase"
    secret.touch(mode=0o600)
    secret.write_text(PASSPHRASE + "\n")
    environment = {"SANAD_PASSPHRASE_FILE": str(secret), "PYTHONPATH": str(ROOT), "TERM": "screen-256color"}
    command = [sys.executable, "-m", "provisioning", "console", "--home", str(home)]
    terminal = Terminal(folder, command, environment, size)
    try:
        yield terminal
    finally:
        terminal.close()

"""The `sanad` command line in processes of its own, with a central that really serves, as a person would use it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.support import forked

ROOT: Final = Path(__file__).parents[2]
SAMPLES: Final = Path(os.environ.get("SANAD_SAMPLES", ROOT.parent / "shared" / "samples"))
PASSPHRASE: Final = "seven quiet rivers run"
CENTRE: Final = ("PEW01", "Specimen centre")
PATIENCE_S: Final = 120


@dataclass
class Place:
    """A folder with a central, a node, secrets beside them, and a temporary folder of its own."""

    folder: Path
    passphrase: str = PASSPHRASE
    port: int = 0
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.temporary.mkdir(parents=True)
        self.secrets.mkdir()
        self.write_secret("passphrase", self.passphrase)

    @property
    def node(self) -> Path:
        """The node's home."""
        return self.folder / "node"

    @property
    def central(self) -> Path:
        """Central's home."""
        return self.folder / "central"

    @property
    def temporary(self) -> Path:
        """TMPDIR of every command."""
        return self.folder / "tmp"

    @property
    def secrets(self) -> Path:
        """Where passphrases lie, outside both homes."""
        return self.folder / "secrets"

    def write_secret(self, name: str, secret: str) -> Path:
        """A file that only this user can read."""
        file = self.secrets / name
        file.touch(mode=0o600)
        file.write_text(secret + "\n")
        return file

    def environment(self) -> dict[str, str]:
        """What every command is started with."""
        passphrase = str(self.secrets / "passphrase")
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("SANAD_")},
            "TMPDIR": str(self.temporary),
            "PYTHONPATH": str(ROOT),
            "SANAD_PASSPHRASE_FILE": passphrase,
            "SANAD_NEW_PASSWORD_FILE": passphrase,
            "SANAD_PASSWORD_FILE": passphrase,
        }

    def placed(self, command: list[str]) -> list[str]:
        """The command as it is started here; elsewhere it may be put into a network of its own."""
        return command

    def start(
        self, *words: str | Path, home: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """A command, running."""
        command = self.placed([sys.executable, "-m", "provisioning", *(str(word) for word in words)])
        if home is not None:
            command += ["--home", str(home)]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env={**self.environment(), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(
        self,
        *words: str | Path,
        home: Path | None = None,
        code: int = 0,
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """A command to its end; answers its standard output, and keeps all it said."""
        asked = [str(word) for word in words] + ([] if home is None else ["--home", str(home)])
        ended = forked.run(asked, self.folder, {**self.environment(), **(environment or {})}, PATIENCE_S)
        self.said += [ended.out, ended.err]
        assert ended.code == code, f"{words}: exit {ended.code}\n{ended.out}\n{ended.err}"
        return ended.out

    def answer(self, *words: str | Path, home: Path | None = None, code: int = 0) -> dict[str, Any]:
        """A command's answer as `--json` gives it: exactly one line."""
        (line,) = self.run(*words, "--json", home=home, code=code).splitlines()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def make_central(self, port: int) -> None:
        """`sanad central init`."""
        self.port = port
        self.run("central", "init", "--port", str(port), home=self.central)

    def enrol(self) -> None:
        """Invite a node and enrol it; central must be serving."""
        invite = self.folder / "invite"
        self.run("central", "invite", *CENTRE, "--out", invite, home=self.central)
        self.run("enrol", invite, "--supervisor", "sana", "--name", "Sana", home=self.node)

    @contextmanager
    def served(self, *words: str, home: Path, ready: str) -> Iterator[subprocess.Popen[str]]:
        """A service, from the moment when it says that it is ready to the end of the block."""
        process = self.start(*words, home=home)
        if process.stderr is None or process.stdout is None:
            raise AssertionError("the service has no pipes")
        try:
            for line in process.stderr:
                self.said.append(line)
                if line.startswith(ready):
                    break
            else:
                raise AssertionError(f"{words} ended: {self.said[-5:]}")
            reader = threading.Thread(target=self.said.extend, args=(process.stderr,))
            reader.start()
            yield process
            process.terminate()
            reader.join(PATIENCE_S)
            assert process.wait(PATIENCE_S) == 0
            self.said.append(process.stdout.read())
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
            process.stderr.close()

    def central_served(self) -> Any:
        """Central, served."""
        return self.served("central", "serve", home=self.central, ready="Central answers")

    def node_served(self) -> Any:
        """The node service, running."""
        return self.served("node", home=self.node, ready="This node is open")


def free_port() -> int:
    """A port that nobody listens on just now."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

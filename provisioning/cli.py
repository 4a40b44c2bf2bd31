"""`sanad`: the command line. It wires the parts together, and is the only place that ends the process.

Only the command that is called for is imported, so that `sanad journal show` does not load a web server.
"""

from __future__ import annotations

import importlib
import sys
from typing import Final, NoReturn

import typer

from appliance.journal.errors import SanadError
from provisioning import terminal
from provisioning.harden import describe, harden

# name -> module and what stands in it: a Typer app (a group of commands) or a function (one command)
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "central": ("provisioning.centralcommands", "app"),
    "devices": ("provisioning.devicecommands", "app"),
    "enrol": ("provisioning.enrolment", "enrol"),
    "erase": ("provisioning.operatorcommands", "erase"),
    "journal": ("provisioning.journalcommands", "app"),
    "keys": ("provisioning.keycommands", "app"),
    "node": ("provisioning.nodeservice", "node"),
    "operators": ("provisioning.operatorcommands", "app"),
    "run": ("provisioning.walk", "run"),
    "sync": ("provisioning.synccommands", "app"),
}


def build(arguments: list[str]) -> typer.Typer:
    """The command line, with the command that `arguments` call for; with all of them where they call for none."""
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        # A traceback with its values would show what a citizen typed.
        pretty_exceptions_enable=False,
        help="Sanad: attest once, sign, keep sealed, carry to the central locker.",
    )
    app.callback()(lambda: None)
    called = [name for name in COMMANDS if arguments[:1] == [name]]
    for name in called or COMMANDS:
        module, attribute = COMMANDS[name]
        found = getattr(importlib.import_module(module), attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)
    return app


def main() -> NoReturn:
    """Run one command and end the process with its exit code."""
    harden()
    arguments = sys.argv[1:]
    try:
        build(arguments)(args=arguments, prog_name="sanad")
    except SanadError as error:
        sys.exit(terminal.tell(error, as_json="--json" in arguments))
    except KeyboardInterrupt:
        terminal.note("Interrupted. What was confirmed before is safe; nothing is half done.")
        sys.exit(terminal.EXIT_INTERRUPTED)
    except Exception as error:  # noqa: BLE001  (the last resort; Typer's own would print the message)
        terminal.note(describe(error))
        sys.exit(terminal.EXIT_BUG)
    sys.exit(0)

"""`sanad`: the command line. It wires the parts together, and is the only place that ends the process.

Only the command that is called for is imported, so that `sanad journal show` does not load a web server.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Final, NoReturn

import typer

from appliance.journal.errors import BugError, SanadError
from provisioning import terminal
from provisioning.harden import describe, harden

# name -> module and what stands in it: a Typer app (a group of commands) or a function (one command)
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "blobs": ("provisioning.blobcommands", "app"),
    "central": ("provisioning.centralcommands", "app"),
    "certificates": ("provisioning.certificatecommands", "app"),
    "console": ("provisioning.consolecommand", "console"),
    "courier": ("provisioning.couriercommands", "app"),
    "devices": ("provisioning.devicecommands", "app"),
    "enrol": ("provisioning.enrolment", "enrol"),
    "erase": ("provisioning.operatorcommands", "erase"),
    "journal": ("provisioning.journalcommands", "app"),
    "keys": ("provisioning.keycommands", "app"),
    "node": ("provisioning.nodeservice", "node"),
    "operators": ("provisioning.operatorcommands", "app"),
    "orders": ("provisioning.orderscommand", "orders"),
    "run": ("provisioning.walk.command", "run"),
    "services": ("provisioning.servicecommands", "app"),
    "settings": ("provisioning.settingscommand", "settings"),
    "sync": ("provisioning.synccommands", "app"),
    "verify": ("provisioning.verifycommand", "verify"),
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
    as_json = "--json" in arguments
    if sys.stdout is None:
        # Closed by whoever called: what would be said goes nowhere.
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115  (open until the process ends)
    try:
        build(arguments)(args=arguments, prog_name="sanad")
    except SanadError as error:
        sys.exit(terminal.tell(error, as_json=as_json))
    except KeyboardInterrupt:
        _say_interrupted()
    except SystemExit as end:
        # Typer turns an interrupt into this exit.
        if end.code == terminal.EXIT_INTERRUPTED:
            _say_interrupted()
        raise
    except OSError as error:
        terminal.note(f"The answer could not be written: {error.strerror}.")
        sys.exit(terminal.EXIT_DISK)
    except Exception as error:  # noqa: BLE001  (the last resort; Typer's own would print the message)
        terminal.note(describe(error))
        fault = BugError("This is a fault in Sanad.", "Start it again; if it comes back, tell central IT.")
        sys.exit(terminal.tell(fault, as_json=as_json) if as_json else terminal.EXIT_BUG)
    sys.exit(0)


def _say_interrupted() -> NoReturn:
    terminal.note(
        "Interrupted. What was confirmed before is safe; run the command again, and it goes on or begins anew."
    )
    sys.exit(terminal.EXIT_INTERRUPTED)

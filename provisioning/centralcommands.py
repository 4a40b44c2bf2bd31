"""`sanad central …`: make it, serve it, invite nodes, see them, open a blob."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from appliance.journal.errors import OperatorError
from appliance.journal.ids import BlobDigest
from appliance.journal.trust import format_trust
from appliance.records.disk import write_durably
from provisioning import (
    backupcommands,
    couriercommands,
    fleetcommands,
    listscommands,
    logs,
    ordercommands,
    outfile,
    terminal,
)
from provisioning.centralopening import CentralOption, central_home, central_key, open_central
from provisioning.keyservice import CENTRAL_SOCKET, KeyService
from provisioning.making import first_slot, new_home
from provisioning.opening import JsonOption, real_clock
from provisioning.settings import CENTRAL_FILE, CentralSettings, central_settings, central_toml, load
from provisioning.unlock import read_passphrase, store_key
from sync.central.central import Central
from sync.central.layout import CentralLayout
from sync.central.serve import Service, bind
from sync.invite import INVITE_START, encode_invite

DIGEST_LENGTH = 64
MAGIC: Final = INVITE_START.encode()

app = typer.Typer(no_args_is_help=True, help="The central locker: make it, serve it, invite nodes.")
app.add_typer(ordercommands.app, name="order")
app.command("lists")(listscommands.lists)
app.command("revoke-key")(listscommands.revoke_key)
app.command("import")(couriercommands.import_central)
app.command("nodes")(fleetcommands.nodes)
app.command("quarantine")(fleetcommands.quarantine)
app.command("aside")(fleetcommands.aside)
app.command("cases")(fleetcommands.cases)
app.command("viewer")(fleetcommands.viewer)
app.add_typer(backupcommands.app, name="backup")


@app.command("init")
def init(
    name: Annotated[str, typer.Option(help="What nodes and people call it.")] = "Sanad central",
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8443,
    url: Annotated[
        str | None, typer.Option(help="The address that nodes know it by; https://HOST:PORT if not said.")
    ] = None,
    home: CentralOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a central: databases, keys, its own certificate authority. The passphrase is asked for."""
    place = central_home(home)
    settings = central_settings(name, host, port, url)
    passphrase = read_passphrase(place, new=True, prompt="New passphrase of this central")
    fingerprint = make_central(place, settings, passphrase)
    terminal.answer(
        {"home": str(place), "url": settings.listen.public_url, "fingerprint": fingerprint},
        f"Central is in {place}.\nIts fingerprint, for nodes to compare: {fingerprint}\n"
        f"Next: `sanad central serve`, then `sanad central invite CENTRE NAME`.",
        as_json=as_json,
    )


def make_central(home: Path, settings: CentralSettings, passphrase: str) -> str:
    """Make a central in `home`; answers the fingerprint of its certificate authority.

    Raises:
        OperatorError: there is something in `home` already.
    """
    with new_home(home) as making:
        (key,) = first_slot(making, passphrase, "first passphrase").keys
        layout = CentralLayout(making)
        Central.create(layout, key, name=settings.name, clock=real_clock, random=os.urandom, halt=terminal.halt)
        write_durably(making / CENTRAL_FILE, central_toml(settings).encode())
        with open_central(making, key) as central:
            central.trust.publish()
            write_durably(making / "trust", format_trust([central.cosigner, central.trust.key]))
            return central.fingerprint


@app.command("serve")
def serve(home: CentralOption = None) -> None:
    """Serve nodes until told to stop. Unlocks once; other commands get the key from this one."""
    place = central_home(home)
    listen = load(CentralSettings, place / CENTRAL_FILE).listen
    key = store_key(place)
    logs.configure()
    with open_central(place, key) as central, KeyService(place, CENTRAL_SOCKET, key):
        with terminal.progress("Folding") as progress:
            central.start(progress)
        host = urlsplit(listen.public_url).hostname or listen.host
        service = Service(central, sorted({host, listen.host}), [bind(listen.host, listen.port)])

        def ready() -> None:
            terminal.note(f"Central answers at {listen.public_url}. Fingerprint: {central.fingerprint}")

        signal.signal(signal.SIGTERM, lambda *_: service.stop())
        service.run(ready)


@app.command("invite")
def invite(
    centre: Annotated[str, typer.Argument(help="The centre's code: 2 to 16 capitals and digits.")],
    name: Annotated[str, typer.Argument(help="The centre's name, as it stands over the door.")],
    out: Annotated[Path | None, typer.Option(help="A file to write the invite to, instead of showing it.")] = None,
    home: CentralOption = None,
    as_json: JsonOption = False,
) -> None:
    """Invite one node. The invite is good once, and for 24 hours."""
    place = central_home(home)
    if out is not None:
        # Before the invite is made: one that could not be written down would be lost.
        outfile.refuse_unfit(out, homes=[place], magic=MAGIC, force=False)
    with open_central(place, central_key(place)) as central:
        line = encode_invite(central.invite(centre, name))
        fingerprint = central.fingerprint
    if out is not None:
        with outfile.written(out, homes=[place], magic=MAGIC, force=False) as write:
            write(line.encode() + b"\n")
    shown = f"The invite is in {out}." if out is not None else line
    terminal.answer(
        {
            "invite": line if out is None else None,
            "file": None if out is None else str(out),
            "fingerprint": fingerprint,
        },
        shown,
        as_json=as_json,
    )
    if not as_json:
        terminal.note(
            f"Good once, for 24 hours; whoever holds it can enrol as {centre}. At the node: `sanad enrol INVITE`.\n"
            f"The node will show central's fingerprint; it must be: {fingerprint}"
        )


@app.command("fetch")
def fetch(
    digest: Annotated[str, typer.Argument(help="The digest of the sealed bytes: 64 hexadecimal digits.")],
    home: CentralOption = None,
) -> None:
    """Open one blob with central's key, and write it to standard output."""
    place = central_home(home)
    if len(digest) != DIGEST_LENGTH or not set(digest) <= set("0123456789abcdef"):
        raise OperatorError("A digest has 64 hexadecimal digits.", "See `sanad journal show --json` at the node.")
    with open_central(place, central_key(place)) as central:
        content = central.fetch(BlobDigest(digest))
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()

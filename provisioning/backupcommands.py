"""`sanad central backup …`: what central is told of its backups, so that nodes may free what they hold."""

from __future__ import annotations

from typing import Annotated

import typer

from provisioning import terminal
from provisioning.centralopening import CentralOption, central_home, central_key, open_central
from provisioning.opening import JsonOption

app = typer.Typer(no_args_is_help=True, help="Tell central of its backups: nodes free only what one of them holds.")
NameArgument = Annotated[str, typer.Argument(help="What people call this backup.")]


@app.command("begin")
def begin(name: NameArgument, home: CentralOption = None, as_json: JsonOption = False) -> None:
    """Say that a backup begins now, before anything is copied."""
    place = central_home(home)
    with open_central(place, central_key(place)) as central:
        nodes = central.backups.begin(name)
    words = f"Copy central's home now. When the copy is safe: `sanad central backup done {name!r}`."
    terminal.answer({"backup": name, "nodes": nodes}, words, as_json=as_json)


@app.command("done")
def done(name: NameArgument, home: CentralOption = None, as_json: JsonOption = False) -> None:
    """Say that a backup is made, tried and safe: nodes may free what it holds."""
    place = central_home(home)
    with open_central(place, central_key(place)) as central:
        nodes = central.backups.done(name)
    terminal.answer({"backup": name, "nodes": nodes}, f"{nodes} nodes are told when they sync.", as_json=as_json)


@app.command("withdraw")
def withdraw(
    why: Annotated[str, typer.Argument(help="Why, on one line; the nodes keep it.")],
    home: CentralOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rely on no backup that was made so far: nodes free nothing more until the next one is done."""
    place = central_home(home)
    with open_central(place, central_key(place)) as central:
        nodes = central.backups.withdraw(why)
    terminal.answer({"nodes": nodes}, f"{nodes} nodes are told when they sync.", as_json=as_json)


@app.command("lost")
def lost(home: CentralOption = None, as_json: JsonOption = False) -> None:
    """Show the sealed files that central has lost and their nodes freed: only a backup brings them back."""
    place = central_home(home)
    with open_central(place, central_key(place)) as central:
        found = central.backups.lost()
        where = place / "blobs"
    rows = [{"journal": each.journal, "digest": each.digest, "backup": each.backup} for each in found]
    lines = [f"{each.digest}  of {each.journal}: in the backup {each.backup}" for each in found]
    if found:
        lines.append(f"Put each back under {where}, in the folder named by its first two characters.")
    terminal.answer(
        {"lost": rows}, "\n".join(lines) or "Central has lost nothing that its nodes freed.", as_json=as_json
    )

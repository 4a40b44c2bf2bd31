"""`sanad services …`: the services of a centre in words, and whether a service file is good. No key is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from appliance.casework.publishing import Offered, offered
from appliance.catalogue import Catalogue, Service, bundled, load_catalogue, load_service
from appliance.catalogue.wording import describe
from appliance.store.layout import Layout
from appliance.store.store import Store
from provisioning import terminal
from provisioning.keyservice import NODE_SOCKET, ask_key
from provisioning.opening import HomeOption, home_of, open_store

OWN_SERVICES: Final = "services"
"""The folder in a node's home with the centre's own service files; one replaces a bundled one of the same name."""

JsonOption = Annotated[bool, typer.Option("--json", help="Answer in one line of JSON.")]
ServiceArgument = Annotated[str, typer.Argument(help="A service's id, as `services list` names it.")]
FileArgument = Annotated[Path, typer.Argument(help="A service file, such as character_certificate.toml.")]

app = typer.Typer(no_args_is_help=True, help="The services of the centre, and whether a service file is good.")


def catalogue_of(home: Path, store: Store | None = None) -> Catalogue:
    """The services of a centre; see `offered_at`.

    Raises:
        BadService: a file is refused.
    """
    return offered_at(home, store).catalogue


def offered_at(home: Path, store: Store | None) -> Offered:
    """The bundled services, over them what central published, over these the centre's own from `services` in its home.

    Args:
        home: the node's.
        store: its store; None where it is not open, so that nothing is known of what central published.

    Raises:
        BadService: a file is refused.
    """
    return offered(load_catalogue((bundled(),)), load_catalogue((home / OWN_SERVICES,)), store)


@contextmanager
def _seen(home: Path) -> Iterator[Offered]:
    """What a centre offers; of central's what is to be had without asking for a passphrase."""
    key = ask_key(home, NODE_SOCKET) if Layout(home).database.is_file() else None
    if key is None:
        yield offered_at(home, None)
        return
    with open_store(home, key).closing() as store:
        yield offered_at(home, store)


@app.command("list")
def list_(home: HomeOption = None, json: JsonOption = False) -> None:
    """The services of this centre."""
    with _seen(home_of(home)) as found:
        services, published = found.catalogue.services, found.published
    values = [{"id": each.id, "title": each.title.en, "state": each.state} for each in services.values()]
    by_central = [
        {"service": each.service, "version": each.version, "use": each.use.name.lower(), "why": each.why or None}
        for each in published
    ]
    lines = [f"{each.id:<26} {each.title.en} ({each.state})" for each in services.values()]
    if published:
        lines += ["", "Published by central:", *(f"  {each.words}" for each in published)]
    terminal.answer({"services": values, "published": by_central}, "\n".join(lines), as_json=json)


@app.command()
def show(service: ServiceArgument, home: HomeOption = None, json: JsonOption = False) -> None:
    """One service in words."""
    with _seen(home_of(home)) as found:
        _say(found.catalogue.service(service), as_json=json)


@app.command()
def check(file: FileArgument, _home: HomeOption = None, json: JsonOption = False) -> None:
    """Whether a service file is good: the service in words, or the line that is wrong and what to write instead."""
    _say(load_service(file), as_json=json)


def _say(service: Service, *, as_json: bool) -> None:
    sections = describe(service)
    text = [f"{service.title.en} ({service.id}), {service.department.en}, {service.state}"]
    for section in sections:
        text += ["", section.title, *(f"  {line}" for line in section.lines)]
    terminal.answer(
        {
            "id": service.id,
            "digest": service.digest,
            "sections": {section.title: section.lines for section in sections},
            "samples": service.samples,
        },
        "\n".join(text),
        as_json=as_json,
    )

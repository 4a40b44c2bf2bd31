"""`sanad services …`: the services of a centre in words, and whether a service file is good. No key is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from appliance.catalogue import Catalogue, Service, bundled, load_catalogue, load_service
from appliance.catalogue.wording import describe
from provisioning import terminal
from provisioning.opening import HomeOption, home_of

OWN_SERVICES: Final = "services"
"""The folder in a node's home with the centre's own service files; one replaces a bundled one of the same name."""

JsonOption = Annotated[bool, typer.Option("--json", help="Answer in one line of JSON.")]
ServiceArgument = Annotated[str, typer.Argument(help="A service's id, as `services list` names it.")]
FileArgument = Annotated[Path, typer.Argument(help="A service file, such as character_certificate.toml.")]

app = typer.Typer(no_args_is_help=True, help="The services of the centre, and whether a service file is good.")


def catalogue_of(home: Path) -> Catalogue:
    """The bundled services, and over them the centre's own from `services` in its home.

    Raises:
        BadService: a file is refused.
    """
    return load_catalogue((bundled(), home / OWN_SERVICES))


@app.command("list")
def list_(home: HomeOption = None, json: JsonOption = False) -> None:
    """The services of this centre."""
    services = catalogue_of(home_of(home)).services
    terminal.answer(
        {"services": [{"id": each.id, "title": each.title.en, "state": each.state} for each in services.values()]},
        "\n".join(f"{each.id:<26} {each.title.en} ({each.state})" for each in services.values()),
        as_json=json,
    )


@app.command()
def show(service: ServiceArgument, home: HomeOption = None, json: JsonOption = False) -> None:
    """One service in words."""
    _say(catalogue_of(home_of(home)).service(service), as_json=json)


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

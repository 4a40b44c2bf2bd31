"""`sanad central order …`: services and settings for nodes, and what was ordered (docs/orders.md)."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from appliance.catalogue import load_service
from appliance.journal.errors import OperatorError
from appliance.journal.ids import JournalId
from provisioning import logs, orderpeoplecommands, terminal
from provisioning.centralopening import CentralOption, central_home, central_key, open_central
from provisioning.opening import JsonOption
from provisioning.orderpeoplecommands import NodeOption, one_node
from sync.central.deciding import Deciding, Words
from sync.central.ordering import Ordered, Ordering
from sync.central.orderlines import order_lines

app = typer.Typer(no_args_is_help=True, help="Order something of nodes: it goes down with their next sync or stick.")
app.command("operator")(orderpeoplecommands.operator)
app.command("operators")(orderpeoplecommands.operators)
app.command("block")(orderpeoplecommands.block)
app.command("unblock")(orderpeoplecommands.unblock)
app.command("roles")(orderpeoplecommands.roles)

ToOption = Annotated[
    list[str] | None, typer.Option("--to", help="A node's journal or its centre's code; name the option once for each.")
]
AllOption = Annotated[bool, typer.Option("--all", help="Every node, also those that enrol later.")]
OfficeOption = Annotated[str, typer.Option(help="Which office decided.", show_default=False)]
PersonOption = Annotated[str, typer.Option(help="Who decided there.")]
ReferenceOption = Annotated[str, typer.Option(help="The office's own reference.")]
RemarkOption = Annotated[str, typer.Option(help="What it says. Orders are never erased: name no citizen in it.")]


@app.command("service")
def service(
    file: Annotated[Path, typer.Argument(help="The service file; its name without .toml is the service's id.")],
    to: ToOption = None,
    every: AllOption = False,
    home: CentralOption = None,
    as_json: JsonOption = False,
) -> None:
    """Publish a service. A file that is wrong is refused here, with its line."""
    logs.configure()
    content = load_service(file).source
    place = central_home(home)
    with open_central(place, central_key(place)) as central:
        meant = _meant(central.ordering, to, every)
        done = central.ordering.publish(file.name.removesuffix(".toml"), content, meant, getpass.getuser())
    values = {"service": done.service, "version": done.version, "digest": done.digest}
    words = f"{done.service}, version {done.version}: {_words(done.ordered)}"
    terminal.answer(values | _given(done.ordered), words, as_json=as_json)


@app.command("withdraw")
def withdraw(
    name: Annotated[str, typer.Argument(metavar="SERVICE", help="The service's id.")],
    to: ToOption = None,
    every: AllOption = False,
    home: CentralOption = None,
    as_json: JsonOption = False,
) -> None:
    """Withdraw a service: nothing is begun under it any more; what was taken in goes on."""
    logs.configure()
    place = central_home(home)
    with open_central(place, central_key(place)) as central:
        done = central.ordering.withdraw(name, _meant(central.ordering, to, every), getpass.getuser())
    values = {"service": done.service, "version": done.version} | _given(done.ordered)
    terminal.answer(values, f"{done.service} is withdrawn: {_words(done.ordered)}", as_json=as_json)


@app.command("setting")
def setting(
    name: Annotated[str, typer.Argument(help="The setting, as sync.megabytes_per_day.")],
    value: Annotated[str | None, typer.Argument(help="Its value.")] = None,
    release: Annotated[bool, typer.Option("--release", help="Order it no more.")] = False,
    to: ToOption = None,
    every: AllOption = False,
    home: CentralOption = None,
    as_json: JsonOption = False,
) -> None:
    """Order a setting, which holds where a node's own file does not say another."""
    if (value is None) != release:
        raise OperatorError("A setting is given a value, or released.", "Say `setting NAME VALUE`, or --release.")
    logs.configure()
    place, by = central_home(home), getpass.getuser()
    with open_central(place, central_key(place)) as central:
        ordering = central.ordering
        meant = _meant(ordering, to, every)
        done = ordering.release(name, meant, by) if value is None else ordering.set(name, value, meant, by)
    said = f"{name} is ordered no more" if value is None else f"{name} = {value}"
    terminal.answer({"name": name, "value": value} | _given(done), f"{said}: {_words(done)}", as_json=as_json)


@app.command("answer")
def answer(
    tracking: Annotated[str, typer.Argument(help="The application's tracking number.")],
    step: Annotated[str, typer.Argument(help="The step that waits for the office.")],
    outcome: Annotated[str, typer.Option(help="positive, negative or other.", show_default=False)],
    office: OfficeOption,
    person: PersonOption = "",
    reference: ReferenceOption = "",
    remark: RemarkOption = "",
    home: CentralOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send down an office's answer to a step that waits for it."""
    logs.configure()
    place = central_home(home)
    with open_central(place, central_key(place)) as central:
        words = Words(office, person, reference, remark)
        done = Deciding(central.ordering).answer(tracking, step, outcome, words, getpass.getuser())
    _decided(done.decision, done.journal, as_json=as_json)


@app.command("decide")
def decide(
    tracking: Annotated[str, typer.Argument(help="The application's tracking number.")],
    decision: Annotated[str, typer.Argument(help="approve, reject or return.")],
    office: OfficeOption,
    person: PersonOption = "",
    reference: ReferenceOption = "",
    remark: RemarkOption = "",
    home: CentralOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send down a decision on a whole application."""
    logs.configure()
    place = central_home(home)
    with open_central(place, central_key(place)) as central:
        words = Words(office, person, reference, remark)
        done = Deciding(central.ordering).decide(tracking, decision, words, getpass.getuser())
    _decided(done.decision, done.journal, as_json=as_json)


@app.command("take-back")
def take_back(
    decision: Annotated[str, typer.Argument(help="The decision, as `order decide` or `cases` named it.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept for ever.", show_default=False)],
    home: CentralOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take back a decision that was not carried out."""
    logs.configure()
    place = central_home(home)
    with open_central(place, central_key(place)) as central:
        Deciding(central.ordering).take_back(decision, reason, getpass.getuser())
    words = "It is taken back once the node has synced, unless it is carried out there before."
    terminal.answer({"decision": decision}, words, as_json=as_json)


@app.command("list")
def list_(to: NodeOption, home: CentralOption = None, as_json: JsonOption = False) -> None:
    """Show all orders of a node, the newest last, and which of them it has taken up."""
    place = central_home(home)
    with open_central(place, central_key(place)) as central:
        found = order_lines(central.ordering, one_node(central.ordering, to))
    rows = [
        {"number": each.number, "at": each.at, "kind": each.kind, "words": each.words, "taken": each.taken}
        for each in found
    ]
    lines = [
        f"{each.number:>5}  {each.at[:16]}  {'taken up' if each.taken else 'waits':<8}  {each.words}" for each in found
    ]
    terminal.answer({"orders": rows}, "\n".join(lines) or "Nothing was ordered.", as_json=as_json)


def _decided(decision: str, journal: JournalId, *, as_json: bool) -> None:
    words = f"Ordered, as {decision}. The node carries it out when it has synced, if it can still be done there."
    terminal.answer({"decision": decision, "journal": journal}, words, as_json=as_json)


def _meant(ordering: Ordering, to: Sequence[str] | None, every: bool) -> list[JournalId] | None:
    """The nodes that are meant; None for every one."""
    if every and to:
        raise OperatorError("--all and --to say different things.", "Say one of them.")
    return None if every else ordering.nodes(to or ())


def _given(done: Ordered) -> dict[str, object]:
    return {"nodes": list(done.nodes), "later": list(done.later)}


def _words(done: Ordered) -> str:
    later = f"; {len(done.later)} more are given it by themselves, later" if done.later else ""
    nodes = "1 node" if len(done.nodes) == 1 else f"{len(done.nodes)} nodes"
    return f"ordered of {nodes}{later}. It holds there once they have synced."

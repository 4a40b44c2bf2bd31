"""`sanad central nodes`, `quarantine`, `aside`, `cases`, `viewer`: what people at central see and do about nodes."""

from __future__ import annotations

import getpass
from typing import Annotated, Final

import typer

from appliance.journal.errors import OperatorError
from appliance.journal.ids import ENTITY_ID, JournalId
from appliance.records.moment import at_text
from provisioning import logs, terminal
from provisioning.centralopening import CentralOption, central_home, central_key, open_central
from provisioning.opening import JsonOption
from sync.central.central import Central
from sync.central.fleet import NodeView
from sync.central.nodecases import sentences
from sync.central.pages.rendering import summary
from sync.central.quarantine import Cause
from sync.central.troubles import amount

MAX_ASIDE: Final = 1000
"""Of one node that are shown."""


def nodes(home: CentralOption = None, as_json: JsonOption = False) -> None:
    """Show every node: how far it is, what is wrong and what to do, and its fingerprint to compare."""
    place = central_home(home)
    with open_central(place, central_key(place)) as central:
        view = central.fleet.view()
        rows = [_values(central, each) for each in view.nodes]
    lines = [*map(_words, rows), summary(view), *(f"{each.sentence} {each.next_step}" for each in view.troubles)]
    values = {
        "at": at_text(view.at),
        "nodes": rows,
        "disk_free_bytes": view.disk_free_bytes,
        "troubles": [_trouble(each.code, each.sentence, each.next_step) for each in view.troubles],
    }
    terminal.answer(values, "\n".join(lines), as_json=as_json)


def quarantine(
    journal: Annotated[str, typer.Argument(help="The node's journal, as `sanad central nodes` shows it.")],
    reason: Annotated[str, typer.Option(help="Why, in a sentence; it is kept for ever.")],
    lift: Annotated[bool, typer.Option("--lift", help="Let the node out of quarantine.")] = False,
    home: CentralOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a node into quarantine, or let it out: central takes nothing from a node in quarantine."""
    logs.configure()
    place, node, by = central_home(home), _journal(journal), getpass.getuser()
    with open_central(place, central_key(place)) as central:
        if lift:
            lifted = central.fleet.lift(node, reason, by)
            words = f"The node may sync again. {_AFTER[lifted.cause]}"
        elif central.fleet.stop(node, reason, by):
            words = "Central takes nothing from this node until that is lifted. Its work goes on, on its own box."
        else:
            raise OperatorError("This node is in quarantine already.", "See `sanad central nodes`.")
    terminal.answer({"journal": node, "quarantined": not lift, "reason": reason, "by": by}, words, as_json=as_json)


_AFTER = {
    Cause.FORK: "If a copy of it still runs, its next session puts the node back: two histories are never merged.\n"
    "Next: the box that is not to go on gets a new home, and a new invite from `sanad central invite`.",
    Cause.ROLLBACK: "An older copy is refused again, and the node put back.\n"
    "Next: a box that was restored from a backup gets a new home, and a new invite from `sanad central invite`.",
    Cause.PERSON: "It does so by itself within ten minutes; `sanad sync now` there does it at once.",
}


def cases(
    number: Annotated[
        str | None, typer.Argument(help="The certificate number, or the name, of a case that was settled.")
    ] = None,
    settle: Annotated[str | None, typer.Option(help="How it was settled, in a sentence; it is kept for ever.")] = None,
    home: CentralOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what only people can settle, or say that a case is settled."""
    if (number is None) != (settle is None):
        raise OperatorError("A case is settled by its number and by how.", 'Say `cases NUMBER --settle "…"`.')
    logs.configure()
    place = central_home(home)
    with open_central(place, central_key(place)) as central:
        if number is not None and settle is not None:
            central.conflicts.settle(number, settle, getpass.getuser())
        view = central.fleet.view()
        found, left = view.conflicts, view.cases
    rows = [{"number": each.number, "journals": list(each.journals), "found_at": each.found_at} for each in found]
    lines = [
        f"Number {each.number} stands on papers of {' and '.join(each.journals)}.\n  → {each.next_step}"
        for each in found
    ]
    lines += sentences(left)
    at_nodes = [
        {"conflict": each.conflict, "journal": each.journal, "what": each.what, "sentence": each.sentence}
        for each in left
    ]
    terminal.answer(
        {"cases": rows, "at_nodes": at_nodes}, "\n".join(lines) or "There is nothing to settle.", as_json=as_json
    )


def aside(
    journal: Annotated[str | None, typer.Argument(help="A node's journal; all nodes where none is named.")] = None,
    home: CentralOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show entries and orders that central's software could not put into its tables: none of them is lost."""
    place = central_home(home)
    with open_central(place, central_key(place)) as central:
        chosen = [each.journal for each in central.fleet.view().nodes] if journal is None else [_journal(journal)]
        found = {each: central.index.set_aside(each, MAX_ASIDE) for each in chosen}
    rows = [
        {"journal": node, "log": each.log, "seq": each.seq, "kind": each.kind, "error": each.error}
        for node, its in found.items()
        for each in its
    ]
    lines = [f"{node}  {each}" for node, its in found.items() for each in its]
    if lines:
        lines.append(
            "All are in the archive, countersigned. Bring central to a newer version and start it: it tries again."
        )
    terminal.answer({"aside": rows}, "\n".join(lines) or "Nothing is set aside.", as_json=as_json)


def viewer(
    name: Annotated[str | None, typer.Argument(help="Who: small letters and digits.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Let them in no more.")] = False,
    home: CentralOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let somebody see central's pages: makes a password and shows it once. Without a name, show who may."""
    place = central_home(home)
    with open_central(place, central_key(place)) as central:
        if name is None:
            found = central.viewers.all()
            values = [{"name": each.name, "made_at": each.made_at} for each in found]
            lines = [f"{each.name}  since {each.made_at}" for each in found] or ["Nobody may see the pages yet."]
            terminal.answer({"viewers": values}, "\n".join(lines), as_json=as_json)
        elif remove:
            central.viewers.remove(name)
            terminal.answer({"name": name, "removed": True}, f"{name} may see the pages no more.", as_json=as_json)
        else:
            password = central.viewers.add(name)
            terminal.answer(
                {"name": name, "password": password, "url": central.url},
                f"{name} may see {central.url}/fleet with this password; it is shown only now:\n  {password}",
                as_json=as_json,
            )


def _journal(text: str) -> JournalId:
    if ENTITY_ID.fullmatch(text) is None:
        raise OperatorError("That is no journal.", "See `sanad central nodes`: 26 small letters and digits.")
    return JournalId(text)


def _values(central: Central, each: NodeView) -> dict[str, object]:
    seen, held = each.sighting, each.quarantine
    refused = {"code": seen.refused_code, "sentence": seen.refused_sentence, "at": seen.refused_at}
    return {
        "journal": each.journal,
        "centre": each.centre,
        "centre_name": each.centre_name,
        "enrolled_at": each.enrolled_at,
        "size": each.size,
        "cosigned_size": each.cosigned_size,
        "offered": each.offered,
        "lag": each.lag,
        "oldest_waiting_at": seen.waiting_since or None,
        "backlog_bytes": seen.backlog_bytes,
        "blobs_wanted": central.fleet.coming(each.journal),
        "stuck": seen.stuck,
        "spoilt": seen.spoilt,
        "software": seen.software or None,
        "skew_s": seen.skew_s,
        "last_seen_at": seen.seen_at or None,
        "refused": refused if seen.refused_code else None,
        "quarantine": None if held is None else {"since": held.since, "cause": held.cause.value, "reason": held.reason},
        "troubles": [_trouble(found.code, found.sentence, found.next_step) for found in each.troubles],
        "fingerprint": central.fingerprint_of(each.journal),
    }


def _trouble(code: str, sentence: str, next_step: str) -> dict[str, str]:
    return {"code": code, "sentence": sentence, "next_step": next_step}


def _words(row: dict[str, object]) -> str:
    troubles = row["troubles"]
    lines = [
        f"{row['centre']}  {row['centre_name']}",
        f"  journal {row['journal']}",
        f"  {row['size']} entries held, {row['cosigned_size']} countersigned, lag {row['lag']}, "
        f"{row['blobs_wanted']} sealed files still to come, backlog {amount(int(str(row['backlog_bytes'])))}",
        f"  version {row['software'] or 'not known'}, last seen {row['last_seen_at'] or 'never'}",
        f"  fingerprint {row['fingerprint']}",
    ]
    if isinstance(troubles, list):
        lines += [f"  ! {each['sentence']}\n    → {each['next_step']}" for each in troubles]
    return "\n".join(lines)

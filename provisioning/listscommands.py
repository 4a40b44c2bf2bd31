"""`sanad central lists` and `sanad central revoke-key`."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from appliance.certificates.lists import PublicLists, TrustedLog, TrustedSigner, publisher_name, to_text
from provisioning import logs, outfile, terminal
from provisioning.centralopening import CentralOption, central_home, central_key, open_central
from provisioning.opening import JsonOption

MAGIC: Final = publisher_name("").encode()


def lists(
    file: Annotated[Path | None, typer.Argument(help="A file to write them to, instead of showing them.")] = None,
    home: CentralOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the public lists, of trusted keys and ended certificates, anew where that is due; show or write them."""
    logs.configure()
    place = central_home(home)
    if file is not None:
        outfile.refuse_unfit(file, homes=[place], magic=MAGIC, force=False)
    with open_central(place, central_key(place)) as central:
        published = central.trust.publish()
    if file is not None:
        with outfile.written(file, homes=[place], magic=MAGIC, force=False) as write:
            write(published.content)
    found = published.lists
    values: dict[str, object] = {
        "file": str(file or place / "lists"),
        "number": found.number,
        "at": to_text(found.at),
        "bytes": len(published.content),
        "key": found.key.text,
        "signers": [_signer_values(each) for each in found.trust.signers],
        "logs": [
            {"journal": each.journal, "centre": each.centre, "stopped_at": _time(each.stopped_at)}
            for each in found.trust.logs
        ],
        "ended": dict(Counter(each.state for each in found.revocations.ended)),
    }
    terminal.answer(values, _words(found, file or place / "lists"), as_json=as_json)


def revoke_key(
    kid: Annotated[str, typer.Argument(help="The key, as `sanad central lists` shows it; or a node's journal.")],
    reason: Annotated[str, typer.Option(help="compromised, forgotten, left, lost or replaced.")],
    at: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"], help="Since when, in UTC; now, if not said."),
    ] = None,
    home: CentralOption = None,
    as_json: JsonOption = False,
) -> None:
    """Revoke a centre's or an officer's key, or take a node out of service. It can't be undone."""
    logs.configure()
    place = central_home(home)
    with open_central(place, central_key(place)) as central:
        done = central.trust.revoke(kid, reason, None if at is None else at.replace(tzinfo=UTC))
    values: dict[str, object] = {
        "signers": [_signer_values(each) for each in done.signers],
        "stopped": [each.journal for each in done.logs],
        "reason": reason,
        "lists_number": done.number,
    }
    terminal.answer(values, "\n".join((*_what_follows(done.signers), *map(_stopped, done.logs))), as_json=as_json)


def _signer_values(signer: TrustedSigner) -> dict[str, object]:
    return {
        "kid": signer.kid.hex(),
        "kind": signer.kind,
        "centre": signer.centre or None,
        "name": signer.name,
        "revoked_at": _time(signer.revoked_at),
        "reason": signer.reason or None,
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else to_text(at)


def _words(found: PublicLists, file: Path) -> str:
    lines = [f"{file}: the public lists, number {found.number}, of {to_text(found.at)}."]
    for each in found.trust.signers:
        state = "" if each.revoked_at is None else f"  REVOKED since {to_text(each.revoked_at)}: {each.reason}"
        lines.append(f"  {each.kid.hex()}  {each.kind:9}  {each.centre or '-':8}  {each.name}{state}")
    for log in found.trust.logs:
        stopped = "" if log.stopped_at is None else f"  OUT OF SERVICE since {to_text(log.stopped_at)}"
        lines.append(f"  {log.journal}  node  {log.centre}{stopped}")
    ended = Counter(each.state for each in found.revocations.ended)
    lines.append(f"  certificates: {ended['revoked']} revoked, {ended['superseded']} superseded")
    return "\n".join(lines)


def _what_follows(signers: tuple[TrustedSigner, ...]) -> list[str]:
    return [
        f"The key {each.kid.hex()} of {each.name} ({each.kind}, {each.centre or 'central'}) is revoked since "
        f"{_time(each.revoked_at)}: {each.reason}.\n"
        "What it signs from now on is refused wherever these lists have come. What it signed before stays good only\n"
        "where a countersigned journal or a timestamp proves that it was signed before that time.\n"
        f"{_NEXT[each.kind]}"
        for each in signers
    ]


_NEXT: Final = {
    "centre": "Next: enrol its box anew, with a new home, under a new invite.",
    "officer": "The officer's node is ordered to use it no more. Next: where the officer stays, they make a new key.",
    "timestamp": "Next: name another timestamp service in central's settings.",
}


def _stopped(log: TrustedLog) -> str:
    return (
        f"The node with the journal {log.journal} ({log.centre}) is out of service since {_time(log.stopped_at)}.\n"
        "Central takes nothing from it any more. What it wrote and central countersigned stays.\n"
        "Next: if its box was stolen, revoke its centre's key, too; it is in the same store."
    )

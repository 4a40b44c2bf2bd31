"""`sanad verify`: what a certificate is worth, offline, with or without a home."""

from __future__ import annotations

import logging
import stat
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from appliance.certificates.checking.faults import Unreadable
from appliance.certificates.verdict import Verdict, Word, judge
from appliance.certificates.wording import say_date
from appliance.journal.errors import OperatorError
from provisioning import terminal
from provisioning.confined import judge_apart
from provisioning.options import HomeOption, JsonOption, real_clock
from provisioning.readertrust import NOTHING, Reader, given, of_home
from provisioning.showing import visible

MAX_FILE_BYTES: Final = 48 * 1024 * 1024
"""Of what is judged: a scan, or a bundle with a certificate in it."""
STANDARD_INPUT: Final = Path("-")
EXIT_UNKNOWN: Final = 3
EXIT_CODES: Final = {
    Word.VALID: 0,
    Word.VALID_AS_OF: 0,
    Word.SUPERSEDED: terminal.EXIT_REFUSED,
    Word.REVOKED: terminal.EXIT_REFUSED,
    Word.INVALID: terminal.EXIT_REFUSED,
    Word.UNREADABLE: terminal.EXIT_UNREADABLE,
    Word.UNKNOWN_ISSUER: EXIT_UNKNOWN,
}
_WIDTH: Final = 96


def verify(
    file: Annotated[
        Path, typer.Argument(help="A certificate's PDF, a picture of the paper, a code's text, a bundle; or - (piped).")
    ],
    trust: Annotated[
        Path | None,
        typer.Option("--trust", help="Whom you trust: central's lists, or an authority's certificate (PEM or DER)."),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether a certificate is valid, and why. Needs no network and no home.

    Exit 0: valid, also as of a date. 1: superseded, revoked or invalid. 2: it cannot be read. 3: unknown issuer.
    """
    for name in ("pyhanko", "pyhanko_certvalidator", "PIL"):
        # What they would say of a hostile file helps nobody at a counter, and may hold what stands in it.
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    found: dict[str, Any]
    try:
        content = read_file(file)
        reader = given(trust, home) if trust is not None else of_home(home)
    except OperatorError as error:
        unread = Verdict(verdict=Word.UNREADABLE, reasons=(error.sentence,), next_step=error.next_step)
        found, reader = unread.plain(), NOTHING
    else:
        found = _judged(content, reader)
    for remark in reader.remarks:
        terminal.note(remark)
    terminal.answer(found, "\n".join(words(found)), as_json=as_json)
    raise typer.Exit(EXIT_CODES[Word(str(found["verdict"]))])


def _judged(content: bytes, reader: Reader) -> dict[str, Any]:
    """Judge it; and once more where the node of the home knows something of it itself, which is newer than any list."""
    now, knowledge = real_clock(), reader.knowledge
    found = judge_apart(content, lambda: judge(content, now=now, knowledge=knowledge))
    if reader.node is None or not found["record"]:
        return found
    # Loaded only for a home: the database takes longer to load than a verdict.
    from provisioning.ownnode import ask_node

    asked = ask_node(reader.node, str(found["record"]["number"]))
    if asked.remark:
        terminal.note(asked.remark)
    known = asked.known
    if known is None:
        return found
    more = replace(
        knowledge,
        ended=lambda _number: known.ended,
        witnessed=lambda _number, record: known.proven_before if record == known.record_sha256 else None,
    )
    return judge_apart(content, lambda: judge(content, now=now, knowledge=more))


def read_file(file: Path) -> bytes:
    """What is to be judged.

    Raises:
        Unreadable: it is missing, no file, or too large.
    """
    check = "Check which file you named."
    try:
        if file == STANDARD_INPUT:
            content = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
        else:
            status = file.stat()
            if stat.S_ISDIR(status.st_mode):
                raise Unreadable(f"{file} is a folder.", "Name a file in it.")
            if not stat.S_ISREG(status.st_mode):
                raise Unreadable(f"{file} is not a file.", check)
            with file.open("rb") as source:
                content = source.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise Unreadable(f"There is no file {file}.", check) from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "its name is none"
        raise Unreadable(f"{file} cannot be read: {why}.", "Check its name and whose it is.") from None
    if len(content) > MAX_FILE_BYTES:
        raise Unreadable(f"{file} is larger than {MAX_FILE_BYTES >> 20} MB; no certificate is.", check)
    return content


def words(found: dict[str, Any]) -> Iterator[str]:
    """A verdict for the person at the counter: the word, whom it is about, why, and what to do."""
    word = Word(found["verdict"])
    yield _HEADINGS[word].format(date=_date(found["trust_as_of"]))
    record = found["record"]
    if record:
        yield ""
        yield from _to_compare(record, file=found["form"] == "file")
    if found["evidence"]:
        yield ""
        yield "What led to it, by the entries that came with it:"
        for each in found["evidence"]:
            yield from textwrap.wrap(visible(each), _WIDTH, initial_indent="  ", subsequent_indent="    ")
    yield ""
    for reason in found["reasons"]:
        yield from textwrap.wrap(visible(reason), _WIDTH, initial_indent="- ", subsequent_indent="  ")
    if found["next_step"]:
        yield from textwrap.wrap(visible(found["next_step"]), _WIDTH, initial_indent="→ ", subsequent_indent="  ")
    if found["trust_as_of"]:
        yield f"  Judged by what was known on {_date(found['trust_as_of'])}."


def _to_compare(record: dict[str, Any], *, file: bool) -> Iterator[str]:
    yield "What the file says:" if file else "What the code says; compare it with what is printed:"
    holder = record["holder"]
    names = (holder.get("name", ""), holder.get("name_native", ""))
    lines = {
        "Name": "   ".join(each for each in names if each),
        "Born": holder.get("born", ""),
        "Identity": holder.get("identity_number_shown", ""),
        "Certificate": record["number"],
        "Service": record.get("title", {}).get("en") or record["service"],
        "Centre": record["centre"],
        "Issued on": _date(record["issued_on"]),
        "Valid until": _date(record["expires_on"]) if record.get("expires_on") else "",
    }
    for name, value in lines.items():
        if value:
            yield f"  {name:<12} {visible(value)}"
    if record.get("left_out"):
        yield "  There was no room in the code for all of the holder: look at the paper for the rest."


def _date(iso: str | None) -> str:
    return say_date(iso[:10], "en") if iso else ""


_HEADINGS: Final = {
    Word.VALID: "VALID",
    Word.VALID_AS_OF: "VALID AS OF {date}",
    Word.SUPERSEDED: "SUPERSEDED: another certificate took its place",
    Word.REVOKED: "REVOKED",
    Word.INVALID: "NOT VALID",
    Word.UNKNOWN_ISSUER: "UNKNOWN ISSUER: nobody here knows who signed it",
    Word.UNREADABLE: "UNREADABLE",
}

"""`sanad certificates …`: where certificates stand, and what is done with them after they were issued."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from appliance.access.session import Role, Session
from appliance.casework import correcting, reprinting, revoking, superseding
from appliance.casework.caseview import case
from appliance.casework.centre import Centre
from appliance.casework.certificates import (
    CORRECTION,
    REVOCATION,
    Certificate,
    Request,
    State,
    certificate_file,
    certificate_numbered,
    certificates,
    open_requests,
)
from appliance.casework.printing import Outcome, PrintState
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from appliance.store.store import Store
from provisioning import outfile, terminal
from provisioning.centre import open_centre
from provisioning.opening import HomeOption, JsonOption, home_of, node_store
from provisioning.sessions import signed_in

app = typer.Typer(no_args_is_help=True, help="Certificates after they were issued: look, correct, revoke, print again.")

NumberArgument = Annotated[str, typer.Argument(help="As it is printed: PEW01-000042-K.")]
FileArgument = Annotated[Path, typer.Argument(help="Where the PDF goes.")]
AsOption = Annotated[str, typer.Option("--as", help="Your login.", show_default=False)]
RoleOption = Annotated[Role, typer.Option("--role", help="The role that you sign in with.")]
ReasonOption = Annotated[str, typer.Option(help="Why; it is kept in the journal.", show_default=False)]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]


@dataclass(frozen=True, slots=True)
class _At:
    """One certificate, and who looks at it."""

    centre: Centre
    session: Session
    certificate: Certificate

    @property
    def store(self) -> Store:
        return self.centre.store


@contextmanager
def _at(home: Path | None, number: str, login: str, role: Role) -> Iterator[_At]:
    with node_store(home) as store:
        found = certificate_numbered(store, number)
        centre = open_centre(home_of(home), store)
        with signed_in(store, login, role) as session:
            yield _At(centre, session, found)


@app.command("list")
def list_certificates(
    state: Annotated[State, typer.Option(help="Those that stand so.")] = State.VALID,
    asked: Annotated[bool, typer.Option("--asked", help="What was asked about certificates and is open.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List certificates, the newest first; or what waits for a second person."""
    with node_store(home) as store:
        if asked:
            requests = open_requests(store)
            lines = [
                f"{each.number}  {each.what}, asked by {each.asked_by_name} on {each.asked_at[:10]}: {each.reason}"
                for each in requests
            ]
            terminal.answer(
                {"requests": [_request(each) for each in requests]}, "\n".join(lines) or "Nothing.", as_json=as_json
            )
            return
        found = certificates(store, state)
    lines = [f"{each.number}  {each.issued_on}  {_standing(each)}" for each in found]
    terminal.answer(
        {"certificates": [_values(each) for each in found]},
        "\n".join(lines) or f"No certificate is {state.value}.",
        as_json=as_json,
    )


@app.command("show")
def show(number: NumberArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show where a certificate stands, what was asked about it, and its hashes."""
    with node_store(home) as store:
        found = certificate_numbered(store, number)
        view = case(store, found.application)
    asked = [each for each in view.requests if each.number == found.number]
    holder = next((each.name for each in view.people if each.person == view.case.applicant), "")
    values = {
        **_values(found),
        "tracking": view.case.tracking,
        "requests": [_request(each) for each in asked],
        "papers": [{"id": each.id, "label": each.label, "added_at": each.added_at} for each in view.papers],
    }
    lines = [
        f"{found.number}  {_standing(found)}".upper() if found.state is not State.VALID else f"{found.number}  valid",
        f"issued       {found.issued_on}" + (f", until {found.expires_on}" if found.expires_on else ""),
        f"application  {view.case.tracking}, {holder or 'erased'}",
    ]
    lines += [f"supersedes   {found.replaces}"] if found.replaces else []
    lines += [f"because      {found.reason}"] if found.reason else []
    lines += [f"{each.what:<13}{_outcome(each)}, {each.asked_at[:10]}: {each.reason}" for each in asked]
    lines += [f"paper        {each.id}  {each.label}" for each in view.papers]
    lines += [f"record       {found.record_sha256}", f"pdf          {found.pdf_sha256}", f"sealed file  {found.blob}"]
    terminal.answer(values, "\n".join(lines), as_json=as_json)


@app.command("save")
def save(
    number: NumberArgument,
    file: FileArgument,
    force: ForceOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the signed PDF into a file, for who comes with a stick; with its timestamp once it has one."""
    place = home_of(home)
    outfile.refuse_unfit(file, homes=(place,), magic=None, force=force)
    with node_store(home) as store:
        found = certificate_numbered(store, number)
        pdf = certificate_file(store, found, raised=True)
        with outfile.written(file, homes=(place,), magic=None, force=force) as write:
            write(pdf)
    if found.state is not State.VALID:
        terminal.note(f"This certificate was {found.standing}. Whoever verifies it is told so.")
    terminal.answer({**_values(found), "file": str(file)}, f"{found.number} is in {file}.", as_json=as_json)


@app.command("ask-revocation")
def ask_revocation(
    number: NumberArgument,
    code: Annotated[str, typer.Option("--code", help="Public: " + ", ".join(revoking.REASONS) + ".")],
    reason: ReasonOption,
    login: AsOption,
    role: RoleOption = Role.OFFICER,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask that a certificate be revoked. Somebody else does it, or refuses."""
    with _at(home, number, login, role) as at:
        found = at.certificate
        revoking.ask_revocation(at.store, at.session, found.application, found.number, code, reason)
    _told(found.number, "asked", f"Asked. Another officer or a supervisor revokes {found.number}, or refuses.", as_json)


@app.command("revoke")
def revoke(
    number: NumberArgument,
    login: AsOption,
    role: RoleOption = Role.SUPERVISOR,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Revoke a certificate that somebody else asked to be revoked. Nothing brings it back."""
    with _at(home, number, login, role) as at:
        found = at.certificate
        revoking.revoke(at.store, at.session, found.application, found.number)
    words = f"{found.number} is revoked. The public list says so once this node has synced."
    _told(found.number, "revoked", words, as_json)


@app.command("refuse")
def refuse(
    number: NumberArgument,
    reason: ReasonOption,
    login: AsOption,
    what: Annotated[str, typer.Option("--what", help=f"{REVOCATION} or {CORRECTION}.")] = REVOCATION,
    role: RoleOption = Role.SUPERVISOR,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Leave a certificate as it is, or take back what you asked."""
    if what not in (REVOCATION, CORRECTION):
        raise OperatorError("It is not said what is refused.", f"Say --what {REVOCATION} or --what {CORRECTION}.")
    with _at(home, number, login, role) as at:
        found = at.certificate
        verb = revoking.refuse_revocation if what == REVOCATION else correcting.refuse_correction
        verb(at.store, at.session, found.application, found.number, reason)
    _told(found.number, "refused", f"{found.number} stays as it is.", as_json)


@app.command("ask-correction")
def ask_correction(
    number: NumberArgument,
    reason: ReasonOption,
    login: AsOption,
    paper: Annotated[list[str], typer.Option("--paper", help="A paper of the application that proves it, by its id.")],
    field: Annotated[list[str] | None, typer.Option("--field", help="An answer as it is to be: NAME=VALUE.")] = None,
    role: RoleOption = Role.OPERATOR,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask that a certificate be corrected. An officer who is somebody else issues the new one."""
    answers = dict(_answer(each) for each in field or ())
    with _at(home, number, login, role) as at:
        found = at.certificate
        changed = correcting.ask_correction(
            at.centre,
            at.session,
            found.application,
            found.number,
            answers=answers,
            papers=[EntityId(each) for each in paper],
            reason=reason,
        )
    values = {"number": found.number, "done": "asked", "changed": list(changed)}
    terminal.answer(values, "Asked. Another officer issues the new certificate, or refuses.", as_json=as_json)


@app.command("correct")
def correct(
    number: NumberArgument,
    login: AsOption,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Issue the corrected certificate that somebody else asked for, sealed by the centre; the old one is superseded."""
    with _at(home, number, login, Role.OFFICER) as at:
        found = at.certificate
        made = superseding.correct(at.centre, at.session, found.application, found.number)
        new = certificate_numbered(at.store, made.number)
    words = f"{made.number} is issued; {found.number} is superseded. Print the new one, and hand it over."
    terminal.answer(_values(new), words, as_json=as_json)


@app.command("reprint")
def reprint(
    number: NumberArgument,
    file: FileArgument,
    login: AsOption,
    reason: Annotated[str, typer.Option(help="Why it is printed again; needed from the second time on.")] = "",
    role: RoleOption = Role.OFFICER,
    force: ForceOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write what a printer is given into a file; from the second time on it is marked as a duplicate."""
    place = home_of(home)
    outfile.refuse_unfit(file, homes=(place,), magic=None, force=force)
    copies: list[int] = []

    def send(pdf: bytes, copy: int) -> Outcome:
        with outfile.written(file, homes=(place,), magic=None, force=force) as write:
            write(pdf)
        copies.append(copy)
        return Outcome(PrintState.PRINTED, f"Written to {file}.")

    with _at(home, number, login, role) as at:
        found = at.certificate
        reprinting.print_certificate(at.centre, at.session, found, send, printer="a file", reason=reason)
    words = f"Copy {copies[-1]} of {found.number} is in {file}."
    terminal.answer({"number": found.number, "copy": copies[-1], "file": str(file)}, words, as_json=as_json)


def _told(number: str, done: str, words: str, as_json: bool) -> None:
    terminal.answer({"number": number, "done": done}, words, as_json=as_json)


def _answer(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise OperatorError(f"“{text}” is no answer.", "Write it as NAME=VALUE; nothing behind the = takes it away.")
    return name, value


def _standing(certificate: Certificate) -> str:
    until = f", until {certificate.expires_on}" if certificate.expires_on and certificate.state is State.VALID else ""
    return certificate.standing + until


def _outcome(request: Request) -> str:
    return "open" if request.is_open else f"{request.outcome} on {request.ended_at[:10]}"


def _values(certificate: Certificate) -> dict[str, object]:
    return {
        "number": certificate.number,
        "state": certificate.state.value,
        "issued_on": certificate.issued_on,
        "expires_on": certificate.expires_on or None,
        "replaces": certificate.replaces or None,
        "replaced_by": certificate.replaced_by or None,
        "ended_at": certificate.ended_at or None,
        "reason_code": certificate.reason_code or None,
        "reason": certificate.reason or None,
        "application": certificate.application,
        "record_sha256": certificate.record_sha256,
        "pdf_sha256": certificate.pdf_sha256,
        "blob": certificate.blob,
        "level": certificate.level or None,
        "raised_blob": certificate.raised_blob or None,
    }


def _request(request: Request) -> dict[str, object]:
    return {
        "number": request.number,
        "what": request.what,
        "asked_by": request.asked_by_name,
        "asked_at": request.asked_at,
        "reason_code": request.reason_code or None,
        "reason": request.reason,
        "changed": list(request.changed),
        "papers": list(request.papers),
        "outcome": request.outcome or "open",
        "answer": request.answer or None,
    }

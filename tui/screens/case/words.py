"""A case in words: what a reviewer reads on the left of its papers."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from appliance.casework.caseview import CaseView
from appliance.casework.centre import Centre
from appliance.casework.certificates import Request, State
from appliance.casework.lifecycle import Status
from appliance.casework.steps import Progress
from appliance.catalogue import Field, Service
from appliance.journal.ids import EntityId
from tui.forms import money, pages
from tui.latin import latin
from tui.widgets.formpage import label_of
from tui.words import IDENTITY_KINDS, day, day_of, moment


def heading(view: CaseView, service: Service | None) -> str:
    """What case it is."""
    title = view.case.service if service is None else service.title.en
    name = next((each.name for each in view.people if each.person == view.case.applicant), "")
    return ", ".join(each for each in (view.case.tracking or "not handed in", title, name) if each)


def standing(centre: Centre, view: CaseView) -> Text:
    """Where it stands, until when it is promised, how its fee stands."""
    case, fee = view.case, view.fee
    text = Text(case.status.value, style="bold")
    if case.due:
        text.append(f"; due {day(case.due)}")
    if case.paused:
        text.append(" (days stand still)")
    if view.overdue(centre.today()):
        text.append(" OVERDUE", style="bold red")
    if fee.due_minor:
        owed = fee.owed_minor
        paid = "settled" if owed <= 0 else f"{money(owed, fee.currency)} owed"
        text.append(f"; fee {money(fee.due_minor, fee.currency)}, ")
        text.append(paid, style="green" if owed <= 0 else "yellow")
    for what in dict.fromkeys(each.what for each in view.requests if each.is_open):
        text.append(f"\nThe {what} of its certificate was asked for; it is not given out.", style="bold yellow")
    if case.status is Status.REVOKED:
        text.append("\nIts certificate was revoked.", style="bold red")
    for each in view.decisions:
        if each.is_contested:
            text.append(f"\nA decision from central could not be carried out: {latin(each.what)}", style="bold red")
    if view.unsupported:
        text.append("\nIt leans on an attestation that was withdrawn.", style="bold red")
    return text


def facts(centre: Centre, view: CaseView, service: Service | None, progress: Progress | None) -> RenderableType:
    """Everything but the papers: certificates, objections, steps, people, answers, what happened."""
    return Group(
        *_certificates(centre, view, service),
        *_objections(centre, view),
        *_steps(centre, view, progress),
        *_decisions(centre, view),
        _people(view, service),
        _answers(centre, view, service),
        *_outcome(view),
        _timeline(centre, view),
    )


def _titled(title: str) -> Table:
    table = Table.grid(padding=(0, 1), expand=True)
    table.title = Text(title, style="bold")
    table.title_justify = "left"
    table.add_column(style="dim", ratio=2)
    table.add_column(ratio=3)
    return table


def _people(view: CaseView, service: Service | None) -> Table:
    table = _titled("People")
    labels: Mapping[str, str] = {} if service is None else {each.id: each.label.en for each in service.roles}
    for each in view.people:
        number = f"{IDENTITY_KINDS.get(each.identity_kind, each.identity_kind)} {each.identity_number}".strip()
        words = ", ".join(part for part in (each.name, number, f"born {day(each.born)}" if each.born else "") if part)
        table.add_row(Text(latin(labels.get(each.role, each.role))), Text(latin(words) or "erased"))
    return table


def _answers(centre: Centre, view: CaseView, service: Service | None) -> Table:
    table = _titled("Answers")
    made = {}
    for attestation in (*view.leans_on, *view.made_here):
        for fact in attestation.facts:
            if not attestation.withdrawn_at:
                made[(attestation.person, fact)] = attestation
    if service is None:
        for name, value in view.case.fields.items():
            table.add_row(Text(name), Text(latin(value)))
        return table
    for page in pages(service):
        for field in page.fields:
            if field.id not in view.case.fields:
                continue
            words = Text(latin(label_of(field, view.case.fields[field.id])))
            for person in _people_of(field, view):
                found = made.get((person, (field.fact or "").partition(".")[2]))
                if found is not None:
                    words.append(f"\n✓ {latin(found.original)}, {day_of(centre, found.at)}", style="green")
            table.add_row(Text(latin(field.label.en)), words)
    return table


def _people_of(field: Field, view: CaseView) -> list[EntityId]:
    role = (field.fact or "").partition(".")[0]
    return [each.person for each in view.people if each.role == role]


def _steps(centre: Centre, view: CaseView, progress: Progress | None) -> list[RenderableType]:
    if progress is None:
        return []
    table = _titled("Steps")
    ahead = {each.id for each in (*progress.open_before_approval, *progress.open_after_approval)}
    waiting = {each.id for each in progress.waiting}
    for step in progress.steps:
        wait = next((each for each in reversed(view.waits) if each.step == step.id), None)
        if step.id in waiting and wait is not None:
            words = Text(f"waiting for {latin(wait.office)}", style="yellow")
        elif step in progress.refused:
            words = Text("answered: negative", style="red")
        elif wait is not None and wait.outcome:
            words = Text(f"answered: {wait.outcome}, {day_of(centre, wait.answered_at)}", style="green")
        else:
            words = Text("open", style="yellow") if step.id in ahead else Text("—", style="dim")
        if step.id in view.steps_done:
            words = Text("done", style="green")
        table.add_row(Text(latin(step.label.en)), words)
    return [table] if progress.steps else []


def _decisions(centre: Centre, view: CaseView) -> list[RenderableType]:
    """What came down from central, whole, and what became of it."""
    if not view.decisions:
        return []
    table = _titled("From central")
    for each in view.decisions:
        words = Text(latin(f"{each.who}: {each.what}"), style="bold red" if each.is_contested else "")
        if each.remark:
            words.append(f"\n{latin(each.remark)}", style="not bold")
        ended = f", {day_of(centre, each.ended_at)}" if each.ended_at else ""
        words.append(f"\n{each.state}{ended}", style="dim")
        if each.reason:
            words.append(f": {latin(each.reason)}", style="dim")
        if each.settlement:
            words.append(f"\n{latin(each.settlement)}", style="dim")
        table.add_row(Text(day_of(centre, each.given_at)), words)
    return [table]


def _objections(centre: Centre, view: CaseView) -> list[RenderableType]:
    if not view.objections:
        return []
    table = _titled("Returned")
    for each in view.objections:
        words = Text(latin(each.reason), style="" if each.answered_at else "yellow")
        if each.items:
            words.append(f" ({', '.join(map(latin, each.items))})", style="dim")
        if each.answered_at:
            words.append(
                f"\ncame again {day_of(centre, each.answered_at)}: {latin(each.answer) or 'no remark'}", style="dim"
            )
        table.add_row(Text(day_of(centre, each.at)), words)
    return [table]


def _outcome(view: CaseView) -> list[RenderableType]:
    found = view.outcome
    table = _titled("Outcome")
    if found.remark:
        table.add_row("Said at the decision", Text(latin(found.remark)))
    if found.delivered_to:
        table.add_row("Handed over to", Text(latin(found.delivered_to)))
    return [table] if table.row_count else []


def _certificates(centre: Centre, view: CaseView, service: Service | None) -> list[RenderableType]:
    table = _titled("Certificates")
    for each in view.certificates:
        holds = each.state is State.VALID
        words = Text(each.standing, style="green" if holds else "bold red")
        until = f", until {day(each.expires_on)}" if each.expires_on else ""
        words.append(f"\nissued {day(each.issued_on)}{until}", style="dim")
        if each.reason:
            words.append(f"\n{latin(each.reason)}", style="dim")
        table.add_row(Text(each.number), words)
    for asked in view.requests:
        outcome = "open" if asked.is_open else f"{asked.outcome} {day_of(centre, asked.ended_at)}"
        words = Text(f"{outcome}: {latin(asked.reason)}", style="yellow" if asked.is_open else "dim")
        words.append(f"\nasked by {latin(asked.asked_by_name)}, {day_of(centre, asked.asked_at)}", style="dim")
        for label, value in in_words(asked, service):
            words.append(f"\n{latin(label)}: {latin(value)}")
        if asked.answer:
            words.append(f"\n{latin(asked.answer)}", style="dim")
        table.add_row(Text(f"{asked.what} of {asked.number}"), words)
    return [table] if table.row_count else []


def in_words(request: Request, service: Service | None) -> list[tuple[str, str]]:
    """What a correction would change: the label of each answer, and what it is to be."""
    if service is None:
        return [(each, request.fields.get(each, "")) for each in request.changed]
    named = [service.field(each) for each in request.changed]
    return [(each.label.en, label_of(each, request.fields.get(each.id, "")) or "nothing") for each in named]


def _timeline(centre: Centre, view: CaseView) -> Table:
    table = _titled("What happened")
    for line in view.timeline:
        table.add_row(Text(moment(centre, line.at)), Text(latin(f"{line.who} {line.what}")))
    return table

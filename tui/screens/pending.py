"""Small work from the desk that waits for a second person or a quiet hour: waivers, complaints, slips of paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from appliance.casework.complaints import Complaint, answer_complaint, open_complaints
from appliance.casework.conflicts import Conflict, open_conflicts, settle_conflict
from appliance.casework.drafts import DraftForm
from appliance.casework.exemptions import Asked, undecided_exemptions
from appliance.casework.queries import CaseRow, contested
from appliance.casework.slips import reserve_slips
from appliance.journal.ids import EntityId
from tui.forms import money
from tui.screens.base import DeskScreen
from tui.screens.case.file import CaseFile
from tui.screens.dialogs import Ask, Pick
from tui.widgets.choice import Option

MAX_SLIPS: Final = 200
"""Slips that are reserved at once: a day of a centre."""


def waivers(screen: DeskScreen[Any]) -> None:
    """Open the case of a waiver that waits for a second person."""
    store = screen.desk_app.desk.store

    def found(asked: list[Asked]) -> None:
        if not asked:
            screen.say("No waiver waits for a decision.")
            return
        options = [
            Option(each.id, f"{each.exemption}, {money(each.minor, each.currency)}", each.reason) for each in asked
        ]
        cases = {str(each.id): each.application for each in asked}

        def chosen(one: str | None) -> None:
            if one is not None:
                screen.app.push_screen(CaseFile(cases[one], said="F10, then: decide on waiving the fee."))

        screen.app.push_screen(Pick("Which waiver?", options), chosen)

    screen.run(lambda: undecided_exemptions(store), found)


def complaints(screen: DeskScreen[Any]) -> None:
    """Answer a complaint."""
    store = screen.desk_app.desk.store

    def found(waiting: list[Complaint]) -> None:
        if not waiting:
            screen.say("No complaint is open.")
            return
        options = [Option(each.id, f"{each.tracking}: {each.complaint}", each.name) for each in waiting]
        words = {str(each.id): each.complaint for each in waiting}

        def chosen(one: str | None) -> None:
            if one is not None:
                screen.app.push_screen(Ask("Answer a complaint", words[one]), lambda text: answer(one, text))

        screen.app.push_screen(Pick("Which complaint?", options), chosen)

    def answer(one: str, text: str | None) -> None:
        if text:
            screen.act(
                lambda session: answer_complaint(store, session, EntityId(one), text),
                lambda _: screen.say("Answered.", tone="good"),
            )

    screen.run(lambda: open_complaints(store), found)


def from_central(screen: DeskScreen[Any]) -> None:
    """Show what central's orders left to people: a decision at its case, anything else to be settled by a word."""
    centre = screen.desk_app.desk.centre

    def found(both: tuple[list[Conflict], list[CaseRow]]) -> None:
        conflicts, cases = both
        if not conflicts and not cases:
            screen.say("Nothing from central waits to be settled.")
            return
        options = [Option(each.conflict, each.words, each.next_step) for each in conflicts]
        options += [
            Option(
                f"case {each.application}", f"{each.tracking}: a decision that could not be carried out", each.applicant
            )
            for each in cases
        ]

        def chosen(one: str | None) -> None:
            if one is None:
                return
            if one.startswith("case "):
                screen.app.push_screen(CaseFile(EntityId(one[5:]), said="F10, then: say how it was settled."))
                return
            words = next(f"{each.words} {each.next_step}" for each in conflicts if each.conflict == one)
            screen.app.push_screen(Ask("How was it settled?", words), lambda how: settle(one, how))

        screen.app.push_screen(Pick("What is settled?", options), chosen)

    def settle(one: str, how: str | None) -> None:
        if how:
            screen.act(
                lambda session: settle_conflict(centre.store, session, one, how),
                lambda _: screen.say("Settled; central sees it with the next sync.", tone="good"),
            )

    screen.run(lambda: (open_conflicts(centre.store), contested(centre)), found)


def reserve(screen: DeskScreen[Any]) -> None:
    """Set numbers aside for a day without power, to be printed or written on slips of paper."""
    store = screen.desk_app.desk.store

    def told(text: str | None) -> None:
        if text is None:
            return
        if not (text.isascii() and text.isdigit() and 0 < int(text) <= MAX_SLIPS):
            screen.say(f"A number from 1 to {MAX_SLIPS}.", tone="bad")
            return

        def reserved(slips: list[str]) -> None:
            screen.app.push_screen(Pick("Write these on slips of paper", [Option(each, each) for each in slips]))

        screen.act(lambda session: reserve_slips(store, session, int(text)), reserved)

    screen.app.push_screen(Ask("Slips for a day without power", "How many?", value="20"), told)


def from_slip(screen: DeskScreen[Any], begin: Callable[[DraftForm], None]) -> None:
    """Begin an application that was taken on a slip of paper in the dark."""
    desk = screen.desk_app.desk
    services = [Option(each.id, each.title.en, each.department.en) for each in desk.centre.catalogue.services.values()]

    def with_slip(slip: str | None) -> None:
        if slip:
            today = desk.centre.today().isoformat()
            question = Ask("Entered from a slip", "On which day was it handed in?", value=today)
            screen.app.push_screen(question, lambda day: with_day(slip, day))

    def with_day(slip: str, day: str | None) -> None:
        if day:
            screen.app.push_screen(Pick("Which service?", services), lambda service: chosen(slip, day, service))

    def chosen(slip: str, day: str, service: str | None) -> None:
        if service is not None:
            begin(DraftForm(desk.store.new_id(), service, slip=slip, received=day))

    screen.app.push_screen(Ask("Entered from a slip", "The number on the slip."), with_slip)

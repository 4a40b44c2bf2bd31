"""Putting paper out: once, with the question after a power cut or a silent printer, and a reason for another copy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from appliance.access.session import Session
from appliance.casework import printing
from appliance.casework.printing import AlreadyPrinted, Job, Outcome, Print, PrintOpen, PrintState
from appliance.journal.errors import SanadError
from devices.contracts import JobEnd, JobOutcome
from tui.desk import Desk
from tui.screens.base import DeskScreen
from tui.screens.dialogs import Ask, Pick
from tui.widgets.choice import Option

STATES: Final[Mapping[JobEnd, PrintState]] = {
    JobEnd.PRINTED: PrintState.PRINTED,
    JobEnd.SENT_UNCONFIRMED: PrintState.UNKNOWN,
    JobEnd.INCOMPLETE: PrintState.INCOMPLETE,
    JobEnd.NOT_STARTED: PrintState.NOT_STARTED,
}
_ON_PAPER: Final = (Option("yes", "yes, it is on the paper"), Option("no", "no, it is not"))


def print_paper(screen: DeskScreen[Any], job: Job, ask: Callable[[int], JobOutcome]) -> None:
    """Print something for a screen, and say what became of it.

    Args:
        screen: which one.
        job: what, and where.
        ask: asks the printer, told which copy it is.
    """
    desk = screen.desk_app.desk

    def how(session: Session, reason: str) -> Outcome:
        return printing.print_once(desk.store, session, job, lambda copy: asked(desk, lambda: ask(copy)), reason)

    print_by(screen, how, simulated=job.simulated)


def print_by(
    screen: DeskScreen[Any], how: Callable[[Session, str], Outcome], reason: str = "", *, simulated: bool
) -> None:
    """Print in some way for a screen, say what became of it, and ask for a reason where it is on paper already.

    Args:
        screen: which one.
        how: prints, in a session, for a reason where there is one.
        reason: why it is printed again.
        simulated: whether there is no printer.
    """

    def told(outcome: Outcome) -> None:
        mark = "SIMULATED: " if simulated and "SIMULATED" not in outcome.detail else ""
        tone = "good" if outcome.state is PrintState.PRINTED else "warning"
        screen.say(f"{mark}{outcome.detail} {outcome.next_step}".strip(), tone=tone)
        if outcome.state is not PrintState.PRINTED:
            screen.desk_app.watching.look()
        if outcome.state.is_open:
            settle_prints(screen)

    def refused(error: SanadError) -> None:
        if isinstance(error, AlreadyPrinted):
            question = Ask("It is on paper already", "Why another copy? Its number is printed on it.")
            screen.app.push_screen(
                question, lambda why: print_by(screen, how, why, simulated=simulated) if why else None
            )
        elif isinstance(error, PrintOpen):
            settle_prints(screen)
        else:
            screen.failed(error)

    screen.say("Printing …")
    screen.act(lambda session: how(session, reason), told, refused)


def asked(desk: Desk, ask: Callable[[], JobOutcome]) -> Outcome:
    """What a printer did when it was asked; it never raises for a printer."""
    try:
        outcome = ask()
    except Exception as error:
        fault = desk.translate(error)
        if fault is None:
            raise
        return Outcome(PrintState.NOT_STARTED, fault.sentence, fault.next_step)
    return Outcome(STATES[outcome.end], outcome.sentence, outcome.next_step)


def settle_prints(screen: DeskScreen[Any]) -> None:
    """Ask about the first print that nobody knows about, whether it is on the paper."""
    store = screen.desk_app.desk.store

    def found(prints: list[Print]) -> None:
        if not prints:
            screen.say("There is no print that nobody knows about.")
            return
        first = prints[0]
        question = f"Look at the printer {first.job.printer}: is {first.job.what} {first.job.number} on the paper?"
        screen.app.push_screen(Pick(question, _ON_PAPER), lambda answer: settle(first, answer))

    def settle(one: Print, answer: str | None) -> None:
        if answer is None:
            return

        def write(session: Session) -> None:
            printing.settle_print(store, session, one.id, on_paper=answer == "yes")

        screen.act(write, lambda _: screen.say("Written down. It can be printed again where it is not on paper."))

    screen.run(lambda: printing.open_prints(store), found)

"""What everything that is done with a case shares: the case as it was read, and how an act is asked for and told."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from appliance.access.session import Session
from appliance.casework.caseview import CaseView
from appliance.casework.centre import Centre
from appliance.casework.services import shown_service
from appliance.catalogue import Service
from appliance.journal.ids import EntityId
from appliance.store.store import Store
from tui.screens.base import DeskScreen
from tui.screens.dialogs import Ask, Pick
from tui.widgets.choice import Option


class CaseScreen(DeskScreen[None]):
    """A screen of one case. What was typed for an act that failed stands there when it is tried again."""

    def __init__(self, application: EntityId) -> None:
        super().__init__()
        self.application = application
        self.view: CaseView | None = None
        self._typed: dict[str, str] = {}

    @property
    def centre(self) -> Centre:
        """The centre."""
        return self.desk_app.desk.centre

    @property
    def store(self) -> Store:
        """The store."""
        return self.desk_app.desk.store

    @property
    def seen(self) -> int | None:
        """The last entry that the screen showed."""
        return None if self.view is None else self.view.last_seq

    @property
    def service(self) -> Service | None:
        """The service of the case as it was when it was handed in, where it is to be had."""
        case = None if self.view is None else self.view.case
        return None if case is None else shown_service(self.centre, case.service, case.service_digest)

    def do(self, verb: Callable[[Session], object], words: str) -> None:
        """Do something with the case, say so, and read it again."""
        self.act(verb, lambda _: self.done(words))

    def done(self, words: str) -> None:
        """Something was done."""
        self._typed.clear()
        self.say(words, tone="good")
        self.look_again()

    def ask(
        self, heading: str, question: str, then: Callable[[str], None], *, value: str = "", may_be_empty: bool = False
    ) -> None:
        """Ask for a line; what was typed before for the same stands in it."""

        def told(text: str | None) -> None:
            if text is not None:
                self._typed[heading] = text
                then(text)

        start = self._typed.get(heading, value)
        self.app.push_screen(Ask(heading, question, value=start, may_be_empty=may_be_empty), told)

    def pick(self, heading: str, options: Sequence[Option], then: Callable[[str], None]) -> None:
        """Let one of a list be chosen; where there is one only, it is."""
        if len(options) == 1:
            then(options[0].id)
            return

        def told(chosen: str | None) -> None:
            if chosen is not None:
                then(chosen)

        self.app.push_screen(Pick(heading, options), told)

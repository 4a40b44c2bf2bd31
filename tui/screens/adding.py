"""A screen on which papers are added to an application."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.access.session import Session
from appliance.casework.intake import Paper
from appliance.catalogue import PaperRule
from appliance.journal.ids import EntityId
from tui.screens.base import DeskScreen


class AddsPapers(DeskScreen[None]):
    """What `PaperWork` needs of its screen."""

    def person_names(self) -> Mapping[str, str]:
        """The people of the application, by their identifiers, on a line each."""
        raise NotImplementedError

    def keep_paper(
        self, session: Session, rule: PaperRule, person: EntityId | None, content: bytes, paper: Paper
    ) -> None:
        """Seal a file that was read and found to be a paper, and add it. Runs beside the screen."""
        raise NotImplementedError

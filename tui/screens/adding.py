"""A screen on which papers are added to an application."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.access.session import Session
from appliance.casework.intake import Paper
from appliance.casework.papers import NewPaper
from tui.screens.base import DeskScreen


class AddsPapers(DeskScreen[None]):
    """What `PaperWork` needs of its screen."""

    def person_names(self) -> Mapping[str, str]:
        """The people of the application, by their identifiers, on a line each."""
        raise NotImplementedError

    def keep_paper(self, session: Session, new: NewPaper) -> Paper:
        """Add a paper: read apart, sealed, in the journal. Runs beside the screen.

        Raises:
            PaperRefused: it cannot be taken in. OperatorError, DeviceError: it was not added.
        """
        raise NotImplementedError

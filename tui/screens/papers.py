"""Adding papers to an application: read by the confined reader, sealed, and only then said to be there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.access.session import Session
from appliance.casework.intake import MAX_PAPER_BYTES, NOTES, Paper, PaperRefused
from appliance.casework.papers import NewPaper
from appliance.catalogue import PaperRule
from appliance.journal.errors import OperatorError, SanadError
from appliance.journal.ids import EntityId
from devices.contracts import ScanColour, ScanEnd, ScanSource, Status
from tui.screens.dialogs import Pick
from tui.screens.files import ChooseFile
from tui.screens.photographing import Photographing
from tui.screens.scanning import Scanned, Scanning
from tui.widgets.choice import Option
from tui.widgets.stages.papers import Told

if TYPE_CHECKING:
    from tui.screens.adding import AddsPapers

SOURCES: Final = (
    Option("feeder", "feeder, in colour", "all pages that lie in it"),
    Option("glass", "glass, in colour", "one page"),
    Option("feeder-grey", "feeder, in grey", "smaller; for plain print"),
    Option("glass-grey", "glass, in grey", "smaller; for plain print"),
)
_WAYS: Final = {
    "feeder": (ScanSource.FEEDER, ScanColour.COLOUR),
    "glass": (ScanSource.FLATBED, ScanColour.COLOUR),
    "feeder-grey": (ScanSource.FEEDER, ScanColour.GREY),
    "glass-grey": (ScanSource.FLATBED, ScanColour.GREY),
}


class PaperWork:
    """Adds papers for one screen, and remembers what was said of each file."""

    def __init__(self, screen: AddsPapers) -> None:
        self._screen = screen
        self.told: dict[str, list[Told]] = {}
        self._folder = Path.home()

    def add(self, rule: PaperRule, people: Sequence[EntityId], how: str) -> None:
        """Ask whose paper it is where that is not clear, then for the file, or scan it."""
        if len(people) > 1:
            names = self._screen.person_names()
            options = [Option(each, names.get(each, each[:6])) for each in people]

            def chosen(person: str | None) -> None:
                if person is not None:
                    self._from(rule, EntityId(person), how)

            self._screen.app.push_screen(Pick(f"{rule.label.en}: whose?", options), chosen)
        else:
            self._from(rule, people[0] if people else None, how)

    def _from(self, rule: PaperRule, person: EntityId | None, how: str) -> None:
        if how == "scan":
            self._scan(rule, person)
            return
        if how == "photograph":
            self._photograph(rule, person)
            return

        def chosen(path: Path | None) -> None:
            if path is not None:
                self._folder = path.parent
                self._take(rule, person, [path])

        self._screen.app.push_screen(ChooseFile(f"{rule.label.en}: which file?", self._folder), chosen)

    def _scan(self, rule: PaperRule, person: EntityId | None) -> None:
        scanner = self._screen.desk_app.devices.scanner
        if scanner is None:
            self._screen.say("No scanner is assigned to this counter; add the paper as a file.", tone="warning")
            return

        def chosen(way: str | None) -> None:
            if way is not None:
                source, colour = _WAYS[way]
                self._screen.app.push_screen(Scanning(scanner, source, colour), scanned)

        def scanned(outcome: Scanned | None) -> None:
            if outcome is None:
                self._screen.say("The scan was stopped. Nothing was added.", tone="warning")
            elif isinstance(outcome, SanadError):
                self._screen.failed(outcome)
            else:
                self._scanned(rule, person, outcome)

        self._screen.app.push_screen(Pick("Where does the paper lie?", SOURCES), chosen)

    def _scanned(self, rule: PaperRule, person: EntityId | None, outcome: ScanEnd) -> None:
        """Add the pages that came, whatever ended the scan, and say what ended it."""
        trouble = "" if outcome.status is Status.READY else f"{outcome.sentence} {outcome.next_step}".strip()
        said = trouble or (outcome.sentence if outcome.blank or not outcome.pages else "")
        if trouble:
            self._screen.desk_app.watching.look()
        if outcome.pages:
            self._take(rule, person, [page.jpeg for page in outcome.pages], said, well=not trouble)
        else:
            self._screen.say(said, tone="warning")

    def _photograph(self, rule: PaperRule, person: EntityId | None) -> None:
        camera = self._screen.desk_app.devices.camera
        if camera is None:
            self._screen.say("No camera is assigned to this counter; add the paper as a file.", tone="warning")
            return

        def kept(jpeg: bytes | None) -> None:
            if jpeg is not None:
                self._take(rule, person, [jpeg])

        self._screen.app.push_screen(Photographing(camera, f"{rule.label.en}: photograph"), kept)

    def _take(
        self,
        rule: PaperRule,
        person: EntityId | None,
        contents: Sequence[bytes | Path],
        said: str = "",
        *,
        well: bool = True,
    ) -> None:
        """Add papers; `said` is told with it, and `well` is whether that is good news."""
        self._screen.say(f"Reading {rule.label.en} …")
        kept: list[Paper] = []

        # A session that ends in the middle is renewed, and this is done again: what is added already is not.
        def take(session: Session) -> list[Paper]:
            for each in contents[len(kept) :]:
                content = read_paper(each) if isinstance(each, Path) else each
                kept.append(self._screen.keep_paper(session, NewPaper(content, rule.id, person)))
            return kept

        def taken(papers: list[Paper]) -> None:
            notes = [NOTES[note] for paper in papers for note in paper.notes]
            self.told[rule.id] = [Told(each) for each in notes]
            count = sum(paper.pages for paper in papers)
            words = f"{rule.label.en}: {count} page{'s' * (count != 1)} sealed and added."
            self._screen.say(" ".join([words, said, *notes]).replace("  ", " "), tone="good" if well else "warning")
            self._screen.look_again()

        def refused(error: SanadError) -> None:
            if isinstance(error, PaperRefused):
                self.told[rule.id] = [Told(f"refused: {error.sentence} {error.next_step}", bad=True)]
                self._screen.look_again()
            self._screen.failed(error)

        self._screen.act(take, taken, refused)


def read_paper(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        OperatorError: it cannot be read. PaperRefused: it is too large to be a paper.
    """
    try:
        with path.open("rb") as source:
            content = source.read(MAX_PAPER_BYTES + 1)
    except OSError as error:
        raise OperatorError(
            f"The file cannot be read ({error.strerror}).", "Check its name, and whose it is."
        ) from None
    return content

"""The papers that the answers call for: which are there, which were attested before, which are missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from tui.forms import SAMPLE, Filling, attested_words
from tui.keymap import bound
from tui.widgets.rows import Item, Rows

Day = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Told:
    """What was said of the last file that was handed over for a paper."""

    words: str
    bad: bool = False


class PapersStage(Vertical):
    """The papers. Ctrl+A adds a file, Ctrl+E scans, Ctrl+K photographs."""

    BINDINGS: ClassVar[list[BindingType]] = bound("add_paper", "scan_paper", hidden=("photograph",))

    class Wanted(Message):
        """A file, a scan or a photograph is to be added for a paper rule."""

        def __init__(self, rule: str, how: str) -> None:
            super().__init__()
            self.rule = rule
            self.how = how

    def __init__(self, filling: Filling, told: Mapping[str, Sequence[Told]], day: Day) -> None:
        super().__init__(id="papers")
        self._filling = filling
        self._told = told
        self._day = day

    def compose(self) -> ComposeResult:
        """What to do, and the papers."""
        yield Static("Enter or Ctrl+A adds a file; Ctrl+E scans, Ctrl+K photographs the paper.", classes="dim")
        yield Rows(id="rules")

    def on_mount(self) -> None:
        """Show the papers, the cursor on the first one that is missing."""
        rows = self.query_one(Rows)
        rows.fill([self._item(rule.id) for rule in self._filling.needed_papers()])
        missing = [each for each in self._filling.needed_papers() if each.required and self._is_missing(each.id)]
        if missing:
            rows.go(missing[0].id)
        rows.focus()

    def _is_missing(self, rule: str) -> bool:
        return not self._filling.papers.get(rule) and rule not in self._filling.attested_papers

    def _item(self, name: str) -> Item:
        rule = next(each for each in self._filling.needed_papers() if each.id == name)
        attested = self._filling.attested_papers.get(name)
        count = self._filling.papers.get(name, 0)
        told = [each.words for each in self._told.get(name, ())]
        sample = [SAMPLE] if rule.sample else []
        if attested is not None:
            words = [attested_words(attested, self._day(attested.at)), "not asked again"]
            return Item(name, rule.label.en, "; ".join(words + told), "✓", "green")
        if count:
            return Item(
                name, rule.label.en, "; ".join([f"{count} file{'s' * (count > 1)}", *told, *sample]), "✓", "green"
            )
        refused = any(each.bad for each in self._told.get(name, ()))
        copies = [f"{rule.copies} copies"] if rule.copies > 1 else []
        need = ["required" if rule.required else "if there is one"]
        mark, tone = ("!", "red") if refused else ("*", "yellow") if rule.required else ("+", "dim")
        return Item(name, rule.label.en, "; ".join([*need, *copies, *told, *sample]), mark, tone)

    def on_option_list_option_selected(self) -> None:
        """Enter adds a file."""
        self.action_add_paper()

    def action_add_paper(self) -> None:
        """Add a file."""
        self.post_message(self.Wanted(self.query_one(Rows).current(), "file"))

    def action_scan_paper(self) -> None:
        """Scan."""
        self.post_message(self.Wanted(self.query_one(Rows).current(), "scan"))

    def action_photograph(self) -> None:
        """Photograph."""
        self.post_message(self.Wanted(self.query_one(Rows).current(), "photograph"))

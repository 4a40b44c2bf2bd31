"""Choosing a file: type its path, or walk through the folders; only what can be a paper is listed."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Final

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.latin import latin
from tui.screens.base import Dialog
from tui.widgets.editing import Edited, Entered
from tui.widgets.line import Line

MAX_LISTED: Final = 200
PAPERS: Final = frozenset({".pdf", ".jpg", ".jpeg", ".png", ".tif", ".tiff"})


class ChooseFile(Dialog[Path]):
    """The path of a file. Arrows walk the list, Tab completes, Enter takes a file or opens a folder."""

    HELP = (
        "Type the path, or choose from the list with the arrows. Tab puts what is under the cursor into it; Enter "
        "opens a folder or takes a file. PDF, JPEG, PNG and TIFF files are listed."
    )
    KEYS = "Enter  take it    Tab  complete    Esc  leave it    F1  help"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("tab", "complete", "Complete", priority=True),
    ]

    def __init__(self, heading: str, start: Path) -> None:
        super().__init__()
        self._heading = heading
        self._start = start
        self._found: list[Path] = []

    def body(self) -> ComposeResult:
        """The line to type in, and what is there."""
        yield Static(latin(self._heading), classes="title", markup=False)
        yield Line(f"{self._start}/", id="path", max_length=1000)
        yield OptionList(id="list")

    def on_mount(self) -> None:
        """List the first folder."""
        self.query_one("#list", OptionList).can_focus = False
        self.query_one(Line).focus()
        self._list(self.query_one(Line).value)

    @on(Edited)
    def _typed(self, event: Edited) -> None:
        self._list(event.value)

    def _list(self, typed: str) -> None:
        def got(found: list[Path]) -> None:
            if self.query_one(Line).value != typed:
                return
            self._found = found
            shown = self.query_one("#list", OptionList)
            shown.clear_options()
            shown.add_options([Option(Text(latin(_name(each)))) for each in found])
            shown.highlighted = 0 if found else None
            self.say("" if found else "Nothing of that name here.")

        self.run(lambda: beginning_with(typed), got)

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        if self._found:
            shown = self.query_one("#list", OptionList)
            shown.highlighted = min(max((shown.highlighted or 0) + by, 0), len(self._found) - 1)

    def _under(self) -> Path | None:
        at = self.query_one("#list", OptionList).highlighted
        return self._found[at] if at is not None and at < len(self._found) else None

    def action_complete(self) -> None:
        """Put what is under the cursor into the line."""
        found = self._under()
        if found is not None:
            text = str(found) + ("/" if found.is_dir() else "")
            self.query_one(Line).put(text)
            self._list(text)

    @on(Entered)
    def _take(self) -> None:
        typed = Path(self.query_one(Line).value).expanduser()
        if typed.is_file():
            self.dismiss(typed)
            return
        found = self._under()
        if found is not None and found.is_file():
            self.dismiss(found)
        elif found is not None:
            self.action_complete()
        else:
            self.say("There is no such file.", tone="bad")


def beginning_with(typed: str) -> list[Path]:
    """Folders and papers whose path begins as typed, folders first; what may not be read is left out."""
    path = Path(typed).expanduser()
    folder, start = (path, "") if typed.endswith("/") else (path.parent, path.name.lower())
    try:
        named = [each for each in folder.iterdir() if each.name.lower().startswith(start)]
        seen = [each for each in named if start.startswith(".") or not each.name.startswith(".")]
        found = [(not each.is_dir(), each.name.lower(), each) for each in seen]
    except OSError:
        return []
    papers = [each for is_file, _, each in sorted(found) if not is_file or each.suffix.lower() in PAPERS]
    return papers[:MAX_LISTED]


def _name(path: Path) -> str:
    return f"{path.name}/" if path.is_dir() else path.name

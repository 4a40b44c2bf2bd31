"""A list to walk through with the arrows: each line has a key of its own, a mark, words and a dim remark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.latin import latin


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a list. `tone` is a style of the mark; an item that cannot be chosen is a heading."""

    id: str
    words: str
    remark: str = ""
    mark: str = ""
    tone: str = ""
    choosable: bool = True


class Rows(OptionList):
    """A list whose cursor stays where it was when it is filled again; in class `short`, its lines are never folded."""

    def fill(self, items: Sequence[Item]) -> None:
        """Show these lines."""
        at = self.current()
        self.clear_options()
        short = self.has_class("short")
        self.add_options([Option(_line(each, short=short), id=each.id, disabled=not each.choosable) for each in items])
        ids = [each.id for each in items if each.choosable]
        wanted = at if at in ids else next(iter(ids), None)
        self.highlighted = None if wanted is None else self.get_option_index(wanted)

    def current(self) -> str:
        """The line under the cursor; empty where there is none."""
        if self.highlighted is None or self.highlighted >= self.option_count:
            return ""
        return self.get_option_at_index(self.highlighted).id or ""

    def go(self, wanted: str) -> None:
        """Put the cursor on a line."""
        self.highlighted = self.get_option_index(wanted)


def _line(item: Item, *, short: bool) -> Text:
    text = Text(no_wrap=short, overflow="ellipsis" if short else "fold")
    if item.mark:
        text.append(f"{item.mark} ", style=item.tone or "dim")
    text.append(latin(item.words), style="" if item.choosable else "bold")
    if item.remark:
        text.append(f"  {latin(item.remark)}", style="dim")
    return text

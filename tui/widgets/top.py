"""The line on top: which centre, counter and operator, what is simulated, and the time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from rich.text import Text
from textual.widget import Widget

from tui.latin import latin

if TYPE_CHECKING:
    from tui.app import SanadConsole

TICK_S: Final = 10.0
_SIMULATED: Final = "black on yellow"
_BAD: Final = "white on red"


def _marks(app: SanadConsole) -> list[Text]:
    """What is simulated and which devices cannot be used, from the longest way to say it to the shortest."""
    simulated, troubles = app.simulated(), app.watching.troubles()
    if not simulated and not troubles:
        return [Text()]
    bad = [" " + ", ".join(f"{name}: {status.value}" for name, status in troubles) + " " if troubles else ""]
    bad += [" ! " + ", ".join(name for name, _ in troubles) + " ", " ! devices "] if troubles else []
    said = [f" SIMULATED: {', '.join(simulated)} ", " SIMULATED "] if simulated else [""]
    ways = [(said[0], bad[0]), *((said[-1], each) for each in bad)]
    return [Text.assemble((told, _SIMULATED), (wrong, _BAD), end="") for told, wrong in ways]


class Top(Widget):
    """One line, drawn anew when somebody signs in and as time passes."""

    def on_mount(self) -> None:
        """Let the time pass."""
        self.set_interval(TICK_S, self.refresh)

    def render(self) -> Text:
        """Centre and counter on the left, who and when on the right; what is simulated stands out between them."""
        app = cast("SanadConsole", self.app)
        rules = app.desk.centre.rules
        left = Text(f" Sanad  {rules.code}", style="bold", end="")
        right = Text(end="")
        if app.session is not None:
            left.append(f"  counter {app.session.counter}", style="not bold")
            right.append(f"{latin(app.operator_name)} ({app.session.role.value})  ")
        right.append(app.desk.local_time())
        right.append(" ")
        room = self.size.width - left.cell_len - right.cell_len
        mark = next((each for each in _marks(app) if each.cell_len < room), Text(" ! ", style=_BAD, end=""))
        before = max((room - mark.cell_len) // 2, 0)
        return Text.assemble(left, " " * before, mark, " " * max(room - before - mark.cell_len, 0), right, end="")

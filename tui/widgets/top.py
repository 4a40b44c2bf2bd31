"""The line on top: which centre, counter and operator, what is simulated, and the time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from rich.text import Text
from textual.widget import Widget

from tui.latin import latin

if TYPE_CHECKING:
    from tui.app import SanadConsole

TICK_S: Final = 10.0


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
        simulated = app.simulated()
        mark = Text(f" SIMULATED: {', '.join(simulated)} ", style="black on yellow", end="") if simulated else Text()
        room = self.size.width - left.cell_len - right.cell_len
        if mark.cell_len > room - 1:
            mark = Text(" SIMULATED ", style="black on yellow", end="")
        before = max((room - mark.cell_len) // 2, 0)
        return Text.assemble(left, " " * before, mark, " " * max(room - before - mark.cell_len, 0), right, end="")

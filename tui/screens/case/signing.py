"""A citizen signs: what they sign stands on the left, their strokes appear on the right as they come.

On a pad with a screen the citizen reads, accepts and clears there; the counter can only cancel. A pen without one shows
nothing: then the citizen reads here, and the operator accepts, clears and cancels for them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Static

from appliance.access.session import Session
from appliance.journal.errors import SanadError
from devices.contracts import CaptureEnd, CaptureOutcome, PadCapability, Signature, SignaturePad, SigningScreen
from tui.keymap import bound
from tui.latin import latin
from tui.screens.base import DeskScreen
from tui.widgets.ink import Ink
from tui.work import Answered

_BY_ITSELF = frozenset({"accept_ink", "clear_ink"})
"""What the counter does where the pad has no screen."""


class Signing(DeskScreen[str]):
    """One signature, from showing what is signed to sealing it; dismissed with what is to be said of it.

    Args:
        pad: what the citizen signs on.
        shown: what they sign, as a pad of that kind shows it; asked beside the screen.
        words: the same for this screen, line by line, as whole as there is room for.
        keep: seals and keeps a signature that was accepted.
        kept: what is said then.
    """

    HEADING = "The citizen signs"
    TAKES_CODES = False
    HELP = (
        "Let the citizen read what they sign, then sign. On a pad with a screen they accept, clear and cancel there. "
        "Where the pad has no screen, turn this screen to them: F10 accepts what is written, Delete clears it for "
        "another try. Esc ends it without a signature. A pad pulled out meanwhile makes what was written void."
    )
    BINDINGS: ClassVar[list[BindingType]] = bound("accept_ink", "clear_ink", leave="Cancel")

    def __init__(
        self,
        pad: SignaturePad,
        shown: Callable[[PadCapability], SigningScreen],
        words: tuple[str, ...],
        keep: Callable[[Session, Signature], object],
        kept: str,
    ) -> None:
        super().__init__()
        self._pad = pad
        self._shown = shown
        self._words = words
        self._keep = keep
        self._kept = kept
        self._has_screen: bool | None = None
        self._signature: Signature | None = None
        self._cancelled, self._accepted, self._cleared = threading.Event(), threading.Event(), threading.Event()

    def body(self) -> ComposeResult:
        """What is signed, and the ink."""
        with Horizontal(id="sides"):
            with VerticalScroll(id="signed"):
                yield Static(latin("\n".join(self._words)), markup=False)
            yield Ink()

    def on_mount(self) -> None:
        """Let the citizen sign."""
        self.query_one("#signed").focus()
        self.say("Looking for the pad …")
        self.run(self._capture, self._ended, self._could_not)

    def on_unmount(self) -> None:
        """Nobody waits for a signature whose screen is gone."""
        self._cancelled.set()

    def _capture(self) -> CaptureOutcome:
        ink, capability = self.query_one(Ink), self._pad.capability()
        ink.on_pad(capability)
        self.post_message(Answered(lambda: self._begun(has_screen=capability.has_screen)))
        return self._pad.capture(
            self._shown(capability),
            seen=ink.add,
            erased=ink.erase,
            cancelled=self._cancelled,
            accepted=self._accepted,
            cleared=self._cleared,
        )

    def _begun(self, *, has_screen: bool) -> None:
        self._has_screen = has_screen
        self.refresh_bindings()
        if has_screen:
            self.say("The citizen reads and signs on the pad, and taps Accept there.")
        else:
            self.say("The citizen reads here, and signs with the pen. F10 when they are done.")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Accepting and clearing are the citizen's where the pad has a screen."""
        del parameters
        again = action == "accept_ink" and self._signature is not None
        return again or self._has_screen is False if action in _BY_ITSELF else True

    def action_accept_ink(self) -> None:
        """The citizen is done; where they were done before and nobody was signed in, it is kept now."""
        if self._signature is not None:
            self._seal(self._signature)
        elif self.query_one(Ink).is_empty:
            self.say("Nothing is written yet.", tone="warning")
        else:
            self._accepted.set()

    def action_clear_ink(self) -> None:
        """The citizen begins anew."""
        self._cleared.set()

    def action_leave(self) -> None:
        """No signature."""
        if self._signature is not None:
            self.dismiss("The signature was not kept. Ask the citizen to sign again.")
            return
        self._cancelled.set()
        self.say("Ending …")

    def _ended(self, outcome: CaptureOutcome) -> None:
        signature = outcome.signature
        if outcome.end is not CaptureEnd.ACCEPTED or signature is None:
            self.dismiss(f"{outcome.sentence} {outcome.next_step}".strip())
            return
        self._signature = signature
        self._seal(signature)

    def _seal(self, signature: Signature) -> None:
        def sealed(_: object) -> None:
            self.dismiss(self._kept)

        self.say("Sealing …")
        # Should the session be over, only this is done again: the citizen has signed.
        self.act(lambda session: self._keep(session, signature), sealed, self._could_not)

    def _could_not(self, error: SanadError) -> None:
        self.dismiss(f"{error.sentence} {error.next_step}".strip())

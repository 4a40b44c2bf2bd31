"""A certificate to be signed: what it says, its page, and whose key signs it; signed after it was looked at."""

from __future__ import annotations

from typing import ClassVar, Literal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Static

from appliance.access.session import Session
from appliance.casework import issuing, signatures
from appliance.casework.issuing import Issued, Prepared, ShownOtherwise
from appliance.casework.key_opening import MAX_PINS, opened, tries_left
from appliance.certificates.record import is_date
from appliance.certificates.signer import DocumentSigner
from appliance.journal.errors import SanadError
from appliance.journal.ids import EntityId
from tui.keymap import bound
from tui.latin import latin
from tui.screens.base import DeskScreen
from tui.screens.mykeys import make_key
from tui.screens.picture import ShowPicture
from tui.widgets.editing import Entered
from tui.widgets.line import Line
from tui.widgets.picture import braille
from tui.widgets.row import Row
from tui.words import IDENTITY_KINDS, day

OFFICER_SIGNS = "You sign this certificate by your own key. Read it, look at its page, then type your PIN."
CENTRE_SEALS = "This certificate is sealed by the centre, and says so. F10 issues it."


class IssueCertificate(DeskScreen[str]):
    """What will be signed, on the left in words, on the right as the page; below, the PIN."""

    HEADING = "Sign and issue the certificate"
    HELP = (
        "On the left stands what the certificate says, on the right its page; Ctrl+V shows that large. Exactly this is "
        "signed: where somebody else was quicker with the number, it is shown to you again. The code on the shown page "
        "is empty; the good one is on what is printed."
    )
    BINDINGS: ClassVar[list[BindingType]] = bound("view_page", "let_centre_seal", "make_key", finish="Sign, issue")

    def __init__(self, application: EntityId) -> None:
        super().__init__()
        self._application = application
        self._prepared: Prepared | None = None
        self._picture = b""

    def body(self) -> ComposeResult:
        """The words, the page, and the PIN."""
        yield Static("", id="standing")
        with Horizontal(id="sides"):
            with VerticalScroll(id="facts"):
                yield Static("Making the certificate …", id="words")
            with Vertical(id="scans"):
                yield Static("", id="picture")
        yield Row("PIN of your key", Line(id="pin", password=True, max_length=100))

    def on_mount(self) -> None:
        """Make it."""
        self.query_one(Row).display = False
        self.query_one("#facts").focus()
        self._prepare()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The centre's seal in place of the own key, or a key where there is none."""
        del parameters
        by_officer = self._prepared is not None and self._prepared.sealed_by == "officer"
        if action == "let_centre_seal":
            return by_officer
        return self._prepared is not None and not by_officer if action == "make_key" else True

    def _prepare(self, *, by_centre: bool = False, said: str = "") -> None:
        """Make the certificate, to be looked at."""
        centre, draw = self.desk_app.desk.centre, self.desk_app.desk.draw_signature
        store = centre.store

        def make(session: Session) -> tuple[Prepared, bytes, int | None]:
            taken = signatures.signatures_of(store, self._application)
            drawn = draw(store.open_blob(taken[-1].digest)) if taken and draw is not None else None
            made = self.make(session, drawn, "centre" if by_centre else None)
            left = tries_left(store, session) if made.sealed_by == "officer" else None
            return made, made.picture(), left

        self.act(make, lambda found: self._show(*found, said), self._cannot)

    def make(self, session: Session, drawn: bytes | None, sealed_by: Literal["centre"] | None) -> Prepared:
        """Prepare it."""
        centre = self.desk_app.desk.centre
        return issuing.prepare(centre, session, self._application, signature_png=drawn, sealed_by=sealed_by)

    def sign(self, session: Session, prepared: Prepared, signer: DocumentSigner | None) -> Issued:
        """Sign exactly that, and commit it."""
        return issuing.issue(self.desk_app.desk.centre, session, self._application, prepared=prepared, signer=signer)

    def _cannot(self, error: SanadError) -> None:
        self.query_one("#words", Static).update("")
        self.failed(error)

    def _show(self, made: Prepared, picture: bytes, left: int | None, said: str) -> None:
        self._prepared, self._picture = made, picture
        by_officer = made.sealed_by == "officer"
        how = "signed by you" if by_officer else "sealed by the centre"
        self.head(f"{made.title} {made.record.number}: to be {how}")
        self.query_one("#standing", Static).update(_standing(made))
        self.query_one("#words", Static).update(_facts(made))
        row = self.query_one(Row)
        row.display = by_officer
        if by_officer:
            row.query_one(Line).focus()
        else:
            self.query_one("#facts").focus()
        self.say(said or _warning(left), tone="warning")
        self.refresh_bindings()
        self.call_after_refresh(self._draw)

    def on_resize(self) -> None:
        """Draw the page anew."""
        self._draw()

    def _draw(self) -> None:
        if self._picture:
            room = self.query_one("#scans").size
            self.query_one("#picture", Static).update(braille(self._picture, room.width, max(room.height, 1)))

    def action_view_page(self) -> None:
        """The page, large."""
        if self._picture:
            self.app.push_screen(ShowPicture("The page that will be signed; its code is empty here", self._picture))

    def action_let_centre_seal(self) -> None:
        """Prepare it for the centre's seal."""
        self._prepare(by_centre=True, said="Now it will be sealed by the centre, and says so. F10 issues it.")

    def action_make_key(self) -> None:
        """Make a key; this certificate can be sealed by the centre meanwhile."""
        make_key(self, lambda words: self.say(f"{words} This one is sealed by the centre: F10.", tone="good"))

    @on(Entered)
    def action_finish(self) -> None:
        """Sign what is shown."""
        prepared = self._prepared
        if prepared is None:
            return
        line = self.query_one("#pin", Line)
        pin = line.value
        if prepared.sealed_by == "officer" and not pin:
            self.say("Type the PIN of your key; or let the centre seal, with Ctrl+X.", tone="warning")
            line.focus()
            return
        line.put("")
        centre = self.desk_app.desk.centre

        def issue(session: Session) -> Issued:
            if prepared.sealed_by == "centre":
                return self.sign(session, prepared, None)
            with opened(centre, session, pin) as signer:
                return self.sign(session, prepared, signer)

        def done(made: Issued) -> None:
            how = "signed by you" if prepared.sealed_by == "officer" else "sealed by the centre"
            self.dismiss(f"Issued: certificate {made.number}, {how}.")

        self.say("Signing …" if prepared.sealed_by == "officer" else "Sealing …")
        self.act(issue, done, self._refused)

    def _refused(self, error: SanadError) -> None:
        if isinstance(error, ShownOtherwise):
            # Looked at again before anything is signed.
            self._prepare(said=f"{error.sentence} {error.next_step}")
            return
        self.failed(error)
        if self.query_one(Row).display:
            self.query_one("#pin").focus()

    def action_leave(self) -> None:
        """Issue nothing."""
        self.dismiss(None)


def _warning(left: int | None) -> str:
    """What to say of tries that went wrong before."""
    return "" if left is None or left == MAX_PINS else f"Wrong PINs were given before: {left} tries are left."


def _standing(made: Prepared) -> Text:
    """Whose key signs it, and what to know of it."""
    if made.sealed_by == "officer":
        return Text(f"{OFFICER_SIGNS} {made.says}".rstrip())
    return Text(f"{CENTRE_SEALS} {made.says}".rstrip())


def _facts(made: Prepared) -> RenderableType:
    """What the certificate says, in words."""
    record = made.record
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    rows = [("Number", record.number), ("Case", record.tracking), ("Issued", day(record.issued_on))]
    if record.expires_on is not None:
        rows.append(("Valid until", day(record.expires_on)))
    if record.replaces:
        rows.append(("In place of", record.replaces))
    if record.document is not None:
        pages = f"{record.document.pages} page{'s' * (record.document.pages != 1)}"
        rows.append(("Copy of", f"{record.document.kind.replace('_', ' ')}, {pages}, on the pages behind"))
    rows.append(("Holder", record.holder.name))
    if record.holder.identity_number_shown:
        kind = record.holder.identity_kind
        rows.append((IDENTITY_KINDS.get(kind, kind), record.holder.identity_number_shown))
    if record.holder.born:
        rows.append(("Born", day(record.holder.born)))
    rows += [
        (each.label.get("en", ""), day(each.value) if is_date(each.value) else each.value) for each in record.facts
    ]
    for label, value in (*rows, ("Approved by", record.attested_by.name)):
        table.add_row(Text(latin(label)), Text(latin(value)))
    return Group(Text(latin(made.title), style="bold"), table)

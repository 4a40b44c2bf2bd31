"""The desk: everything that this role does, with how much of it waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from textwrap import shorten
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import OptionList, Static

from appliance.access.session import Role, Session
from appliance.casework.centre import Centre
from appliance.casework.conflicts import open_conflicts
from appliance.casework.drafts import DraftForm, SavedDraft, drafts_of
from appliance.casework.officer_keys import standing
from appliance.casework.printing import open_prints
from appliance.casework.queries import contested
from appliance.casework.tokens import Token, token_at
from appliance.catalogue import Service
from appliance.store.carried import Carried, carried
from tui.keymap import KEYS, bound, shown
from tui.screens import pending
from tui.screens.base import DeskScreen
from tui.screens.dialogs import Pick
from tui.screens.lists import LISTS, Cases
from tui.screens.takingin import TakingIn
from tui.widgets.choice import Option
from tui.widgets.rows import Item, Rows
from tui.widgets.table import MAX_ROWS
from tui.words import moment

_DOES: dict[Role, tuple[str, ...]] = {
    Role.OPERATOR: (
        "new_application",
        "tokens",
        "drafts",
        "returned",
        "waiting",
        "to_hand_over",
        "prints",
        "from_slip",
        "overdue",
        "find",
        "people",
        "money",
        "devices",
        "sign_out",
    ),
    Role.OFFICER: (
        "review",
        "waiting",
        "to_issue",
        "overdue",
        "appeals",
        "waivers",
        "complaints",
        "questioned",
        "unsupported",
        "from_central",
        "my_keys",
        "find",
        "people",
        "devices",
        "sign_out",
    ),
    Role.SUPERVISOR: (
        "money",
        "waivers",
        "complaints",
        "questioned",
        "overdue",
        "unsupported",
        "from_central",
        "prints",
        "slips",
        "tokens",
        "find",
        "devices",
        "sign_out",
    ),
    Role.AUDITOR: ("overdue", "unsupported", "find", "sign_out"),
}
"""What each role does, by the names of actions."""
_DESK_WORK = (
    *("people", "drafts", "prints", "from_slip", "slips", "waivers", "complaints"),
    *("my_keys", "from_central", "devices", "refresh"),
)


LOOK_EVERY_S: Final = 15.0
MAX_WHY: Final = 156
"""Characters of why a box is in quarantine: two lines; `sanad sync status` has all."""


class Home(DeskScreen[None]):
    """What an operator sees between two citizens."""

    HEADING = "At the desk"
    HELP = "Choose what to do with the arrows and Enter, or by its key."
    BINDINGS: ClassVar[list[BindingType]] = bound(
        "new_application", "review", "tokens", "find", "money", hidden=(*_DESK_WORK, *LISTS)
    )

    def body(self) -> ComposeResult:
        """Who is called, and the list of what can be done."""
        yield Static("", id="called", markup=False)
        yield Static("", id="carried", markup=False)
        yield Rows(id="menu", classes="short")

    @property
    def role(self) -> Role:
        """What is signed in."""
        session = self.desk_app.session
        return Role.AUDITOR if session is None else session.role

    def on_mount(self) -> None:
        """Show the list, and look again now and then at how carrying it to central stands."""
        self.query_one(Rows).focus()
        self.set_interval(LOOK_EVERY_S, self._look_at_link)

    def _look_at_link(self) -> None:
        if self.is_current and self.desk_app.session is not None:
            store = self.desk_app.desk.centre.store
            self.act(lambda _: carried(store), self._show_carried)

    def on_screen_resume(self) -> None:
        """Back at the desk: read anew what waits."""
        self.look_again()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what this role does."""
        del parameters
        return action in _DOES[self.role] if any(action in each for each in _DOES.values()) else True

    def look_again(self) -> None:
        """Read what waits."""
        centre = self.desk_app.desk.centre
        if self.desk_app.session is None:
            return

        lists = {name: found for name, found in LISTS.items() if name in _DOES[self.role]}

        renew = self.desk_app.desk.renew

        def read(session: Session) -> tuple[dict[str, int], Token | None, str, Carried, Centre]:
            now = centre if renew is None else renew(centre)
            counts = {name: len(found.read(centre, session, 0)) for name, found in lists.items()}
            counts["drafts"] = len(drafts_of(centre.store, session))
            if "from_central" in _DOES[self.role]:
                counts["from_central"] = len(open_conflicts(centre.store)) + len(contested(now))
            counts["prints"] = len(open_prints(centre.store))
            how = standing(centre.store, session)
            own_key = how.says if how.has_keys else ""
            return counts, token_at(centre, session), own_key, carried(centre.store), now

        self.act(read, lambda found: self._show(*found))

    action_refresh = look_again

    def _show(self, counts: dict[str, int], called: Token | None, own_key: str, sent: Carried, centre: Centre) -> None:
        self._renew(centre)
        self.desk_app.token = called
        words = f"At your counter: {called.ticket}. F2 begins the application." if called is not None else own_key
        self.query_one("#called", Static).update(words)
        self._show_carried(sent)
        items = []
        for action in _DOES[self.role]:
            full = "+" if counts.get(action, 0) >= MAX_ROWS else ""
            count = f" ({counts[action]}{full})" if counts.get(action) else ""
            key = KEYS[action]
            items.append(Item(action, f"{shown(key.keys):<8}{key.label + count:<20}", key.help))
        self.query_one(Rows).fill(items)

    def _renew(self, centre: Centre) -> None:
        """Work on by what central ordered meanwhile: for what is begun from here on."""
        desk = self.desk_app.desk
        if centre is not desk.centre:
            self.desk_app.desk = replace(desk, centre=centre)
            self.say("Central's orders changed the services or settings of this centre; they hold from now on.")

    def _show_carried(self, sent: Carried) -> None:
        """In one line whether all is at central, and if not, what to do; in quarantine why, too."""
        strip = self.query_one("#carried", Static)
        now = self.desk_app.desk.centre.store.clock()
        why = "" if sent.quarantine is None else shorten(sent.quarantine.words, MAX_WHY, placeholder=" …")
        strip.update("\n".join(filter(None, (sent.words(now), why))))
        strip.set_class(not sent.well(now), "bad")

    @on(OptionList.OptionSelected)
    async def _chosen(self, event: OptionList.OptionSelected) -> None:
        await self.run_action(str(event.option_id))

    def action_leave(self) -> None:
        """Leaving the desk is signing out, which has a key of its own."""
        self.say("Sign out with F12.")

    def action_new_application(self) -> None:
        """Choose a service, and begin."""
        desk = self.desk_app.desk
        services = [
            Option(each.id, each.title.en, each.department.en) for each in desk.centre.catalogue.services.values()
        ]
        called = self.desk_app.token

        def chosen(service: str | None) -> None:
            if service is not None:
                self._begin(DraftForm(desk.store.new_id(), service, token="" if called is None else called.ticket))

        self.app.push_screen(Pick("Which service?", services, "" if called is None else called.service), chosen)

    def action_drafts(self) -> None:
        """Go on with a draft."""
        centre = self.desk_app.desk.centre

        def found(drafts: list[SavedDraft]) -> None:
            if not drafts:
                self.say("You have no drafts.")
                return
            options = [_draft_option(each, centre.catalogue.services, moment(centre, each.saved_at)) for each in drafts]
            forms = {str(each.form.id): each.form for each in drafts}
            self.app.push_screen(Pick("Go on with which draft?", options), lambda it: self._go_on(forms, it))

        self.act(lambda session: drafts_of(centre.store, session), found)

    def _go_on(self, forms: Mapping[str, DraftForm], wanted: str | None) -> None:
        if wanted is not None:
            self._begin(forms[wanted])

    def _open_list(self, name: str) -> None:
        self.app.push_screen(Cases(name))

    def action_review(self) -> None:
        """What waits for an officer."""
        self._open_list("review")

    def action_returned(self) -> None:
        """What was sent back."""
        self._open_list("returned")

    def action_waiting(self) -> None:
        """What other offices have."""
        self._open_list("waiting")

    def action_to_issue(self) -> None:
        """What is approved."""
        self._open_list("to_issue")

    def action_to_hand_over(self) -> None:
        """What is issued."""
        self._open_list("to_hand_over")

    def action_overdue(self) -> None:
        """What should have been ready."""
        self._open_list("overdue")

    def action_appeals(self) -> None:
        """Appeals."""
        self._open_list("appeals")

    def action_questioned(self) -> None:
        """What is asked about certificates."""
        self._open_list("questioned")

    def action_unsupported(self) -> None:
        """What leans on what was withdrawn."""
        self._open_list("unsupported")

    def action_my_keys(self) -> None:
        """The officer's own key."""
        from tui.screens.mykeys import MyKeys

        self.app.push_screen(MyKeys())

    def action_from_slip(self) -> None:
        """Enter what was taken on paper."""
        pending.from_slip(self, self._begin)

    def _begin(self, form: DraftForm) -> None:
        self.app.push_screen(TakingIn(form))

    def action_slips(self) -> None:
        """Set numbers aside."""
        pending.reserve(self)

    def action_waivers(self) -> None:
        """Decide on waivers."""
        pending.waivers(self)

    def action_from_central(self) -> None:
        """Settle what central's orders left to people."""
        pending.from_central(self)

    def action_complaints(self) -> None:
        """Answer complaints."""
        pending.complaints(self)

    def action_prints(self) -> None:
        """Say what became of prints that nobody knows about."""
        from tui.printing import settle_prints

        settle_prints(self)

    def action_find(self) -> None:
        """Find anything."""
        from tui.screens.find import Find

        self.app.push_screen(Find())

    def action_tokens(self) -> None:
        """The queue."""
        from tui.screens.tokens import Tokens

        self.app.push_screen(Tokens())

    def action_people(self) -> None:
        """Find and correct people."""
        from tui.screens.people import People

        self.app.push_screen(People())

    def action_devices(self) -> None:
        """How the devices of this counter are."""
        from tui.screens.devices import DeviceList

        self.app.push_screen(DeviceList())

    def action_money(self) -> None:
        """Drawers and the day's statement."""
        from tui.screens.money import Money

        self.app.push_screen(Money())


def _draft_option(draft: SavedDraft, services: Mapping[str, Service], saved: str) -> Option:
    service = services.get(draft.form.service)
    title = draft.form.service if service is None else service.title.en
    names = [value for name, value in draft.form.answers.items() if name.endswith("name") and value]
    return Option(draft.form.id, f"{title}{f', {names[0]}' if names else ''}", f"saved {saved}")

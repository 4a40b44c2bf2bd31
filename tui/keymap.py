"""The keys, by the name of what they do. One table: the bindings, the bar at the foot and the help are read from it.

Everything is reached by keys alone. Function keys do what an operator does all day; where a terminal keeps a function
key for itself, the second key of the same row does it. A node may give an action other keys (`[console.keys]` in
`node.toml`); names that are not here are refused where that file is read. Keys that edit text (arrows, Home, End,
Backspace, Delete) belong to the fields and are not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual.binding import Binding, BindingType


@dataclass(frozen=True, slots=True)
class Key:
    """What one action is reached by. `keys` as Textual writes them, the first one shown; `label` stands in the bar."""

    action: str
    keys: str
    label: str
    help: str


_TABLE: Final = (
    # Everywhere
    Key("help", "f1", "Help", "The keys of this screen, and what the field with the cursor wants."),
    Key("leave", "escape", "Back", "Leave this screen. Nothing typed is lost: an application stays as a draft."),
    Key("sign_out", "f12,ctrl+o", "Sign out", "End the session; drafts stay."),
    Key("quit", "ctrl+q", "Quit", "End the console. Drafts stay."),
    # From the desk
    Key("new_application", "f2,ctrl+n", "New", "Begin an application."),
    Key("find", "f3,ctrl+f", "Find", "A case or a person, by name, number, date, phone."),
    Key("tokens", "f4", "Tokens", "Hand out tokens, call the next one."),
    Key("refresh", "f5", "Refresh", "Read this list again."),
    Key("drafts", "f7", "Drafts", "Go on with what you began."),
    Key("people", "p", "People", "Find, add, correct; identity seen."),
    Key("money", "f9", "Money", "Shifts and drawers; the statement of the day."),
    Key("devices", "d", "Devices", "How this counter's devices are."),
    # Lists, from the desk
    Key("review", "f6,r", "Review", "Cases that wait for an officer."),
    Key("returned", "b", "Returned", "Cases that were sent back to the counter."),
    Key("waiting", "w", "Waiting outside", "Cases that another office has."),
    Key("to_issue", "i", "To issue", "Approved; the certificate is to be signed."),
    Key("to_hand_over", "h", "Hand over", "Issued; the citizen may have it."),
    Key("overdue", "o", "Overdue", "What should have been ready before today."),
    Key("prints", "l", "Look at paper", "Prints of which nobody said what became of them."),
    Key("from_slip", "s", "From a slip", "Enter what was taken on paper while there was no power."),
    Key("slips", "s", "Slips", "Set numbers aside for a day without power."),
    Key("waivers", "e", "Waivers", "Fees that are asked to be waived."),
    Key("complaints", "c", "Complaints", "Complaints that nobody has answered."),
    Key("appeals", "a", "Appeals", "Appeals that you may decide."),
    Key("questioned", "k", "Certificates", "Certificates that somebody asked to be corrected or revoked."),
    Key("from_central", "g", "From central", "What central ordered and only people can settle."),
    Key("my_keys", "m", "My key", "The key by which you sign certificates: make one, renew it, end it."),
    Key("unsupported", "u", "Unsupported", "What leans on an attestation that was withdrawn."),
    # Filling
    Key("step_back", "f7,ctrl+p", "Previous", "The page before this one."),
    Key("step_on", "f8,ctrl+n", "Next", "The next page. Enter on the last field of a page does the same."),
    Key("finish", "f10,ctrl+s", "Finish", "Do what this screen is for: save, take, submit, decide."),
    Key("undo", "ctrl+z", "Undo", "Take back the last change in this field."),
    Key("show_list", "space", "List", "Show all that a field can be, with the meaning of each."),
    Key("discard", "ctrl+d", "Discard", "Throw this draft away; you are asked for a reason first."),
    # Papers
    Key("add_paper", "ctrl+a", "Add paper", "Add a file as the paper under the cursor."),
    Key("scan_paper", "ctrl+e", "Scan", "Scan the paper under the cursor with this counter's scanner."),
    Key("photograph", "ctrl+k", "Photo", "Photograph the paper under the cursor with this counter's camera."),
    Key("view_paper", "ctrl+v", "View", "Show the paper large; + and - zoom, arrows move."),
    # A signature
    Key("accept_ink", "f10,ctrl+s", "Accept", "The citizen is done: take what they wrote."),
    Key("clear_ink", "delete,ctrl+d", "Clear", "The citizen begins anew."),
    # A person
    Key("add_person", "f2,ctrl+n", "Add", "Write down somebody who is not here yet."),
    Key("correct_person", "ctrl+e", "Correct", "Correct what is written of this person, with a reason."),
    Key("verify_person", "ctrl+v", "Identity seen", "Say that you saw this person's identity paper, and which."),
    Key("merge_person", "ctrl+g", "Same person", "Say that two records are one person."),
    # Review
    Key("act", "f10,ctrl+s", "What to do", "Everything that can be done with this case now, as a list."),
    Key("attest", "ctrl+t", "Attest", "Attest facts or a paper after seeing the original."),
    Key("approve", "ctrl+y", "Approve", "Approve this case."),
    Key("send_back", "ctrl+b", "Return", "Return this case to the counter, with what is missing."),
    Key("reject", "ctrl+r", "Reject", "Reject this case, with the reason and where to appeal."),
    # Signing a certificate
    Key("view_page", "ctrl+v", "Page", "Show the page that will be signed, large; + and - zoom, arrows move."),
    Key("let_centre_seal", "ctrl+x", "Centre seals", "Issue it under the centre's seal, not by your own key."),
    Key("make_key", "f2,ctrl+n", "Make a key", "Make a key of your own, to sign certificates by."),
    Key("end_key", "ctrl+x", "End it", "End the key under the cursor: its PIN is forgotten, its token lost."),
    # Tokens
    Key("issue_token", "f2,ctrl+n", "Hand out", "Hand out a token for a queue."),
    Key("call_next", "f10,ctrl+s", "Call next", "Call the next one to this counter."),
    Key("skip_token", "ctrl+k", "Skip", "Nobody came; the token may be called again by its number."),
    Key("no_show", "ctrl+x", "No show", "The one who was called did not come."),
    Key("served", "ctrl+g", "Served", "Whoever was called has been served, without an application."),
    # Money
    Key("open_shift", "f2,ctrl+n", "Open", "Open a shift with the cash that lies in the drawer."),
    Key("count_shift", "ctrl+t", "Count", "Write down what lies in the drawer now."),
    Key("close_shift", "ctrl+x", "Close", "Close the shift; a difference needs a reason."),
    Key("take_over", "ctrl+g", "Take over", "Take a counted drawer over from another operator."),
    Key("resume_shift", "ctrl+r", "Go on", "Go on at your drawer after you counted it."),
    Key("statement", "f10,ctrl+s", "Day", "The day's statement, by service and by mode."),
)
KEYS: Final = {key.action: key for key in _TABLE}


def bound(*actions: str, hidden: tuple[str, ...] = (), **labels: str) -> list[BindingType]:
    """Bindings of those actions, for a screen.

    Args:
        actions: shown in the bar at the foot.
        hidden: these work and stand in the help, but not in the bar.
        labels: what an action is called on this screen, where that says more than its usual name; shown, too.
    """
    seen = dict.fromkeys((*actions, *labels))
    return [
        Binding(KEYS[each].keys, each, labels.get(each, KEYS[each].label), id=each, show=each in seen)
        for each in dict.fromkeys((*seen, *hidden))
    ]


def shown(key: str) -> str:
    """A key as people write it: `F10`, `Ctrl+S`, `Esc`."""
    key = key.partition(",")[0].strip()
    return "+".join(_SHOWN.get(part, part.title()) for part in key.split("+"))


_SHOWN: Final = {"escape": "Esc", "left": "←", "right": "→", "up": "↑", "down": "↓"}

"""What a centre does less often, by keys: void and refund, waivers, complaints, slips, two records of one person."""

from __future__ import annotations

from appliance.access.session import Role
from appliance.casework import people
from appliance.casework.centre import Centre
from appliance.casework.complaints import complaints_about
from appliance.casework.counting import in_sum
from appliance.casework.exemptions import exemptions_for
from appliance.casework.money import payments_for
from appliance.casework.people import Person
from appliance.casework.shifts import open_shift
from appliance.journal.ids import EntityId
from tests.support.consoles import Hands, signed_in
from tests.tui.test_paper_and_pad import choose
from tests.tui.test_taking_in import citizen, handed_in
from tui.screens.case.file import CaseFile


async def open_case(hands: Hands, case: EntityId, login: str, role: str) -> None:
    """Sign in as somebody, at the case."""
    await hands.sign_in(login, role)
    hands.app.push_screen(CaseFile(case))
    await hands.settle()


async def change_hands(hands: Hands, case: EntityId, login: str, role: str) -> None:
    """Somebody else sits down, at the same case."""
    await hands.press("f12")
    await open_case(hands, case, login, role)


async def pay(hands: Hands, centre: Centre) -> None:
    """Take the fee in cash."""
    session = hands.app.session
    assert session is not None
    open_shift(centre, session, in_sum(0), "PKR")
    await choose(hands, "take the fee")
    await hands.type("cash", "enter")


async def test_a_supervisor_voids_a_receipt_with_a_reason_and_a_second_look(hands: Hands, centre: Centre) -> None:
    case = handed_in(centre, citizen(centre))
    await open_case(hands, case, "omar", "operator")
    await pay(hands, centre)
    await change_hands(hands, case, "sana", "supervisor")
    await choose(hands, "void a receipt")
    await hands.type("taken twice", "enter")
    assert hands.screen == "Confirm"
    await hands.press("enter")
    assert not payments_for(centre.store, case)[0].voided
    await choose(hands, "void a receipt")
    await hands.type("taken twice", "enter")
    await hands.press("y")
    assert "Voided" in hands.said()
    assert payments_for(centre.store, case)[0].voided


async def test_a_supervisor_gives_cash_back_from_an_open_drawer(hands: Hands, centre: Centre) -> None:
    case = handed_in(centre, citizen(centre))
    await open_case(hands, case, "omar", "operator")
    await pay(hands, centre)
    await change_hands(hands, case, "sana", "supervisor")
    await choose(hands, "give money back")
    await hands.type("the office could not serve", "enter")
    assert "Given back" in hands.said()
    (payment,) = payments_for(centre.store, case)
    assert payment.refunded_minor == payment.total_minor


async def test_a_waiver_is_asked_for_at_the_counter_and_decided_by_another(hands: Hands, centre: Centre) -> None:
    case = handed_in(centre, citizen(centre))
    await open_case(hands, case, "omar", "operator")
    await choose(hands, "waived")
    if hands.screen == "Pick":
        await hands.press("enter")
    await hands.type("a widow's card was shown", "enter")
    assert "Asked" in hands.said()
    await hands.press("f12")
    await hands.sign_in("rabia", "officer")
    await hands.type("e")
    assert "Which waiver" in hands.text()
    await hands.press("enter")
    await choose(hands, "decide on waiving")
    await hands.type("waive it", "enter")
    assert "Waived" in hands.said()
    assert [each.status for each in exemptions_for(centre.store, case)] == ["approved"]


async def test_a_complaint_is_written_down_and_answered(hands: Hands, centre: Centre) -> None:
    case = handed_in(centre, citizen(centre))
    await open_case(hands, case, "omar", "operator")
    await choose(hands, "complaint")
    await hands.type("I waited for three hours", "enter")
    assert "written down" in hands.said()
    await hands.press("f12")
    await hands.sign_in("sana", "supervisor")
    await hands.type("c")
    assert "I waited" in hands.text()
    await hands.press("enter")
    await hands.type("A second counter is open now", "enter")
    assert "Answered" in hands.said()
    (complaint,) = complaints_about(centre.store, case)
    assert complaint.answer == "A second counter is open now"


async def test_slips_are_set_aside_by_the_supervisor_and_entered_at_the_counter(hands: Hands) -> None:
    await hands.sign_in("sana", "supervisor")
    await hands.type("s")
    await hands.press("ctrl+u")
    await hands.type("2", "enter")
    slip = next(word for word in hands.text().split() if word.startswith("PEW01-S-"))
    await hands.press("escape", "f12")
    await hands.sign_in("omar")
    await hands.type("s")
    await hands.type(slip, "enter")
    assert "On which day" in hands.text()
    await hands.press("enter")
    await hands.type("domicile", "enter")
    assert hands.screen == "TakingIn"


async def test_two_records_of_one_person_become_one_with_a_reason(hands: Hands, centre: Centre) -> None:
    session = signed_in(centre, "omar", Role.OPERATOR)
    kept = people.add_person(centre.store, session, Person(name="Zarmina Khan", born="1990-01-01"))
    gone = people.add_person(centre.store, session, Person(name="Zarmina Bibi", born="1990-01-01"))
    await hands.sign_in("omar")
    await hands.type("p")
    await hands.type("zarmina bibi")
    await hands.press("ctrl+g")
    assert "An officer or a supervisor" in hands.said()
    await hands.press("escape", "f12")
    await hands.sign_in("rabia", "officer")
    await hands.type("p")
    await hands.type("zarmina bibi")
    await hands.press("ctrl+g", "ctrl+u")
    await hands.type("zarmina khan", "enter")
    assert hands.screen == "Ask"
    await hands.type("the same card was shown for both", "enter")
    assert "one person" in hands.said()
    assert people.person(centre.store, gone).merged_into == kept

"""Signing in and out, and a session that ends while somebody types."""

from __future__ import annotations

from datetime import timedelta

from appliance.access import operators
from appliance.casework.centre import Centre
from tests.support.consoles import Hands
from tests.support.nodes import PASSWORD, SteadyClock


async def test_a_right_password_leads_to_the_desk(hands: Hands) -> None:
    await hands.sign_in("omar")
    assert hands.screen == "Home"
    assert "Omar (operator)" in hands.text()


async def test_a_wrong_password_is_refused_and_not_kept_on_the_screen(hands: Hands) -> None:
    await hands.type("omar", "enter")
    await hands.type("wrong", "enter")
    assert hands.screen == "SignIn"
    assert "do not let you in" in hands.said()
    assert "•" not in hands.text()


async def test_each_role_is_offered_only_what_it_does(hands: Hands) -> None:
    await hands.sign_in("rabia", "officer")
    assert "Begin an application" not in hands.text()
    await hands.press("f2")
    assert hands.screen == "Home"


async def test_signing_out_leaves_nothing_of_the_operator(hands: Hands) -> None:
    await hands.sign_in("omar")
    await hands.press("f12")
    assert hands.screen == "SignIn"
    assert hands.app.session is None
    assert "omar" not in hands.text().lower()


async def test_help_names_the_keys_of_the_screen(hands: Hands) -> None:
    await hands.sign_in("omar")
    await hands.press("f1")
    assert "F2" in hands.text()
    assert "Begin an application" in hands.text()
    await hands.press("escape")
    assert hands.screen == "Home"


async def test_a_session_that_ends_keeps_what_was_typed(hands: Hands, centre: Centre) -> None:
    await hands.sign_in("omar")
    await hands.press("f2")
    await hands.type("domicile", "enter")
    await hands.press("f8")
    clock = centre.store.clock
    assert isinstance(clock, SteadyClock)
    clock.advance(operators.SESSION_FOR + timedelta(minutes=1))
    await hands.type("17301", "f8", "f8")
    assert hands.screen == "SignInAgain"
    await hands.type(PASSWORD, "enter")
    assert hands.screen == "TakingIn"
    await hands.press("escape", "f7")
    assert "Domicile" in hands.text()
    await hands.press("enter", "f8")
    assert "17301" in hands.text()

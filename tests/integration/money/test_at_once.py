"""Several counters in the same moment, each a process of its own on one store: numbers without gaps, tokens once."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Barrier

from appliance.access.session import Role, Session, mint, node_session
from appliance.casework import tokens
from appliance.casework.centre import Centre
from appliance.casework.money import payments_for, take_payment
from appliance.casework.receipt_numbers import is_receipt_number
from appliance.casework.statement import day_statement
from appliance.catalogue import Calendar
from appliance.catalogue.model import Catalogue
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from appliance.store.layout import Layout
from appliance.store.store import Store
from appliance.store.verify import verify_home
from tests.integration.money.conftest import RULES, Till, fee
from tests.support.nodes import SteadyClock, halt

COUNTERS = 4
EACH = 12
TOGETHER_WITHIN_S = 60

Signed = tuple[str, str, str, str]
"""A session as it is told to another process: its identifier, its operator's, counter, and until when."""
Work = Callable[[Centre, Session], list[str]]

_together: list[Barrier] = []


def wait_for_the_others(barrier: Barrier) -> None:
    _together.append(barrier)


def at_counter(home: Path, key: bytes, now: datetime, signed: Signed, work: Work) -> list[str]:
    """Run in a process of its own: open the store, wait until the others have, and work."""
    about, actor, counter, expires_at = signed
    store = Store(Layout(home), key, clock=SteadyClock(now), random=os.urandom, halt=halt)
    centre = Centre(store, Catalogue({}), Calendar(frozenset(), frozenset()), RULES)
    session = mint(id=about, actor=actor, role=Role.OPERATOR, counter=counter, expires_at=expires_at)
    with store.closing():
        _together[0].wait(TOGETHER_WITHIN_S)
        return work(centre, session)


def pay(mode: k.PaymentMode, applications: Sequence[EntityId], centre: Centre, session: Session) -> list[str]:
    """Cash; or by PSID, from a number that is this counter's own."""
    first = int(session.counter) * 10**8
    references = [str(first + n) if mode == "psid" else "" for n in range(len(applications))]
    return [
        take_payment(centre, session, fee(each, mode, reference)).receipt
        for each, reference in zip(applications, references, strict=True)
    ]


def pay_with_one_challan(applications: Sequence[EntityId], centre: Centre, session: Session) -> list[str]:
    paid = []
    for n, each in enumerate(applications):
        try:
            paid.append(take_payment(centre, session, fee(each, "challan", f"CH{n}")).receipt)
        except OperatorError as refused:
            if "has paid before" not in refused.sentence:
                raise
    return paid


def call(centre: Centre, session: Session) -> list[str]:
    called = []
    while (found := tokens.call_next(centre, session)) is not None:
        called.append(found.ticket)
        tokens.serve(centre.store, session, found.id)
    return called


def draw(centre: Centre, session: Session) -> list[str]:
    return [tokens.issue_token(centre, session, queue="domicile").ticket for _ in range(EACH)]


def at_once(till: Till, sessions: Sequence[Session], work: Sequence[Work]) -> list[list[str]]:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(len(work))
    jobs = [
        (till.store.layout.home, till.key, till.clock.now, (each.id, each.actor, each.counter, each.expires_at), does)
        for each, does in zip(sessions, work, strict=True)
    ]
    with context.Pool(len(work), wait_for_the_others, (barrier,)) as pool:
        return pool.starmap(at_counter, jobs, chunksize=1)


def counters(till: Till) -> list[Session]:
    """An operator at each of four counters; at the first three each has a drawer."""
    made = [till.signed_in(("omar", "rabia", "zara", "omar")[n], counter=str(n + 11)) for n in range(COUNTERS)]
    for each in made[:-1]:
        till.drawer(each)
    return made


def test_receipts_taken_at_once_are_numbered_without_gaps(till: Till) -> None:
    sessions = counters(till)
    work = [[till.application() for _ in range(EACH)] for _ in sessions]
    modes: list[k.PaymentMode] = ["cash", "cash", "cash", "psid"]
    found = at_once(till, sessions, [partial(pay, mode, each) for mode, each in zip(modes, work, strict=True)])
    numbers = sorted(number for each in found for number in each)
    assert all(map(is_receipt_number, numbers))
    assert [int(number.split("-")[3]) for number in numbers] == list(range(1, COUNTERS * EACH + 1))
    for given, applications in zip(found, work, strict=True):
        assert [payments_for(till.store, each)[0].receipt for each in applications] == given
    day_statement(till.store, "2026-11-22").sheet("PKR").check()
    assert verify_home(till.store.layout, till.key).ok


def test_a_challan_that_is_shown_at_four_counters_at_once_pays_once(till: Till) -> None:
    work = [[till.application() for _ in range(EACH)] for _ in range(COUNTERS)]
    found = at_once(till, counters(till), [partial(pay_with_one_challan, each) for each in work])
    assert len([number for each in found for number in each]) == EACH


def test_tokens_drawn_at_once_are_numbered_without_gaps(till: Till) -> None:
    found = at_once(till, counters(till), [draw] * COUNTERS)
    assert sorted(ticket for each in found for ticket in each) == [f"A-{n + 1:03d}" for n in range(COUNTERS * EACH)]


def test_two_counters_never_call_the_same_token(till: Till) -> None:
    drawn = [
        tokens.issue_token(till.centre, node_session(), queue="domicile", priority=priority).ticket
        for priority in ["", "elderly", ""] * EACH
    ]
    found = at_once(till, counters(till), [call] * COUNTERS)
    assert sorted(ticket for each in found for ticket in each) == sorted(drawn)

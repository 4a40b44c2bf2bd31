"""Operators: adding them, signing in, lock-out. What Argon2id itself does is tested where it lives (sealing)."""

from __future__ import annotations

import os
import threading
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.access import operators
from appliance.access.operators import (
    LOCKED_FOR,
    MAX_FAILED,
    MAX_OPERATORS,
    SESSION_FOR,
    NewOperator,
    Operator,
    SignInRefused,
)
from appliance.access.session import NotPermitted, Role, Session, SessionOver
from appliance.journal import kinds as k
from appliance.journal.entry import Entry
from appliance.journal.errors import BugError, OperatorError
from appliance.journal.ids import EntityId
from appliance.records.moment import at_text
from appliance.sealing import passphrase
from appliance.store.store import Store
from tests.integration.store.conftest import Bench
from tests.support.nodes import PASSWORD, new_node
from tests.support.pages import holds

NEXT = "eight other rivers"
WRONG = "a password that is wrong"


def check(password: str, stored: str, _: bytes) -> bool:
    """Whether it is the password behind a hash, at no cost."""
    return stored == f"hash of {password}" or (stored.startswith("$argon2id$") and password == PASSWORD)


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords at no cost, for tests of what is done with the answer."""

    def hash_password(password: str, *_: object, **__: object) -> str:
        return f"hash of {password}"

    monkeypatch.setattr(operators, "hash_password", hash_password)
    monkeypatch.setattr(operators, "check_password", check)
    monkeypatch.setattr(operators, "check_nobody", lambda *_: None)


def sign_in(store: Store, password: str = PASSWORD, login: str = "omar", role: Role = Role.OPERATOR) -> Session:
    return operators.sign_in(store, login=login, password=password, role=role, counter="7")


def fail(store: Store, times: int, password: str = WRONG, login: str = "omar") -> None:
    for _ in range(times):
        with pytest.raises(SignInRefused):
            sign_in(store, password, login)


def found(store: Store, login: str = "omar") -> Operator:
    return next(each for each in operators.operators(store) if each.login == login)


def last(store: Store) -> Entry:
    size = store.head().size
    return next(store.entries(size - 1, size))


def body(entry: Entry) -> k.Body | None:
    assert entry.body is not None
    return k.decode_body(entry.header.kind, entry.body)


# Signing in, with real passwords


def test_a_right_password_lets_in_and_is_an_entry(bench: Bench) -> None:
    session = sign_in(bench.store)
    entry = last(bench.store)
    assert (entry.header.by, entry.header.about) == (session.actor, session.id)
    assert body(entry) == k.SessionOpened(role="operator", counter="7", expires_at=at_text(bench.clock() + SESSION_FOR))


def test_a_wrong_password_does_not(bench: Bench) -> None:
    fail(bench.store, 1)
    entry = last(bench.store)
    assert (entry.header.by, entry.header.about) == ("node", bench.operator.actor)
    assert body(entry) == k.SessionRefused(reason="password", counter="7", failed=1)


def test_what_was_typed_is_kept_nowhere(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither a password nor a login that is none: people type the one into the field of the other."""
    typed = ["Qx7-first-canary", "qx7-second-canary", "qx7third\ud800canary"]
    for login, password in ((typed[0], WRONG), (typed[1], typed[0]), (typed[2], typed[1]), ("omar", typed[1])):
        with pytest.raises(SignInRefused) as caught:
            sign_in(bench.store, password, login)
        trace = "".join(traceback.format_exception(caught.value))
        assert not any(each in trace for each in typed)
    bench.store._database.checkpoint()
    for canary in (b"irst-canary", b"econd-canary", b"qx7third"):
        assert not holds(bench.store.layout.database, bench.key, canary)
    assert holds(bench.store.layout.database, bench.key, b"session.refused"), "the pages are read"
    assert "canary" not in "".join(capfd.readouterr())


# One sentence


def refusal(store: Store, login: str, password: str, role: Role) -> str:
    with pytest.raises(SignInRefused) as caught:
        operators.sign_in(store, login=login, password=password, role=role, counter="7")
    return str(caught.value)


@pytest.mark.usefixtures("cheap")
def test_every_refusal_is_the_same_sentence_and_its_own_reason(bench: Bench) -> None:
    rabia = found(bench.store, "rabia")
    operators.change_operator(
        bench.store, bench.supervisor, rabia.id, roles=rabia.roles, active=False, reason="on leave"
    )
    fail(bench.store, MAX_FAILED, login="sana")
    said, why = set(), []
    for login, password, role in (
        ("nobody", PASSWORD, Role.OPERATOR),
        ("not a login at all", PASSWORD, Role.OPERATOR),
        ("omar", WRONG, Role.OPERATOR),
        ("omar", PASSWORD, Role.SUPERVISOR),
        ("omar", PASSWORD, Role.NODE),
        ("rabia", PASSWORD, Role.OPERATOR),
        ("sana", PASSWORD, Role.SUPERVISOR),
    ):
        said.add(refusal(bench.store, login, password, role))
        refused = body(last(bench.store))
        assert isinstance(refused, k.SessionRefused)
        why.append(refused.reason)
    assert len(said) == 1
    assert why == ["unknown", "unknown", "password", "role", "role", "inactive", "locked"]


def test_a_login_that_is_unknown_costs_as_much_as_one_that_is_known(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted, not timed: each try derives one key, at the same cost."""
    derived: list[object] = []
    genuine = passphrase.derive_key

    def derive_key(secret_text: bytes, salt: bytes, cost: passphrase.Cost, *, pepper: bytes | None = None) -> bytes:
        derived.append((cost, len(salt), pepper is not None))
        return genuine(secret_text, salt, cost, pepper=pepper)

    monkeypatch.setattr(passphrase, "derive_key", derive_key)
    for login, password in (("omar", WRONG), ("nobody", WRONG), ("\ud800", WRONG), ("omar", "")):
        fail(bench.store, 1, password, login)
    assert len(derived) == 4
    assert len(set(derived)) == 1


# Lock-out


@pytest.mark.usefixtures("cheap")
def test_an_account_is_locked_after_so_many_wrong_passwords(bench: Bench) -> None:
    fail(bench.store, MAX_FAILED - 1)
    assert not found(bench.store).locked_until
    fail(bench.store, 1)
    assert found(bench.store).locked_until == at_text(bench.clock() + LOCKED_FOR)
    fail(bench.store, 1, PASSWORD)


@pytest.mark.usefixtures("cheap")
def test_a_lock_out_survives_a_restart(bench: Bench) -> None:
    fail(bench.store, MAX_FAILED)
    with bench.reopen().closing() as again:
        again.recover("test")
        fail(again, 1, PASSWORD)
        again.refold()
        fail(again, 1, PASSWORD)


@pytest.mark.usefixtures("cheap")
def test_a_lock_out_ends_by_itself_and_the_next_wrong_password_begins_another(bench: Bench) -> None:
    fail(bench.store, MAX_FAILED)
    bench.clock.advance(LOCKED_FOR - timedelta(milliseconds=1))
    fail(bench.store, 1, PASSWORD)
    bench.clock.advance(timedelta(milliseconds=1))
    fail(bench.store, 1)
    fail(bench.store, 1, PASSWORD)
    bench.clock.advance(LOCKED_FOR)
    sign_in(bench.store)
    assert found(bench.store).failed == 0


@pytest.mark.usefixtures("cheap")
def test_tries_at_a_locked_account_do_not_lengthen_the_lock_out(bench: Bench) -> None:
    fail(bench.store, MAX_FAILED)
    until = found(bench.store).locked_until
    bench.clock.advance(timedelta(minutes=5))
    fail(bench.store, 3)
    assert (found(bench.store).locked_until, found(bench.store).failed) == (until, MAX_FAILED)


@pytest.mark.usefixtures("cheap")
def test_a_supervisor_unlocks(bench: Bench) -> None:
    fail(bench.store, MAX_FAILED)
    omar = found(bench.store).id
    with pytest.raises(NotPermitted):
        operators.unlock(bench.store, bench.officer, omar, "please")
    operators.unlock(bench.store, bench.supervisor, omar, "it was a new keyboard")
    sign_in(bench.store)


@pytest.mark.usefixtures("cheap")
def test_a_success_forgives_what_came_before(bench: Bench) -> None:
    for _ in range(3):
        fail(bench.store, MAX_FAILED - 1)
        sign_in(bench.store)


@pytest.mark.usefixtures("cheap")
def test_a_right_password_for_a_role_that_is_not_theirs_is_no_wrong_password(bench: Bench) -> None:
    for _ in range(MAX_FAILED + 1):
        refusal(bench.store, "omar", PASSWORD, Role.AUDITOR)
    sign_in(bench.store)


@pytest.mark.usefixtures("cheap")
def test_one_account_that_is_locked_locks_no_other(bench: Bench) -> None:
    fail(bench.store, MAX_FAILED)
    fail(bench.store, MAX_FAILED, login="nobody")
    sign_in(bench.store, login="rabia")


def reasons(store: Store, start: int) -> Counter[str]:
    said: Counter[str] = Counter()
    for entry in store.entries(start, store.head().size):
        what = body(entry)
        said[what.reason if isinstance(what, k.SessionRefused) else entry.header.kind] += 1
    return said


@pytest.mark.usefixtures("cheap")
def test_tries_side_by_side_learn_no_more_than_the_bound(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """All passwords are checked before any try is committed; still only so many answers count."""
    tries = 12
    together = threading.Barrier(tries)

    def check_password(password: str, stored: str, pepper: bytes) -> bool:
        right = check(password, stored, pepper)
        together.wait(30)
        return right

    monkeypatch.setattr(operators, "check_password", check_password)
    start = bench.store.head().size
    with ThreadPoolExecutor(tries) as pool:
        list(pool.map(lambda _: fail(bench.store, 1), range(tries)))
    assert reasons(bench.store, start) == {"password": MAX_FAILED, "locked": tries - MAX_FAILED}


@pytest.mark.usefixtures("cheap")
def test_a_right_password_that_was_checked_before_the_lock_out_is_refused_after_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile_locked(password: str, stored: str, pepper: bytes) -> bool:
        monkeypatch.setattr(operators, "check_password", check)
        fail(bench.store, MAX_FAILED)
        return check(password, stored, pepper)

    start = bench.store.head().size
    monkeypatch.setattr(operators, "check_password", meanwhile_locked)
    fail(bench.store, 1, PASSWORD)
    assert reasons(bench.store, start) == {"password": MAX_FAILED, "locked": 1}


@pytest.mark.usefixtures("cheap")
def test_a_password_that_is_changed_while_it_is_checked_does_not_let_in(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile_reset(password: str, stored: str, pepper: bytes) -> bool:
        monkeypatch.setattr(operators, "check_password", check)
        operators.reset_password(bench.store, bench.supervisor, found(bench.store).id, NEXT, os.urandom)
        return check(password, stored, pepper)

    monkeypatch.setattr(operators, "check_password", meanwhile_reset)
    fail(bench.store, 1, PASSWORD)
    assert found(bench.store).failed == 1
    sign_in(bench.store, NEXT)


# Accounts


def test_the_first_supervisor_is_the_only_one_that_nobody_adds(tmp_path: Path) -> None:
    node = new_node(tmp_path / "home")
    first = NewOperator("sana", "Sana", (Role.SUPERVISOR,), PASSWORD)
    with node.store.closing():
        with pytest.raises(BugError):
            operators.add_first_supervisor(
                node.store, NewOperator("sana", "Sana", (Role.OPERATOR,), PASSWORD), os.urandom
            )
        operators.add_first_supervisor(node.store, first, os.urandom)
        size = node.store.head().size
        for login in ("sana", "omar"):
            with pytest.raises(OperatorError):
                operators.add_first_supervisor(
                    node.store, NewOperator(login, "x", (Role.SUPERVISOR,), PASSWORD), os.urandom
                )
        assert node.store.head().size == size
        sign_in(node.store, login="sana", role=Role.SUPERVISOR)


@pytest.mark.usefixtures("cheap")
def test_only_a_supervisor_adds_an_operator(bench: Bench) -> None:
    new = NewOperator("gul", "Gul", (Role.AUDITOR,), PASSWORD)
    for session in (bench.operator, bench.officer):
        with pytest.raises(NotPermitted):
            operators.add_operator(bench.store, session, new, os.urandom)
    operators.add_operator(bench.store, bench.supervisor, new, os.urandom)
    with pytest.raises(OperatorError, match="taken"):
        operators.add_operator(bench.store, bench.supervisor, new, os.urandom)
    assert sign_in(bench.store, login="gul", role=Role.AUDITOR).role is Role.AUDITOR


@pytest.mark.parametrize(
    "new",
    [
        NewOperator("x", "Gul", (Role.OPERATOR,), PASSWORD),
        NewOperator("Gul", "Gul", (Role.OPERATOR,), PASSWORD),
        NewOperator("gul khan", "Gul", (Role.OPERATOR,), PASSWORD),
        NewOperator("gul", " ", (Role.OPERATOR,), PASSWORD),
        NewOperator("gul", "Gul\nKhan", (Role.OPERATOR,), PASSWORD),
        NewOperator("gul", "Gul\ud800", (Role.OPERATOR,), PASSWORD),
        NewOperator("gul", "x" * 201, (Role.OPERATOR,), PASSWORD),
        NewOperator("gul", "Gul", (), PASSWORD),
        NewOperator("gul", "Gul", (Role.OPERATOR, Role.OPERATOR), PASSWORD),
        NewOperator("gul", "Gul", (Role.NODE,), PASSWORD),
        NewOperator("gul", "Gul", (Role.OPERATOR,), "short"),
    ],
    ids=repr,
)
def test_an_unfit_account_is_refused_with_advice(bench: Bench, new: NewOperator) -> None:
    before = bench.state()
    with pytest.raises(OperatorError) as caught:
        operators.add_operator(bench.store, bench.supervisor, new, os.urandom)
    assert caught.value.next_step
    assert bench.state() == before


@pytest.mark.usefixtures("cheap")
def test_a_name_may_be_urdu(bench: Bench) -> None:
    name = "گل‌خان"
    operators.add_operator(
        bench.store, bench.supervisor, NewOperator("gul", name, (Role.OPERATOR,), PASSWORD), os.urandom
    )
    assert found(bench.store, "gul").name == name


@pytest.mark.usefixtures("cheap")
def test_there_is_a_bound_to_operators(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operators, "MAX_OPERATORS", 3)
    assert MAX_OPERATORS > 3
    with pytest.raises(OperatorError, match="at most"):
        operators.add_operator(
            bench.store, bench.supervisor, NewOperator("gul", "Gul", (Role.OPERATOR,), PASSWORD), os.urandom
        )


@pytest.mark.usefixtures("cheap")
def test_the_last_supervisor_stays(bench: Bench) -> None:
    sana = found(bench.store, "sana").id
    before = bench.state()
    for roles, active in (((Role.SUPERVISOR,), False), ((Role.OPERATOR,), True)):
        with pytest.raises(OperatorError, match="Nobody would be supervisor"):
            operators.change_operator(bench.store, bench.supervisor, sana, roles=roles, active=active, reason="x")
    assert bench.state() == before
    operators.change_operator(
        bench.store, bench.supervisor, found(bench.store).id, roles=(Role.SUPERVISOR,), active=True, reason="deputy"
    )
    operators.change_operator(bench.store, bench.supervisor, sana, roles=(Role.SUPERVISOR,), active=False, reason="x")
    with pytest.raises(SessionOver):
        operators.unlock(bench.store, bench.supervisor, found(bench.store).id, "x")


@pytest.mark.usefixtures("cheap")
def test_a_supervisor_who_may_not_sign_in_counts_for_none(bench: Bench) -> None:
    omar, sana = found(bench.store).id, found(bench.store, "sana").id
    operators.change_operator(
        bench.store, bench.supervisor, omar, roles=(Role.SUPERVISOR,), active=False, reason="left"
    )
    with pytest.raises(OperatorError, match="Nobody would be supervisor"):
        operators.change_operator(bench.store, bench.supervisor, sana, roles=(Role.OPERATOR,), active=True, reason="x")


@pytest.mark.usefixtures("cheap")
def test_somebody_who_is_none_of_ours_is_not_changed(bench: Bench) -> None:
    nobody = EntityId("a" * 26)
    before = bench.state()
    for attempt in (
        lambda: operators.unlock(bench.store, bench.supervisor, nobody, "x"),
        lambda: operators.reset_password(bench.store, bench.supervisor, nobody, NEXT, os.urandom),
        lambda: operators.end_sessions(bench.store, bench.supervisor, nobody),
        lambda: operators.change_operator(
            bench.store, bench.supervisor, nobody, roles=(Role.OPERATOR,), active=True, reason="x"
        ),
    ):
        with pytest.raises(OperatorError, match="no such operator"):
            attempt()
    assert bench.state() == before


@pytest.mark.usefixtures("cheap")
def test_an_overlong_reason_is_the_operators_to_shorten(bench: Bench) -> None:
    for reason in ("x" * 4001, "a\x00"):
        with pytest.raises(OperatorError) as caught:
            operators.unlock(bench.store, bench.supervisor, found(bench.store).id, reason)
        assert not isinstance(caught.value, BugError)


# Passwords


@pytest.mark.usefixtures("cheap")
def test_whoever_changes_their_password_gives_the_current_one(bench: Bench) -> None:
    operators.change_password(bench.store, bench.operator, NEXT, os.urandom, current=PASSWORD)
    fail(bench.store, 1, PASSWORD)
    sign_in(bench.store, NEXT)


@pytest.mark.usefixtures("cheap")
def test_an_open_console_is_no_place_to_guess_a_password(bench: Bench) -> None:
    for _ in range(MAX_FAILED):
        with pytest.raises(SignInRefused):
            operators.change_password(bench.store, bench.operator, NEXT, os.urandom, current=WRONG)
    with pytest.raises(SignInRefused):
        operators.change_password(bench.store, bench.operator, NEXT, os.urandom, current=PASSWORD)
    fail(bench.store, 1, PASSWORD)
    fail(bench.store, 1, NEXT)


@pytest.mark.usefixtures("cheap")
def test_a_session_that_is_over_changes_no_password(bench: Bench) -> None:
    operators.sign_out(bench.store, bench.operator)
    before = bench.state()
    with pytest.raises(SessionOver):
        operators.change_password(bench.store, bench.operator, NEXT, os.urandom, current=PASSWORD)
    assert bench.state() == before


@pytest.mark.usefixtures("cheap")
def test_a_new_password_from_a_supervisor_ends_a_lock_out(bench: Bench) -> None:
    fail(bench.store, MAX_FAILED)
    with pytest.raises(NotPermitted):
        operators.reset_password(bench.store, bench.officer, found(bench.store).id, NEXT, os.urandom)
    operators.reset_password(bench.store, bench.supervisor, found(bench.store).id, NEXT, os.urandom)
    sign_in(bench.store, NEXT)


def test_an_unfit_new_password_changes_nothing(bench: Bench) -> None:
    before = bench.state()
    with pytest.raises(OperatorError):
        operators.change_password(bench.store, bench.operator, "short", os.urandom, current=PASSWORD)
    with pytest.raises(OperatorError):
        operators.reset_password(bench.store, bench.supervisor, found(bench.store).id, "short", os.urandom)
    assert bench.state() == before


def test_a_hash_shows_in_no_text_of_an_operator(bench: Bench) -> None:
    assert found(bench.store).password_hash.startswith("$argon2id$")
    assert "argon2id" not in repr(operators.operators(bench.store))
    assert PASSWORD not in repr(NewOperator("gul", "Gul", (Role.OPERATOR,), PASSWORD))

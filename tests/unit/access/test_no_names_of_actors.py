"""No verb takes an actor's name, and only `appliance.access` makes a session: read off the code itself."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import appliance.access
import appliance.casework
import appliance.store
from appliance.access import four_eyes, operators, session
from appliance.access.permitted import BY_DECISION
from appliance.access.session import PERMITTED, Role, Session
from appliance.casework import (
    applications,
    attestation,
    certificates,
    complaints,
    conflicts,
    correcting,
    decisions,
    delivery,
    drafts,
    evidence,
    exemptions,
    families,
    identity,
    issuing,
    key_making,
    key_opening,
    known,
    money,
    officer_keys,
    papers,
    people,
    printing,
    reprinting,
    reversals,
    reviewing,
    revoking,
    shifts,
    signatures,
    slips,
    steps,
    superseding,
    tokens,
)
from appliance.journal import kinds as k
from appliance.records.folds import ORDER_FOLDS
from appliance.store.store import Store

ROOT = Path(appliance.access.__file__).parents[2]
# What a parameter that says who acts would be called.
NAMES_AN_ACTOR = re.compile(r"actor|by|author|who|user|username|operator_(id|name)|officer|supervisor|acting.*|as_.*")
# Of one account to act upon, never of who acts; each is beside a session in its verb.
ACTED_UPON = {"operator"}
READERS_OF_MONEY = {
    "exemptions_for",
    "live_shifts",
    "offered",
    "payment_numbered",
    "payment_of",
    "payments_for",
    "payments_on",
    "token",
    "undecided_exemptions",
}
# These let somebody in, who therefore has no session yet.
BEFORE_A_SESSION = {"sign_in", "add_first_supervisor", "choose_password"}


def modules() -> Iterator[ModuleType]:
    for package in (appliance.access, appliance.casework, appliance.store):
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            yield importlib.import_module(found.name)


def public_functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    for module in modules():
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
                continue
            if inspect.isfunction(value):
                yield f"{module.__name__}.{name}", value
            elif inspect.isclass(value):
                for method, function in inspect.getmembers(value, inspect.isroutine):
                    if not method.startswith("_") and inspect.isfunction(inspect.unwrap(function)):
                        yield f"{module.__name__}.{name}.{method}", inspect.unwrap(function)


def verbs(module: ModuleType) -> list[tuple[str, inspect.Signature]]:
    """The public functions that act on a store."""
    found = [
        (name, inspect.signature(value))
        for name, value in vars(module).items()
        if inspect.isfunction(value) and not name.startswith("_") and value.__module__ == module.__name__
    ]
    return [
        (name, signature) for name, signature in found if next(iter(signature.parameters), "") in ("store", "centre")
    ]


def test_no_public_function_takes_an_actors_name() -> None:
    functions = list(public_functions())
    assert len(functions) > 60
    for name, function in functions:
        if name in ("appliance.access.session.mint", "appliance.access.four_eyes.check"):
            continue  # They stand below the session: the one makes it, the other is asked about it.
        for parameter in inspect.signature(function).parameters:
            assert not NAMES_AN_ACTOR.fullmatch(parameter), f"{name}({parameter})"


def test_every_verb_that_writes_takes_a_session() -> None:
    readers = {"operators", "applications_of", "person", "relatives", *READERS_OF_MONEY}
    readers |= {"leaning_on", "attestations_of", "open_complaints", "complaints_about", "received_on"}
    readers |= {
        "certificate_numbered",
        "certificates_of",
        "certificates",
        "open_requests",
        "certificate_file",
        "certificate_paper",
        "make_evidence",
        "known_here",
    }
    # What they make is in no entry yet.
    readers |= {"set_page", "seal", "answered", "rejection", "see_ready"}
    readers |= {"application_of"}
    readers |= {"issued", "certificate_pdf", "open_prints", "prints_of", "signatures_of"}
    readers |= {"officer_keys"}
    # What central decided is the node's to carry out.
    readers |= {"is_due", "carry_out", "open_conflicts"}
    for module in (
        *(operators, applications, people, families, identity),
        *(attestation, complaints, delivery, drafts, papers, reviewing, slips, steps),
        *(shifts, money, reversals, exemptions, tokens, printing, signatures, issuing, key_making, key_opening),
        *(officer_keys, certificates, revoking, reprinting, correcting, superseding, evidence, known),
        *(decisions, conflicts),
    ):
        found = verbs(module)
        assert found
        for name, signature in found:
            if name in BEFORE_A_SESSION | readers:
                continue
            assert signature.parameters["session"].annotation == "Session", name
    assert inspect.signature(Store.commit).parameters["session"].annotation == "Session"


def test_an_operator_to_act_upon_comes_only_beside_a_session() -> None:
    for name, signature in verbs(operators):
        if ACTED_UPON & set(signature.parameters):
            assert "session" in signature.parameters, name


def trees(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())


def names_in(tree: ast.Module) -> set[str]:
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    found |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    imported = (alias for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names)
    return found | {alias.name for alias in imported}


ALL = ("appliance", "tui", "sync", "devices", "provisioning")


def test_only_access_mints_sessions() -> None:
    users = {path for path, tree in trees(*ALL) if names_in(tree) & {"mint", "_MINT", "_MINTED"}}
    assert users == {"appliance/access/session.py", "appliance/access/operators.py"}


def test_only_access_the_store_and_raising_act_as_the_node() -> None:
    users = {path for path, tree in trees(*ALL) if "node_session" in names_in(tree)}
    # Raising certificates is the one thing at a case that no person does.
    # So is carrying out what central decided.
    assert users == {
        "appliance/access/operators.py",
        "appliance/store/store.py",
        "appliance/store/freeing.py",
        "appliance/casework/raising.py",
        "appliance/casework/decisions.py",
    }


def test_nobody_constructs_a_session_directly() -> None:
    for path, tree in trees(*ALL):
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        named = [node for node in calls if isinstance(node.func, ast.Name) and node.func.id == "Session"]
        assert not named or path == "appliance/access/session.py", path


def test_every_kind_is_permitted_to_somebody_or_an_order() -> None:
    assert set(PERMITTED) | set(ORDER_FOLDS) == set(k.KINDS)
    assert not set(PERMITTED) & set(ORDER_FOLDS)
    assert all(PERMITTED.values())


def test_no_one_session_may_both_take_in_and_decide() -> None:
    taking_in = set().union(*(PERMITTED[kind] for kind in four_eyes.INTAKE))
    deciding = set().union(*(PERMITTED[kind] for kind in four_eyes.DECISION))
    assert not taking_in & deciding


def test_the_node_writes_nothing_about_cases_but_that_it_raised_a_certificate_and_what_central_decided() -> None:
    by_node = {kind for kind, roles in PERMITTED.items() if Role.NODE in roles} - BY_DECISION
    assert {kind for kind in by_node if kind.startswith("certificate.")} == {k.CertificateRaised.KIND}
    assert {kind.split(".")[0] for kind in by_node} == {
        "blobs",
        "certificate",
        "journal",
        "node",
        "orders",
        "operator",
        "session",
        "token",
    }


def test_an_auditor_writes_nothing_but_their_own_session_and_password() -> None:
    assert {kind for kind, roles in PERMITTED.items() if Role.AUDITOR in roles} == {
        k.SessionOpened.KIND,
        k.SessionClosed.KIND,
        k.OperatorPasswordSet.KIND,
    }


@pytest.mark.parametrize("name", ["authorise", "mint", "node_session"])
def test_what_the_reading_of_the_code_relies_on_is_there(name: str) -> None:
    assert hasattr(session, name)
    assert session.Session is Session

"""A case goes on under the service as it was when it was handed in, whatever became of its file since."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.casework import applications, reviewing
from appliance.casework.cases import find_case
from appliance.casework.forms import FormRefused
from appliance.casework.services import kept_file, service_by, shown_service
from appliance.catalogue import Catalogue, read_service
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.store.store import Draft
from tests.support.desk import ANSWERS, CATALOGUE, SERVICE, SERVICES, Desk

MORE_PAPERS = b"""
[papers.photo]
kind = "photo"
label = { en = "Photo" }
of = "applicant"
"""
FILE = (SERVICES / f"{SERVICE}.toml").read_bytes()
MORE = FILE + MORE_PAPERS


def with_service(desk: Desk, content: bytes | None) -> Desk:
    """The same desk after the service's file was changed, or taken away."""
    services = {name: each for name, each in CATALOGUE.services.items() if name != SERVICE}
    if content is not None:
        services[SERVICE] = read_service(f"{SERVICE}.toml", content)
    return replace(desk, centre=replace(desk.centre, catalogue=Catalogue(services)))


def used(desk: Desk) -> list[k.Body | None]:
    entries = desk.store.entries(0, desk.store.head().size)
    return [k.decode_body(each.header.kind, each.body or b"") for each in entries if each.header.kind == "service.used"]


def test_the_file_is_written_down_once_with_the_first_case_under_it(desk: Desk) -> None:
    desk.take_in()
    desk.take_in()
    (body,) = used(desk)
    assert isinstance(body, k.ServiceUsed)
    assert (body.service, body.content.encode()) == (SERVICE, FILE)


def test_a_file_that_vanished_keeps_nothing_from_being_decided(desk: Desk) -> None:
    submitted = desk.take_in().application
    without = with_service(desk, None)
    with pytest.raises(OperatorError):
        without.centre.catalogue.service(SERVICE)
    without.make_ready(submitted)
    reviewing.approve(without.centre, desk.officer, submitted)
    assert desk.row(submitted, "status") == "approved"


def test_a_changed_file_is_for_what_is_begun_from_then_on(desk: Desk) -> None:
    before = desk.take_in().application
    changed = with_service(desk, MORE)
    changed.make_ready(before)
    reviewing.approve(changed.centre, desk.officer, before)
    assert desk.row(before, "status") == "approved"
    with pytest.raises(FormRefused):
        changed.take_in()


def test_the_form_is_put_right_under_the_version_that_it_was_handed_in_under(desk: Desk) -> None:
    about = desk.take_in().application
    changed = with_service(desk, MORE)
    with desk.store.read() as tx:
        roles = find_case(tx, desk.store.journal, about).roles
    answers = {**ANSWERS, "name": "Gul Ahmad Khan"}
    applications.amend(changed.centre, desk.operator, about, answers=answers, roles=roles, reason="misread")
    shown = shown_service(changed.centre, SERVICE, str(desk.row(about, "service_digest")))
    assert shown is not None
    assert "photo" not in {each.id for each in shown.papers}


def test_an_entry_that_names_another_file_than_it_holds_is_passed_over(desk: Desk) -> None:
    body = k.ServiceUsed(service=SERVICE, digest="ab" * 32, content="not that")
    desk.store.commit(desk.operator, lambda _: [Draft(body)])
    with desk.store.read() as tx:
        assert kept_file(tx, desk.store.journal, "ab" * 32) is None
        assert service_by(desk.centre, tx, SERVICE, "ab" * 32).digest == CATALOGUE.service(SERVICE).digest

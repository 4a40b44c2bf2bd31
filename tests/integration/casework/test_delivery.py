"""Who comes in the applicant's place is entitled by what is written down or scanned, and not by words alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.casework import applications, delivery, families, reviewing, steps
from appliance.casework.delivery import Receiver
from appliance.catalogue import Catalogue
from appliance.catalogue.model import PaperRule, Text
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from appliance.records.log import Log
from tests.support.desk import ANSWERS, CATALOGUE, SERVICE, Desk, centre_of


@pytest.fixture
def strict(desk: Desk) -> Desk:
    """A desk whose service asks representatives for authority."""
    service = CATALOGUE.service(SERVICE)
    roles = tuple(replace(each, needs_authority=each.id == "representative") for each in service.roles)
    letter = PaperRule("authority", "authority", Text({"en": "Letter of authority"}), "representative", required=False)
    made = replace(service, roles=roles, papers=(*service.papers, letter))
    desk.centre = centre_of(desk.store, Catalogue({**CATALOGUE.services, SERVICE: made}))
    return desk


def issued_for(desk: Desk, applicant: EntityId, representative: EntityId, *, letter: bool = False) -> EntityId:
    """A case that is ready to be handed over, taken in for somebody by another."""
    form = desk.form(applicant, ANSWERS)
    form = replace(form, roles={**form.roles, "representative": (representative,)})
    desk.begin(form)
    if letter:
        desk.paper(form.id, "authority", "authority")
    applications.submit(desk.centre, desk.operator, form)
    desk.make_ready(form.id)
    reviewing.approve(desk.centre, desk.officer, form.id)
    desk.issue(form.id)
    steps.do_step(desk.centre, desk.operator, form.id, "proof")
    return form.id


def handed(desk: Desk) -> k.ApplicationDelivered:
    """What the last entry says."""
    size = desk.store.head().size
    with desk.store.read() as tx:
        (entry,) = Log(tx, desk.store.journal).kept(size - 1, size)
    body = k.decode_body(entry.header.kind, entry.body or b"")
    assert isinstance(body, k.ApplicationDelivered)
    return body


def test_a_representative_without_a_paper_or_a_link_takes_nothing_whatever_they_say(strict: Desk) -> None:
    applicant, other = strict.person(), strict.person("Sher Khan")
    application = issued_for(strict, applicant, other)
    with pytest.raises(OperatorError, match="nothing here says that they may"):
        delivery.deliver(
            strict.centre, strict.operator, application, Receiver(other, relation="cousin", authority="a letter")
        )


def test_a_letter_of_authority_in_the_case_entitles_them(strict: Desk) -> None:
    applicant, other = strict.person(), strict.person("Sher Khan")
    application = issued_for(strict, applicant, other, letter=True)
    delivery.deliver(strict.centre, strict.operator, application, Receiver(other))
    said = handed(strict)
    assert (said.to, said.relation, said.authority) == (other, "Representative", "Letter of authority")


def test_who_is_written_down_as_representative_is_entitled_while_it_lasts(strict: Desk) -> None:
    applicant, other = strict.person(), strict.person("Sher Khan")
    families.link(
        strict.store,
        strict.operator,
        applicant,
        other,
        "representative",
        authority="power of attorney 12/2026",
        until=strict.centre.today() + timedelta(days=5),
    )
    application = issued_for(strict, applicant, other)
    strict.pass_days(6)
    with pytest.raises(OperatorError, match="nothing here says"):
        delivery.deliver(strict.centre, strict.operator, application, Receiver(other))
    families.link(
        strict.store, strict.operator, applicant, other, "representative", authority="power of attorney 15/2026"
    )
    delivery.deliver(strict.centre, strict.operator, application, Receiver(other))
    said = handed(strict)
    assert (said.relation, said.authority) == ("representative", "power of attorney 15/2026")

"""The record of a certificate, from what was approved: whom it is about, which facts are shown, who answers for it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Literal

import msgspec

from appliance.casework.centre import Centre
from appliance.casework.grounds import Ground
from appliance.casework.people import Person
from appliance.catalogue import CertificateRule, Design, Field, Service, Text, expires_on, steps_for
from appliance.certificates import record as page
from appliance.certificates.record import SALT_BYTES, Attester, CertificateRecord, Fact, Holder, Shown, new_salt


def record_of(
    centre: Centre,
    ground: Ground,
    *,
    sealed_by: Literal["centre", "officer"],
    signer: str = "",
    replaces: str = "",
    valid_from: date | None = None,
) -> CertificateRecord:
    """Say what a certificate says.

    Args:
        centre: whose it is.
        ground: what it is made from.
        sealed_by: whose key will sign it.
        signer: the name of the officer whose key that is; without meaning for the centre's.
        replaces: the number of the certificate that it supersedes.
        valid_from: the day from which its validity counts; None for today.
    """
    case, service, rule, holder = ground.case, ground.service, ground.rule, ground.holder
    today = centre.today()
    roles = case.roles.keys()
    until = expires_on(service, case.fields, valid_from or today, roles)
    office = _office(service, case.fields, today, frozenset(roles))
    signs = sealed_by == "officer"
    return CertificateRecord(
        number=ground.number,
        service=service.id,
        title=_said(rule.title),
        authority=_said(service.department),
        centre=centre.rules.code,
        centre_name=centre.rules.name,
        tracking=case.tracking,
        issued_on=today.isoformat(),
        expires_on=None if until is None else until.isoformat(),
        holder=Holder(
            name=holder.name,
            name_native=holder.name_native,
            born=holder.born,
            identity_kind=holder.identity_kind,
            identity_number_shown=holder.identity_number,
            photo_sha256=None if ground.photo is None else hashlib.sha256(ground.photo).hexdigest(),
        ),
        statement=_said(rule.design.statement),
        facts=_facts(ground),
        attested_by=Attester(ground.approver or "-", office),
        signed_by=Attester(signer, office if signer == ground.approver else {}) if signs and signer else None,
        salt=new_salt(centre.store.random(SALT_BYTES)),
        specimen=centre.rules.specimen,
        languages=rule.languages,
        replaces=replaces,
        document=None if ground.copied is None else ground.copied.document,
        sealed_by=sealed_by,
        design=_design(rule.design),
    )


def _design(rule: Design) -> page.Design:
    looks = {"accent": rule.accent, "ornament": rule.ornament, "signed": rule.signed, "attested": _said(rule.attested)}
    return msgspec.convert(looks, page.Design)


def _facts(ground: Ground) -> tuple[Fact, ...]:
    """What is shown; a heading stands over the first field of its part that is."""
    facts: list[Fact] = []
    heading: dict[str, str] = {}
    for name in ground.rule.shows:
        if name in ground.rule.design.headings:
            heading = _said(ground.rule.design.headings[name])
        field, answer = ground.service.field(name), ground.case.fields.get(name)
        if answer and not _is_of_holder(field, answer, ground.rule, ground.holder):
            facts.append(_fact(field, answer, ground.rule, heading))
            heading = {}
    return tuple(facts)


def _is_of_holder(field: Field, answer: str, rule: CertificateRule, holder: Person) -> bool:
    """Whether the head of the page says this of the holder already."""
    role, _, fact = (field.fact or "").partition(".")
    head = {
        "name": holder.name,
        "name_native": holder.name_native,
        "born": holder.born,
        holder.identity_kind: holder.identity_number,
    }
    return role == rule.holder and head.get(fact) == answer


def _fact(field: Field, answer: str, rule: CertificateRule, heading: dict[str, str]) -> Fact:
    chosen = next((choice.label for choice in field.choices if choice.id == answer), None)
    value, native = answer, ""
    if chosen is not None:
        value = chosen.en
        native = next((chosen.values[each] for each in rule.languages if each != "en" and chosen.has(each)), "")
    design = rule.design
    shown: Shown = "large" if field.id in design.large else "column" if field.id in design.columns else "row"
    return Fact(_said(design.labels.get(field.id, field.label)), value, native, heading, shown)


def _office(service: Service, answers: Mapping[str, str], today: date, roles: frozenset[str]) -> dict[str, str]:
    """The title of the officer who approves."""
    titles = [one.officer_title for one in steps_for(service, answers, today, roles) if one.by == "officer"]
    return _said(titles[-1]) if titles and titles[-1] is not None else {}


def _said(text: Text) -> dict[str, str]:
    return {language: words for language, words in text.values.items() if words}

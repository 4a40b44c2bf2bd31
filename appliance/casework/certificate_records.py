"""The record of a certificate, from what was approved: whom it is about, which facts are shown, who answers for it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

from appliance.casework.centre import Centre
from appliance.casework.grounds import Ground
from appliance.casework.people import Person
from appliance.catalogue import CertificateRule, Field, Service, Text, expires_on, steps_for
from appliance.certificates.record import SALT_BYTES, Attester, CertificateRecord, Fact, Holder, new_salt


def record_of(
    centre: Centre,
    ground: Ground,
    *,
    sealed_by: Literal["centre", "officer"],
    replaces: str = "",
    valid_from: date | None = None,
) -> CertificateRecord:
    """Say what a certificate says.

    Args:
        centre: whose it is.
        ground: what it is made from.
        sealed_by: whose key will sign it.
        replaces: the number of the certificate that it supersedes.
        valid_from: the day from which its validity counts; None for today.
    """
    case, service, rule, holder = ground.case, ground.service, ground.rule, ground.holder
    today = centre.today()
    roles = case.roles.keys()
    until = expires_on(service, case.fields, valid_from or today, roles)
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
        facts=tuple(
            _fact(service.field(each), case.fields[each], rule.languages)
            for each in rule.shows
            if case.fields.get(each) and not _is_of_holder(service.field(each), case.fields[each], rule, holder)
        ),
        attested_by=Attester(ground.approver or "-", _office(service, case.fields, today, frozenset(roles))),
        salt=new_salt(centre.store.random(SALT_BYTES)),
        specimen=centre.rules.specimen,
        languages=rule.languages,
        replaces=replaces,
        document=None if ground.copied is None else ground.copied.document,
        sealed_by=sealed_by,
    )


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


def _fact(field: Field, answer: str, languages: Sequence[str]) -> Fact:
    label = _said(field.label)
    chosen = next((choice.label for choice in field.choices if choice.id == answer), None)
    if chosen is None:
        return Fact(label, answer)
    native = next((chosen.values[each] for each in languages if each != "en" and chosen.has(each)), "")
    return Fact(label, chosen.en, native)


def _office(service: Service, answers: Mapping[str, str], today: date, roles: frozenset[str]) -> dict[str, str]:
    """The title of the officer who approves."""
    titles = [one.officer_title for one in steps_for(service, answers, today, roles) if one.by == "officer"]
    return _said(titles[-1]) if titles and titles[-1] is not None else {}


def _said(text: Text) -> dict[str, str]:
    return dict(text.values)

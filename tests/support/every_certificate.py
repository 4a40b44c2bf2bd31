"""The record of a certificate of each bundled service, made as it is made at a counter, of specimen people."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from types import SimpleNamespace
from typing import Any, Final, cast

from appliance.casework.certificate_records import record_of
from appliance.casework.grounds import Ground
from appliance.casework.people import Person
from appliance.catalogue import Service, bundled, load_catalogue
from appliance.certificates.record import CertificateRecord, Document
from tests.support.certificates import photograph

TODAY: Final = date(2026, 11, 22)
SERVICES: Final = {each.id: each for each in load_catalogue([bundled()]).services.values()}
_BY_KIND: Final = {
    "name": "Specimen Zarin Khan",
    "native_name": "نمونہ خان",
    "text": "Specimen",
    "lines": "Specimen Laila, 4 May 2015\nSpecimen Omar, 9 July 2018",
    "address": "House 12/3-B, Street 4, Gulbahar No. 2, Peshawar",
    "cnic": "17301-7654321-3",
    "date": "2016-03-14",
    "number": "1300",
    "pin_code": "122001",
    "vehicle_number": "ABC 1234",
}
_ANSWERS: Final = {
    "address_permanent": "House 12/3-B, Street 4, Gulbahar No. 2, Peshawar",
    "birth_place": "Lady Reading Hospital, Peshawar",
    "death_place": "Hayatabad Medical Complex, Peshawar",
    "religion": "Islam",
    "mother_name": "Specimen Gulalai Bibi",
    "spouse_name": "Specimen Shabnam Bibi",
    "occupation": "Teacher",
    "licence_number": "PEW-2019-004511",
    "expires_on": "2029-04-30",
    "make": "Suzuki Cultus VXR",
    "model_year": "2025",
    "engine_cc": "998",
    "engine_number": "K10C-1187342",
    "chassis_number": "ED74S-203118",
    "land_tehsil": "Peshawar",
    "mauza": "Palosi Maghdarzai",
    "khewat": "214",
    "khatoni": "388, 389",
    "khasra": "1012/1, 1012/2, 1013, 1044, 1045/7",
    "owner_name": "Specimen Zarin Khan",
    "document_number": "UOP-2012-88121",
    "issued_by": "University of Peshawar",
    "qualification": "BSc Civil Engineering",
    "tehsil": "Wazirabad",
}
_CHOICES: Final = {"district": "peshawar", "land_district": "peshawar", "class": "car", "document": "degree"}


@dataclass(frozen=True)
class _Case:
    fields: dict[str, str]
    roles: dict[str, tuple[str, ...]]
    tracking: str = "PEW01-2026-000123-K"
    applicant: str = "someone"


def answers(service: Service) -> dict[str, str]:
    """Something for every field that the service's certificate shows."""
    rule = service.certificate
    if rule is None:
        return {}
    found = {}
    for name in rule.shows:
        field = service.field(name)
        if field.kind == "choice":
            ids = [choice.id for choice in field.choices]
            found[name] = _CHOICES[name] if _CHOICES.get(name) in ids else ids[0]
        else:
            found[name] = _ANSWERS.get(name, _BY_KIND[field.kind])
    if "born" in found:
        found["born"] = holder(service).born
    if service.country == "IN":
        found["address_permanent"] = "House 88, Sector 14, Wazirabad, Gurugram"
        found["district"] = "Gurugram"
    return found


def holder(service: Service) -> Person:
    """Whom it is about."""
    if service.country == "IN":
        return Person(
            "Specimen Asha Devi", "आशा देवी", "1988-02-29", identity_kind="aadhaar", identity_number="xxxx-xxxx-1234"
        )
    if service.id == "birth":
        return Person("Specimen Laila Gul", "لیلیٰ گل", "2026-11-02")
    return Person("Specimen Gul Khan", "گل خان", "1990-04-03", identity_kind="cnic", identity_number="17301-1234567-1")


def certificate_of(service: str, photo: bytes | None = None, **changes: Any) -> CertificateRecord:
    """The record of a certificate; with a photograph where the service prints one."""
    found = SERVICES[service]
    rule = found.certificate
    if rule is None:
        raise ValueError(service)
    fields = answers(found) | changes.pop("fields", {})
    case = _Case(fields, {rule.holder: ("someone",)})
    printed = (photo or photograph()) if rule.photo is not None else None
    ground = Ground(cast("Any", case), found, rule, "PEW01-0000123", holder(found), printed, "Specimen Rabia Bibi")
    place = "SPECIMEN centre, Gurugram" if found.country == "IN" else "SPECIMEN centre, Peshawar"
    centre = SimpleNamespace(
        rules=SimpleNamespace(code="GGN01" if found.country == "IN" else "PEW01", name=place, specimen=True),
        today=lambda: TODAY,
        store=SimpleNamespace(random=bytes),
    )
    return record_of(cast("Any", centre), ground, sealed_by="centre", **changes)


def scan_of(content: bytes, pages: int, media_type: str = "image/jpeg") -> Document:
    """A paper of which an attested copy is made."""
    return Document(
        kind="degree",
        sha256=hashlib.sha256(content).hexdigest(),
        pages=pages,
        media_type=cast("Any", media_type),
    )

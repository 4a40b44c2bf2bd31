"""Answers that a form could be given, drawn for any service."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import Final

from hypothesis import strategies as st
from stdnum import verhoeff

from appliance.catalogue import Field, Service, bundled, load_catalogue

TODAY: Final = date(2026, 11, 20)
_AADHAAR: Final = tuple(
    number + verhoeff.calc_check_digit(number) for number in ("23412341234", "99988877766", "50010020030")
)
_PLACES: Final = ("Peshawar", "Near the old bridge", "House 5, Street 2")
_WORDS: Final = {
    "name": ("Specimen Khan", "Specimen Bibi"),
    "native_name": ("نمونہ خان", "नमूना सिंह"),
    "text": ("Specimen", "12/3", "Karkhano"),
    "lines": ("Specimen one\nSpecimen two",),
    "address": _PLACES,
    "cnic": ("17301-1234567-1", "2110112345672", "۱۷۳۰۱-۱۲۳۴۵۶۷-۳"),
    "aadhaar": _AADHAAR,
    "phone": ("03001234567", "+92 300 1234567", "9876543210"),
    "email": ("name@example.org",),
    "vehicle_number": ("ABC 1234", "hr26ab1234"),
    "pin_code": ("122001", "122 001"),
    "yes_no": ("yes", "no", "ہاں"),
}


@cache
def services() -> tuple[Service, ...]:
    """All bundled services."""
    return tuple(load_catalogue([bundled()]).services.values())


def answer(field: Field) -> st.SearchStrategy[str]:
    """Something of the field's kind, within its limits."""
    if field.kind == "choice":
        return st.sampled_from([choice.id for choice in field.choices])
    if field.kind == "date":
        low = TODAY if field.check == "not_past" else TODAY - timedelta(days=30_000)
        high = TODAY if field.check == "not_future" else TODAY + timedelta(days=3000)
        return st.dates(low, high).map(lambda day: day.strftime("%d/%m/%Y"))
    if field.kind in ("number", "money"):
        low_number = int(field.minimum or 0)
        return st.integers(low_number, int(field.maximum or low_number + 10_000)).map(str)
    return st.sampled_from(_WORDS[field.kind])


@st.composite
def filled(draw: st.DrawFn, service: Service, *, whole: bool = True) -> dict[str, str]:
    """Answers to all fields of a service, also to those that will not be shown; or to some."""
    return {field.id: draw(answer(field)) for field in service.fields if whole or draw(st.booleans())}


def some_service() -> st.SearchStrategy[Service]:
    """One of the bundled services."""
    return st.sampled_from(services())

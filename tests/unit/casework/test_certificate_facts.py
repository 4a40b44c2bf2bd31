"""What the head of a certificate says of its holder is not said again among the facts."""

from __future__ import annotations

import pytest

from appliance.casework import certificate_records
from appliance.casework.people import Person
from appliance.catalogue import bundled, load_catalogue

BIRTH = load_catalogue([bundled()]).service("birth")
CHILD = Person(name="SPECIMEN Gul", born="2026-11-01", identity_kind="cnic", identity_number="17301-1234567-2")


@pytest.mark.parametrize(
    ("field", "answer", "said"),
    [
        ("born", "2026-11-01", True),
        ("child_name", "SPECIMEN Gul", True),
        # Otherwise than the head says it: that is to be seen.
        ("born", "2026-11-02", False),
        # Of somebody else.
        ("father_cnic", "17301-1234567-2", False),
        ("gender", "female", False),
    ],
)
def test_only_what_the_head_says_of_the_holder_is_left_out(field: str, answer: str, said: bool) -> None:
    rule = BIRTH.certificate
    assert rule is not None
    assert certificate_records._is_of_holder(BIRTH.field(field), answer, rule, CHILD) is said

"""A form that asks for an Aadhaar number: checked whole, kept and searched by its last digits alone."""

from __future__ import annotations

from appliance.casework import applications
from appliance.casework.drafts import DraftForm
from appliance.casework.search import search
from tests.integration.store.conftest import Bench
from tests.support.desk import Desk
from tests.support.pages import holds

AADHAAR = "9999 4105 7058"  # from UIDAI's published test data
ANSWERS = {
    "aadhaar": AADHAAR,
    "name": "Asha Devi",
    "name_native": "आशा देवी",
    "father_name": "Ram Lal",
    "mother_name": "Sita Devi",
    "born": "1990-01-02",
    "gender": "female",
    "phone": "9876543210",
    "address_permanent": "House 7",
    "tehsil": "Gurugram",
    "district": "Gurugram",
    "pin": "122001",
    "resident_since": "1990-01-02",
    "purpose": "study",
}
PAPERS = ("self_declaration", "ration_card", "age_proof", "identity", "photograph")


def test_a_form_handed_in_keeps_no_whole_aadhaar_number(bench: Bench) -> None:
    desk = Desk.at(bench)
    form = DraftForm(desk.store.new_id(), "haryana_residence", ANSWERS, {"applicant": (desk.person("Asha Devi"),)})
    desk.begin(form, {paper: paper for paper in PAPERS})
    taken_in = applications.submit(desk.centre, desk.operator, form)
    for whole in (AADHAAR, AADHAAR.replace(" ", "")):
        assert not holds(bench.store.layout.database, bench.key, whole.encode())
    assert [hit.title for hit in search(bench.store, "7058 आशा")] == [taken_in.tracking]
    assert search(bench.store, "99994105") == []

"""What a page shows, before it is set: texts with what readers are to find, parts, rows, columns."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from appliance.certificates.pagedata import MAX_WHOLE, page_data, phrases, saying
from appliance.certificates.record import CertificateRecord, Design, Fact
from tests.support.certificates import domicile
from tests.support.every_certificate import certificate_of


def data(record: CertificateRecord) -> Any:
    return cast("Any", page_data(record, ()))


def test_only_scripts_that_do_not_come_out_of_a_file_have_their_text_under_them() -> None:
    assert saying("en", "Gul Khan")["under"] is None
    assert saying("ur", "گل خان")["under"] == "گل خان"
    assert saying("en", "گل خان")["script"] == "arab", "whatever the language of the line"
    assert saying("hi", "आशा")["under"] == "आशा"
    assert saying("ta", "குமரன்")["script"] == "taml"
    assert saying("ur", "گل " * MAX_WHOLE)["under"] is None, "a text that goes over pages"


def test_under_urdu_no_sign_stands_that_readers_take_for_the_other_direction() -> None:
    assert saying("ur", "والد/شوہر کا نام")["under"] == "والد شوہر کا نام"
    assert saying("ur", "خیبر، پشاور (نقل)")["under"] == "خیبر پشاور نقل"
    assert saying("ur", "فون 0300-1234567، مکان")["under"] == "فون \u200f0300-1234567\u200f مکان"


def test_a_phrase_of_ours_is_found_in_english_where_the_page_has_it() -> None:
    assert [each["under"] for each in phrases("sealed", ("en", "ur"))] == [None, ""]
    assert all(each["under"] for each in phrases("sealed", ("ur",)))


def test_facts_that_are_shown_alike_stand_together_under_the_heading_of_the_first() -> None:
    facts = (
        Fact({"en": "A"}, "1"),
        Fact({"en": "B"}, "2", heading={"en": "Part", "ur": "حصہ"}),
        Fact({"en": "C"}, "3"),
        Fact({"en": "D"}, "4", shown="large"),
    )
    record = msgspec.structs.replace(domicile(), facts=facts)
    parts = data(record)["parts"]
    assert [(each["shown"], len(each["facts"])) for each in parts] == [("row", 3), ("row", 2), ("large", 1)]
    assert (parts[1]["left"][0]["text"], parts[1]["right"][0]["lang"]) == ("Part", "ur")


def test_plots_stand_one_under_the_other_and_what_is_one_for_all_stands_beside_them() -> None:
    (columns,) = [each for each in data(certificate_of("fard"))["parts"] if each["shown"] == "column"]
    cells = [[cell["text"] for cell in fact["cells"]] for fact in columns["facts"]]
    assert columns["rows"] == 5
    assert cells == [["214"], ["388", "389", "", "", ""], ["1012/1", "1012/2", "1013", "1044", "1045/7"]]


def test_words_with_commas_are_no_plots() -> None:
    fact = Fact({"en": "A"}, "House 5, Street 2", shown="column")
    (part,) = data(msgspec.structs.replace(certificate_of("fard"), facts=(fact,)))["parts"][1:]
    assert [cell["text"] for cell in part["facts"][0]["cells"]] == ["House 5, Street 2"]


def test_a_value_that_is_the_same_in_both_languages_stands_once() -> None:
    record = msgspec.structs.replace(domicile(), facts=(Fact({"en": "Blood"}, "A+", "A+"),))
    assert data(record)["parts"][-1]["facts"][-1]["native"] is None


def test_an_officer_who_did_something_else_than_attest_is_said_so() -> None:
    record = msgspec.structs.replace(domicile(), design=Design(attested={"en": "Registered by"}))
    assert [each["text"] for each in data(record)["attested"]] == ["Registered by"]

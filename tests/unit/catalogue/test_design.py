"""`[certificate.design]`: what it may say, what is refused, and how the bundled services differ by it."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from appliance.catalogue import bundled, load_catalogue
from appliance.catalogue.model import ACCENTS, ORNAMENTS, Design
from appliance.certificates import record
from tests.unit.catalogue.example import EXAMPLE, read, refusal

SERVICES = load_catalogue([bundled()]).services.values()


def designed(lines: str) -> str:
    """The example with a design; its certificate shows at least `name`."""
    return f"{EXAMPLE}\n[certificate.design]\n{lines}\n"


def design(lines: str) -> Design:
    rule = read(designed(lines)).certificate
    assert rule is not None
    return rule.design


def test_without_a_design_a_certificate_has_the_usual_one() -> None:
    rule = read(EXAMPLE).certificate
    assert rule is not None
    assert rule.design == Design()


def test_a_design_is_read_as_it_is_written() -> None:
    shown = _first_shown()
    found = design(
        f'accent = "teal"\nornament = "rosette"\nsigned = false\nlarge = ["{shown}"]\n'
        'attested = { en = "Seen by", ur = "x" }\n'
        f'[certificate.design.headings]\n{shown} = {{ en = "Part", ur = "y" }}'
    )
    assert (found.accent, found.ornament, found.signed, found.large) == ("teal", "rosette", False, (shown,))
    assert found.attested.en == "Seen by"
    assert found.headings[shown].en == "Part"


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ('accent = "pink"', "cannot be “pink”"),
        ('large = ["nothing"]', "does not show “nothing”"),
        ('large = ["FIRST"]\ncolumns = ["FIRST"]', "both large and a column"),
        ('statement = { en = "Only English" }', "has no Urdu"),
        ('colour = "red"', "“colour” is not known"),
        ('[certificate.design.headings]\nnothing = { en = "x", ur = "y" }', "“nothing” is not known"),
        ('[certificate.design.labels]\nFIRST = { en = "x" }', "has no Urdu"),
    ],
)
def test_what_the_page_could_not_show_is_refused_in_words(lines: str, sentence: str) -> None:
    refused = refusal(designed(lines.replace("FIRST", _first_shown())))
    assert refused is not None
    assert sentence in refused.sentence


def test_accents_and_ornaments_are_those_that_a_record_knows() -> None:
    fields = {each.name: each.type for each in msgspec.structs.fields(record.Design)}
    assert get_args(record.Accent) == ACCENTS
    assert get_args(fields["ornament"]) == ORNAMENTS


def test_the_bundled_services_differ_as_their_certificates_do() -> None:
    designs = {each.id: each.certificate.design for each in SERVICES if each.certificate is not None}
    assert len(designs) == 12
    assert not designs["birth"].signed, "a newborn signs nothing"
    assert "class" in designs["driving_licence_new"].large, "a licence shows what may be driven"
    assert designs["fard"].columns == ("khewat", "khatoni", "khasra"), "a fard lists plots"
    assert designs["haryana_residence"].ornament == "rosette"
    assert all(each.statement.en for each in designs.values())


def _first_shown() -> str:
    rule = read(EXAMPLE).certificate
    assert rule is not None
    return rule.shows[0]

"""A bad file is refused with its line and what to write instead: one change to a good file at a time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.catalogue.located import places
from appliance.catalogue.reading import MAX_FILE_BYTES
from tests.unit.catalogue.example import EXAMPLE, FILE, changed, read, refusal

WHEN = '{ field = "source", is = "salary" }\nmax'
DEEP = "{ not = " * 9 + '{ field = "source", is = "land" }' + " }" * 9
ELEVEN = "".join(f'[fields.more{n}]\nkind = "text"\nlabel = {{ en = "More" }}\n\n' for n in range(8))

# (instead of, somebody writes, what stands on the line that is named, what the sentence says, what the next step says)
BAD = [
    # not TOML
    ('state = "Khyber', "state = Khyber", "state =", "value cannot be read", "quotation marks"),
    ('state = "Khyber Pakhtunkhwa"', 'state = "Khyber', "state =", "not closed", "Close them"),
    ("count = 7 },\n]", "count = 7 },\n", "[appeal]", "value cannot be read", "quotation marks"),
    ("[fields.born]", "[fields.born", "[fields.born", "does not belong", "close { with } and [ with ]"),
    ("[fields.born]", "[fields.name]", '[fields.name]\nkind = "date"', "stands twice", "another name"),
    ('of = "applicant"\nproves', 'of = "applicant"\nof = "applicant"\nproves', None, "stands twice", "once"),
    ('{ en = "Full name",', '{ en = "Full name", en = "Name",', "Full name", "twice", "once"),
    ('{ en = "Full name",', '{\n en = "Full name",', "label = {\n", "a name should stand", "one line"),
    ("required = false", "required: false", "required:", "without = and a value", "name = value"),
    ("required = false", "required = no", "required = no", "cannot be read", "quotation marks"),
    ("required = false", "!", "!", "a name or a heading", "name = value"),
    ('kind = "date"', 'kind = "da\\te"', "da\\te", "cannot be shown", "on one line"),
    ('kind = "date"', 'kind = "da\\de"', "da\\de", "backslash", "single"),
    ('"ur"]\nvalid', '"ur"\nvalid', "valid =", "list that begins above", "]"),
    # names and kinds
    ('country = "PK"', 'country = "UK"', "UK", "“country” cannot be “UK”", "PK, IN"),
    ('country = "PK"\n', "", "# income", "“country” is missing", "PK, IN"),
    ('state = "Khyber Pakhtunkhwa"', 'state = " "', "state", "empty", "take the line away"),
    ('state = "Khyber Pakhtunkhwa"', f'state = "{"x" * 501}"', "state", "longer than 500", "shorter"),
    ('state = "Khyber Pakhtunkhwa"', "state = 5", "state", "a whole number, not words", 'state = "…"'),
    ('state = "Khyber Pakhtunkhwa"', "state = true", "state", "true or false, not words", 'state = "…"'),
    ('state = "Khyber Pakhtunkhwa"', "state = 2026-01-01", "state", "a date or time", 'state = "…"'),
    ("[appeal]", 'colour = "red"\n[appeal]', "colour", "“colour” is not known here", "country"),
    ('{ en = "Full name", ur', '{ en = "Full name", fr', "Full name", "“fr” is not known here", "hi"),
    ('{ en = "Full name", ur = "مکمل نام" }', '"Full name"', "Full name", "which language", "{ en ="),
    ('ur = "مکمل نام" }', 'ur = "x", ur_unchecked = "x" }', "Full name", "Urdu twice", "native reader"),
    ('{ en = "Full name", ur = "مکمل نام" }', '["Full name"]', "Full name", "a list, not a table", "{ en ="),
    ("[roles.applicant]", "[roles.customer]", "[roles.customer]", "“customer” is no role", "applicant"),
    ("[roles.applicant]", "[roles.buyer]", "[roles.buyer]", "no applicant", "[roles.applicant]"),
    ("[fields.born]", '[fields."Born"]', "Born", "“Born” cannot be a name", "small letters"),
    ("[fields.born]", "[fields.1st]", "1st", "cannot be a name", "a letter first"),
    ("[pages]", "[page]", "[page]", "“page” is not known", "pages"),
    ('page = "income"', 'page = "incme"', "incme", "“page” cannot be “incme”", "income"),
    ('land = { en = "Land"', '"Land !" = { en = "Land"', "Land !", "cannot be a name", "small letters"),
    ("[fields.born]", "[field.born]", "[field.born]", "“field” is not known", "fields"),
    ('kind = "date"', 'knid = "date"', "knid", "“knid” is not known", "kind"),
    # fields
    ('kind = "date"\n', "", "[fields.born]", "“kind” is missing", "text"),
    ('kind = "date"', 'kind = "text"', 'check = "not_future"', "for the kind date", "Choose another"),
    ('check = "not_future"', 'check = "future"', 'check = "future"', "“check” cannot be", "not_future"),
    ('check = "not_future"', "minimum = 3", "minimum = 3", "has no minimum", "number or money"),
    ('check = "not_future"', "max_length = 0", "max_length", "“max_length” is 0", "from 1"),
    ('check = "not_future"', "pattern = 'x'", "pattern", "has its own form", "kind text"),
    ("max_length = 80", "pattern = '[A-Z'", "pattern", "cannot be read", "[0-9]"),
    ("max_length = 80", "pattern = '([a-z]+)*x'\nhelp = { en = \"x\" }", "pattern", "very long", "Repeat no group"),
    ("max_length = 80", "pattern = 'a*b*c*d*'\nhelp = { en = \"x\" }", "pattern", "very long", "three times"),
    ("max_length = 80", "pattern = '[A-Z]{3}'", "pattern", "Nobody is told", "help"),
    ("max_length = 80", '\nchoices = { a = { en = "A" } }', "choices = {", "offers no choices", "choice"),
    ('land = { en = "Land", ur_unchecked = "زمین" }\n', "", "[fields.source.choices]", "nothing to choose", "two"),
    ("minimum = 1\n", "minimum = 30\n", "maximum = 20", "below “minimum”", "larger"),
    ("minimum = 1\n", "minimum = -1\n", "minimum = -1", "no number from 0", "minimum = 1"),
    ('fact = "applicant.born"', 'fact = "born"', 'fact = "born"', "of whom", "applicant.born"),
    ('fact = "applicant.born"', 'fact = "aplicant.born"', "aplicant", "no role “aplicant”", "applicant"),
    ('fact = "applicant.born"', 'prefill = "applicant.bron"', "bron", "under “bron”", "born"),
    (ELEVEN[:0] + "[rules.too_young]", ELEVEN + "[rules.too_young]", "[fields.more5]", "more than 10", "[pages]"),
    # conditions
    (WHEN, '{ field = "urgent", is = "yes" }\nmax', '{ field = "urgent", is = "yes" }\nmax', "further down", "above"),
    (WHEN, '{ field = "employer", is = "x" }\nmax', 'when = { field = "employer', "its own", "above it"),
    (WHEN, '{ field = "sauce", is = "x" }\nmax', "sauce", "no field “sauce”", "source"),
    (WHEN, "{ }\nmax", "when = { }", "one thing", "field"),
    (WHEN, '{ field = "source", role = "applicant" }\nmax', 'role = "applicant', "one thing", "all"),
    (WHEN, '{ field = "source" }\nmax', 'when = { field = "source" }', "one thing about", "is_not"),
    (WHEN, '{ field = "source", is = "salary", is_not = "land" }\nmax', "is_not", "one thing about", "is_not"),
    (WHEN, '{ field = "source", at_least = 5 }\nmax', "at_least", "number or money", "another field"),
    (WHEN, '{ field = "source", in = [] }\nmax', "in = []", "no items", "["),
    (WHEN, '{ field = "source", in = ["land", "land"] }\nmax', "in = [", "stands twice", "away"),
    (WHEN, '{ field = "source", in = ["land", 5] }\nmax', "in = [", "a whole number, not words", "["),
    (WHEN, '{ field = "monthly", is = "5" }\nmax', '{ field = "monthly', "kind money", "at_least"),
    (WHEN, '{ field = "born", is = "x" }\nmax', 'is = "x', "kind date", "older_than_days"),
    (WHEN, '{ field = "source", older_than_days = 5 }\nmax', "older_than", "kind date", "another field"),
    (WHEN, '{ field = "born", older_than_days = 5, than = "source" }\nmax', "than =", "kind date", "another"),
    (WHEN, '{ role = "buyer" }\nmax', "buyer", "cannot be “buyer”", "applicant"),
    (WHEN, '{ any = [ { field = "source", is = "x" } ] }\nmax', "any", "no answer “x”", "salary"),
    (WHEN, '{ any = [\n { role = "applicant" },\n 5 ] }\nmax', " 5 ]", "a whole number, not a table", "any"),
    (WHEN, f"{DEEP}\nmax", "not = {", "too deep", "8"),
    (
        'when = { field = "source", is = "salary" }\nmax',
        "when = true\nmax",
        "when = true",
        "true or false, not a table",
        "when",
    ),
    ('when = { field = "born", younger_than_years = 18 }\n', "", "[rules.too_young]", "“when” is missing", "when"),
    ('field = "born"\nsen', 'field = "boring"\nsen', "boring", "no field “boring”", "born"),
    ('next_step = "Ask a parent to apply."\n', "", "[rules.too_young]", "“next_step” is missing", "next_step"),
    # papers
    ('kind = "salary_slip"', 'kind = "Salary slip"', "Salary slip", "kind of paper", "matric_certificate"),
    ('of = "applicant"\nwhen', 'of = "father"\nwhen', 'of = "father', "“of” cannot be", "applicant"),
    ('"father_name", "born"]', '"fathers_name", "born"]', "fathers_name", "applicant.fathers_name", "father_name"),
    # fees
    ("amount = 100\n", "", "[fees.certificate]", "in one way", "amount = 300"),
    ("amount = 100\n", "amount = 100\npercent = 1\n", "percent", "in one way", "amount"),
    ("amount = 100\n", "amount = -1\n", "amount = -1", "no number", "300"),
    ("amount = 100\n", 'amount = "1.005"\n', "1.005", "part of a paisa", "two decimals"),
    ("amount = 100\n", "percent = 1\n", "[fees.certificate]", "“of” is missing", "value"),
    ("amount = 100\n", 'percent = 101\nof = "monthly"\n', "percent = 101", "“percent” is 101", "0 to 100"),
    ("amount = 100\n", 'percent = 1\nof = "copies"\n', 'of = "copies"', "kind number", "money"),
    ('of = "copies"', 'of = "monthly"', 'of = "monthly"', "kind money", "number"),
    (
        "amount = 100\n",
        'by = "copies"\nbands = [{ up_to = 5, amount = 1 }]\n',
        "bands",
        "Nothing is said above 5",
        "up_to",
    ),
    ("amount = 100\n", 'by = "copies"\nbands = [{ amount = 1 }, { amount = 2 }]\n', "bands", "without an end", "last"),
    (
        "amount = 100\n",
        'by = "copies"\nbands = [\n{ up_to = 5, amount = 1 },\n{ up_to = 5, amount = 2 },\n{ amount = 1 }]\n',
        "amount = 2",
        "not above 5",
        "rise",
    ),
    ("amount = 100\n", 'by = "copies"\nbands = [{ percent = 1 }]\n', "bands", "of what", "of ="),
    (
        "amount = 100\n",
        'by = "copies"\nbands = [{ up_to = 1 }, { amount = 1 }]\n',
        "bands",
        "an amount or a percent",
        "percent",
    ),
    ("amount = 100\n", 'by = "source"\nbands = [{ amount = 1 }]\n', 'by = "source"', "kind choice", "number or money"),
    ("amount = 100\n", 'days_since = "copies"\nbands = [{ amount = 1 }]\n', "days_since", "kind number", "date"),
    (
        "amount = 100\n",
        'by = "copies"\ndays_since = "born"\nbands = [{ amount = 1 }]\n',
        'by = "copies"',
        "two things",
        "Keep one",
    ),
    ("amount = 100\n", "bands = [{ amount = 1 }]\n", "[fees.certificate]", "“by” is missing", "days_since"),
    ('covers = ["certificate", "copies"]', 'covers = ["certificat"]', 'certificat"]', "no fee", "certificate"),
    # steps, days, certificate, appeal
    (
        'by = "officer"\nofficer_title = { en = "Tehsildar", ur_unchecked = "تحصیلدار" }\n',
        'by = "operator"\n',
        "[steps.intake]",
        "No officer",
        "officer_title",
    ),
    (
        'officer_title = { en = "Tehsildar", ur_unchecked = "تحصیلدار" }\n',
        "",
        "[steps.approve]",
        "“officer_title” is missing",
        "officer_title",
    ),
    (
        'by = "officer"\n',
        'by = "officer"\nwhen = { field = "urgent", is = "yes" }\n',
        'when = { field = "urgent", is = "yes" }\nofficer',
        "reach no officer",
        "not",
    ),
    ('by = "officer"', 'by = "outside"', "officer_title", "done by: outside", "officer"),
    ('office = "patwari"', 'office = "court"', "court", "“office” cannot be", "police"),
    ('office = "patwari"\n', "", "[steps.patwari]", "“office” is missing", "police"),
    ('by = "operator"', 'by = "operator"\noffice = "bank"', 'office = "bank"', "for steps outside", "outside"),
    ("count = 2 }", "count = 4000 }", "4000", "“count” is 4000", "3650"),
    ("count = 2 }", 'count = "2" }', '"2"', "words, not a whole number", "count"),
    ("count = 7 },", "count = 7 },\n{ count = 9 },", "count = 9", "never reached", "further up"),
    (
        "valid = { months = 12 }",
        'valid = [{ when = { field = "urgent", is = "yes" } }]',
        "valid",
        "valid else",
        "months",
    ),
    ("valid = { months = 12 }", 'valid = { months = 12, until = "born" }', "valid", "two ways", "Keep one"),
    ("valid = { months = 12 }", 'valid = { until = "source" }', "valid", "kind date", "another"),
    ("valid = { months = 12 }", 'photo = "photograph"', "photo =", "“photo” cannot be", "cnic"),
    ('languages = ["en", "ur"]', 'languages = ["en", "ta"]', "languages", "field “name” has no Tamil", "leave ta away"),
    ('languages = ["en", "ur"]', 'languages = ["english"]', "languages", "no language", "en"),
    ('holder = "applicant"', 'holder = "child"', "child", "“holder” cannot be", "applicant"),
    (
        '[certificate]\ntitle = { en = "Income certificate", ur_unchecked = "آمدنی کا سرٹیفکیٹ" }',
        '[certificate]\ntitle = { en = "Income certificate" }',
        "languages",
        "title has no Urdu",
        "leave ur away",
    ),
    ("valid = { months = 12 }\n", "valid = [{ months = 12 }\n\n\n", "valid = [", "list that begins above", "]"),
    ("within_days = 30\n", "", "[appeal]", "“within_days” is missing", "within_days"),
    ("sample = true", "sample = 1", "sample = 1", "not true or false", "true"),
]


def line_of(text: str, mark: str) -> int:
    return text.count("\n", 0, text.index(mark)) + 1


@pytest.mark.parametrize(("old", "new", "mark", "sentence", "step"), BAD, ids=[f"{n}" for n in range(len(BAD))])
def test_each_mistake_is_named_with_its_line_and_a_remedy(
    old: str, new: str, mark: str | None, sentence: str, step: str
) -> None:
    text = changed(old, new)
    refused = refusal(text)
    assert refused is not None
    assert sentence in refused.sentence
    assert step in refused.next_step
    expected = line_of(text, mark) if mark else line_of(text, new) + 1
    assert refused.line == expected, refused.sentence
    assert refused.sentence.startswith(f"{FILE}, line {expected}: ")


def test_two_fields_that_wait_for_each_other_are_named_so() -> None:
    text = changed(
        'kind = "number"\nlabel = { en = "Copies"',
        'kind = "number"\nwhen = { field = "urgent", is = "yes" }\nlabel = { en = "Copies"',
    ).replace('label = { en = "Urgent"', 'when = { field = "copies", at_least = 2 }\nlabel = { en = "Urgent"', 1)
    refused = refusal(text)
    assert refused is not None
    assert "“copies” and “urgent” wait for each other" in refused.sentence
    assert refused.line == line_of(text, 'when = { field = "urgent", is = "yes" }\nlabel')


@pytest.mark.parametrize(
    "name", ["Income.toml", "income-certificate.toml", ".toml", "1.toml", "x" * 41 + ".toml", "ä.toml"]
)
def test_a_file_name_that_is_no_id_is_refused(name: str) -> None:
    refused = refusal(EXAMPLE, name)
    assert refused is not None
    assert "Rename it" in refused.next_step


def test_what_is_no_text_is_refused_at_its_line() -> None:
    refused = refusal(b'country = "PK"\nstate = "\xff"\n')
    assert refused is not None
    assert (refused.line, "UTF-8" in refused.next_step) == (2, True)


@pytest.mark.parametrize(
    "content", [b"x = " + b"[" * 5000, b"x = " + b"9" * 5000, b"#" * (MAX_FILE_BYTES + 1), b"", b"\x00"]
)
def test_what_would_break_a_reader_is_refused_too(content: bytes) -> None:
    assert refusal(content) is not None


@pytest.mark.parametrize("form", ["[{}]", "{{ a = {} }}"])
def test_no_depth_of_lists_or_tables_breaks_the_reader(form: str) -> None:
    value = "1"
    for _ in range(600):
        value = form.format(value)
        if len(value) % 20 < len(form):
            refused = refusal(EXAMPLE.replace('state = "Khyber Pakhtunkhwa"', f"state = {value}"))
            assert refused is not None


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm() -> None:
    windows = b"\xef\xbb\xbf" + EXAMPLE.replace("\n", "\r\n").encode()
    assert refusal(windows) is None
    refused = refusal(windows.replace(b"PK", b"UK", 1))
    assert refused is not None
    assert refused.line == 2


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_file_with_any_line_missing_is_good_or_refused_within_it(data: st.DataObject) -> None:
    lines = EXAMPLE.splitlines(keepends=True)
    gone = data.draw(st.integers(0, len(lines) - 1))
    refused = refusal("".join(lines[:gone] + lines[gone + 1 :]))
    assert refused is None or 1 <= refused.line <= len(lines)


@given(st.text(max_size=30), st.integers(0, len(EXAMPLE)), st.integers(0, 12))
@settings(max_examples=300, deadline=None)
def test_whatever_is_written_into_a_file_only_a_refusal_comes_of_it(new: str, at: int, length: int) -> None:
    content = (EXAMPLE[:at] + new + EXAMPLE[at + length :]).encode("utf-8", "surrogatepass")
    refused = refusal(content)
    if refused is not None:
        assert refused.line >= 1
        assert refused.next_step


def test_the_example_is_good_and_every_key_in_it_has_its_line() -> None:
    assert read(EXAMPLE).id == "income_certificate"
    lines = EXAMPLE.splitlines()
    for place, line in places(EXAMPLE).items():
        if isinstance(place[-1], str):
            assert place[-1] in lines[line - 1], place

"""Search at the counter: what is found, in which order, and what is never found again."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.casework import applications, people
from appliance.casework.people import Person
from appliance.casework.search import search, search_forgiving
from appliance.journal import kinds as k
from appliance.journal.ids import EntityId
from appliance.records import search as index
from appliance.records.words import asked
from appliance.store.store import Draft
from appliance.store.verify import verify_home
from tests.integration.store.conftest import Bench
from tests.support.pages import holds

ZARMINA = Person(
    "Zarmina Bibi",
    "زرمینہ بی بی",
    "1990-05-17",
    "cnic",
    "17301-1234567-2",
    father_name="Yousaf Khan",
    father_name_native="یوسف خان",
    mother_name="Gul Bibi",
    phone="+92 300 1234567",
)


@pytest.fixture(params=[index.INDEXED_EVERY, 1], ids=["not yet indexed", "indexed"])
def here(request: pytest.FixtureRequest, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A node whose newest entries are in the index, or not yet."""
    monkeypatch.setattr(index, "INDEXED_EVERY", request.param)
    return bench


def add(bench: Bench, person: Person) -> EntityId:
    return people.add_person(bench.store, bench.operator, person)


def found(bench: Bench, text: str) -> list[EntityId]:
    return [hit.about for hit in search(bench.store, text)]


@pytest.mark.parametrize(
    "text",
    [
        "Zarmina",
        "zarm",
        "ZARMINA BIBI",
        "bibi zar",
        "Zármina",
        "زرمینہ",
        "زر",
        "زَرمینه",  # with a vowel point, and another form of the last letter
        "Yousaf",
        "یوسف خان",
        "يوسف",  # the Arabic form of the first letter
        "Gul Bib",
        "17301-1234567-2",
        "1730112345672",
        "17301 1234567 2",
        "17301",
        "۱۷۳۰۱",
        "5672",
        "1990-05-17",
        "17-05-1990",
        "17/5/1990",
        "17.05.1990",
        "1990",
        "17051990",
        "03001234567",
        "0300 1234567",
        "+92 300 1234567",
        "00923001234567",
        "4567",
        "zarmina 5672 yousaf 1990",
    ],
)
def test_a_person_is_found_by_any_name_number_or_day_by_its_beginning(here: Bench, text: str) -> None:
    about = add(here, ZARMINA)
    add(here, Person("Somebody Else", born="1971-02-03", identity_kind="cnic", identity_number="42000-0000000-0"))
    assert found(here, text) == [about]


@pytest.mark.parametrize("text", ["", "  ", "-", "zarmina khattak", "armina", "1234567", "zarmina 1991", '"', "a*"])
def test_what_has_not_every_word_is_not_found(here: Bench, text: str) -> None:
    add(here, ZARMINA)
    assert found(here, text) == []


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("ज़रमीना देवी", "जरमीना"),
        ("हाँसी", "हांसी"),
        ("முருகன்", "முரு"),
        ("ګل خان", "گل"),
        ("عبدالرحمٰن", "عبدالرحمن"),
        ("ﻣﺤﻤﺪ", "محمد"),  # presentation forms, as some keyboards and PDFs give them
        ("گل‌خان", "گلخان"),  # with a joiner in it
    ],
)
def test_the_same_letters_written_otherwise_are_the_same(here: Bench, written: str, typed: str) -> None:
    assert found_one(here, Person("X", written), typed)
    assert found_one(here, Person("X", typed), written[:3])


def found_one(bench: Bench, person: Person, text: str) -> bool:
    about = add(bench, person)
    return about in found(bench, text)


def test_an_application_is_found_by_its_number_its_service_and_its_answers(here: Bench) -> None:
    case = applications_of(here, name="Zarmina Bibi", born="1990-05-17", essay="x" * 100 + " unfindable")
    tracking = search(here.store, "zarmina")[0].title
    for text in (tracking, tracking[:14], tracking.replace("-", ""), "domic zarm", "17-05-1990"):
        assert found(here, text) == [case], text
    assert found(here, "unfindable") == []


def applications_of(bench: Bench, **fields: str) -> EntityId:
    """An application as the journal says it, whatever the catalogue holds."""
    person, case = bench.person("Applicant"), bench.store.new_id()
    body = k.ApplicationSubmitted(tracking="PEW01-2026-000042-T", service="domicile", applicant=person, fields=fields)
    bench.store.commit(bench.operator, lambda _: [Draft(body, case)])
    return case


def test_the_newest_come_first_page_by_page(here: Bench) -> None:
    added = [add(here, Person(f"Gul Number{n}")) for n in range(7)]
    seen: list[EntityId] = []
    before = None
    while page := search(here.store, "gul", limit=3, before=before):
        assert len(page) <= 3
        seen += [hit.about for hit in page]
        before = page[-1].seq
    assert seen == added[::-1]


def test_what_is_found_says_what_tells_it_from_others(here: Bench) -> None:
    add(here, ZARMINA)
    (hit,) = search(here.store, "zarmina")
    assert (hit.kind, hit.title, hit.at, hit.status) == (
        "person",
        "Zarmina Bibi (زرمینہ بی بی)",
        "2026-11-22T09:00:00.000Z",
        "",
    )
    assert hit.detail == "17301-1234567-2, born 1990-05-17, father Yousaf Khan"


def test_a_whole_aadhaar_number_finds_what_is_kept_of_it(here: Bench) -> None:
    about = add(here, Person("Asha", identity_kind="aadhaar", identity_number="9999 4105 7058"))
    for text in ("9999 4105 7058", "999941057058", "7058"):
        assert found(here, text) == [about]
    assert found(here, "99994105") == []
    assert search(here.store, "asha")[0].detail == "xxxx-xxxx-7058"


def test_a_corrected_person_is_found_by_what_is_so_now_and_nothing_else_is_lost(here: Bench) -> None:
    about = add(here, ZARMINA)
    people.correct_person(here.store, here.operator, about, {"name": "Palwasha Bibi"}, "read wrongly")
    assert found(here, "zarmina") == []
    assert found(here, "palwasha یوسف 5672") == [about]
    assert verify_home(here.store.layout, here.key).ok


def test_a_merged_record_is_still_found_and_says_so(here: Bench) -> None:
    one, other = add(here, ZARMINA), add(here, Person("Zarmeena"))
    people.merge(here.store, here.officer, other, one, "one and the same")
    assert [hit.status for hit in search(here.store, "zarmeena")] == ["merged"]


def test_the_words_of_who_was_erased_are_in_no_page_and_found_no_more(here: Bench) -> None:
    """Also where others have words that begin alike, so that the index had cut them short."""
    database = here.store.layout.database
    for n in range(40):
        add(here, Person(f"Qwerty{n:02d} Qxzv{n:02d}"))
    about = add(here, Person("Qwzzxcanary Vxqcanary", "ڑںکینری", phone="03335550001"))
    for n in range(40):
        add(here, Person(f"Qwzz{n:02d} Vxq{n:02d}"))
    assert found(here, "qwzzxcanary ڑںکینری") == [about]
    applications.erase(here.store, here.supervisor, about, "asked to")
    assert found(here, "qwzzxcanary") == []
    assert found(here, "0001") == []
    for piece in ("qwzzxc", "zzxcan", "vxqcan", "xcanary", "qcanary", "ڑنکینری", "3335550001", "canary"):
        assert not holds(database, here.key, piece.encode()), piece
    assert verify_home(here.store.layout, here.key).ok


def test_an_index_that_lacks_a_word_or_has_one_too_many_is_found(here: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "INDEXED_EVERY", 1)
    add(here, ZARMINA)
    for change in (
        "INSERT INTO folded_words (rowid, name) VALUES (999, 'stranger')",
        "UPDATE searched SET indexed = 0",
    ):
        assert verify_home(here.store.layout, here.key).ok
        with here.store._database.write() as tx:
            tx._connection.execute("SAVEPOINT before")
            tx._connection.execute(change)
        assert any("search uses" in reason for reason in verify_home(here.store.layout, here.key).reasons)
        here.store.refold()


NAMES = ["gul", "gulab", "khan", "khanum", "bibi", "muhammad", "muhammadi", "muhammadzai", "زرمینہ", "گل"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.sampled_from([1, 3, 8, 64]), st.integers(1, 4))
def test_search_finds_what_looking_at_every_person_finds(
    benches: Callable[[], Bench], seed: int, every: int, limit: int
) -> None:
    """Whatever was added, corrected and erased, however far behind the index is, and after folding again."""
    drawn, bench = random.Random(seed), benches()
    there: dict[EntityId, str] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "INDEXED_EVERY", every)
        patch.setattr(index, "TRIED_FIRST", 1)
        for _ in range(drawn.randint(1, 25)):
            name = " ".join(drawn.sample(NAMES, drawn.randint(1, 3)))
            turn = drawn.random()
            if turn < 0.7 or not there:
                there[add(bench, Person(name))] = name
                continue
            about = drawn.choice(list(there))
            if turn < 0.9 and name != there[about]:
                people.correct_person(bench.store, bench.operator, about, {"name": name}, "x")
                there[about] = name
            elif turn >= 0.9:
                applications.erase(bench.store, bench.supervisor, about, "x")
                del there[about]
        if drawn.random() < 0.3:
            bench.store.refold()
        for _ in range(6):
            text = " ".join(drawn.choice(NAMES)[: drawn.randint(1, 11)] for _ in range(drawn.randint(1, 2)))
            wanted = [about for about, name in there.items() if fits(name, text)][::-1]
            assert [hit.about for hit in search(bench.store, text)] == wanted
            first = search(bench.store, text, limit=limit)
            assert [hit.about for hit in first] == wanted[:limit]
            if len(first) == limit:
                rest = search(bench.store, text, before=first[-1].seq)
                assert [hit.about for hit in rest] == wanted[limit:]
    assert verify_home(bench.store.layout, bench.key).ok


def fits(name: str, text: str) -> bool:
    return all(any(word.startswith(group) for word in name.split() for group in each) for each in asked(text))


# Forgiving


@pytest.mark.parametrize(
    "typed",
    ["Zarmeena Beebi", "Zermina", "Zarmina Bebe", "Zarmna", "Zarmnia", "Zamrina", "Zarbina", "زرمینا", "ज़रमीना"],
)
def test_a_misspelled_name_or_one_in_another_script_is_forgiven(here: Bench, typed: str) -> None:
    about = add(here, ZARMINA)
    add(here, Person("Palwasha Khattak"))
    assert [hit.about for hit in search_forgiving(here.store, typed)] == [about]


def test_the_likest_come_first_and_numbers_must_be_right(here: Bench) -> None:
    like = add(here, Person("Zarmeen", born="1980-01-01"))
    same = add(here, Person("Zarmina", born="1990-01-01"))
    other = add(here, Person("Zarmeena", born="1990-01-01"))
    add(here, Person("Gul Khan"))
    assert [hit.about for hit in search_forgiving(here.store, "Zarmina")][:1] == [same]
    assert {hit.about for hit in search_forgiving(here.store, "Zarmina")} == {like, same, other}
    assert {hit.about for hit in search_forgiving(here.store, "Zarmina 1990")} == {same, other}
    assert search_forgiving(here.store, "1990") == []
    assert search_forgiving(here.store, "") == []

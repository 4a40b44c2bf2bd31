"""What the page of a certificate shows, as plain values for its template: every string, in the order of the page."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final

from appliance.certificates.record import LANGUAGES, Attester, CertificateRecord, Document, Fact, is_date
from appliance.certificates.wording import IDENTITY_KINDS, say_date, words

MAX_RUNNING_NAME: Final = 48
"""Characters of a name at the head of a further page."""
MAX_WHOLE: Final = 400
"""Characters of a value that stays whole on one page; a longer one breaks, and has nothing under it."""
RIGHT_TO_LEFT: Final = ("ur", "ps")
_LONG_NAME: Final = 36
MANY_ROWS: Final = 13
MANY_ROWS_OF_NASTALIQ: Final = 7
"""More of them, headings counted, stand closer together, so that they stay on one page."""

Said = dict[str, str | None]
"""A text, its language and script; `under` is what a reader of the file is to find, where the drawn letters hide it."""

_ARABIC: Final = re.compile("[\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufeff]")
_DEVANAGARI: Final = re.compile("[\u0900-\u097f]")
_TAMIL: Final = re.compile("[\u0b80-\u0bff]")
_DIGIT_OR_LATIN: Final = "0-9A-Za-z\u0660-\u0669\u06f0-\u06f9"
_LATIN: Final = re.compile(f"[{_DIGIT_OR_LATIN}]+(?:[-/.:+][{_DIGIT_OR_LATIN}]+)*")
_TURNS: Final = re.compile(f"(?<![{_DIGIT_OR_LATIN}])[،,.:/]|[،,.:/](?![{_DIGIT_OR_LATIN}])|[()]")
_RIGHT_TO_LEFT_MARK: Final = "\u200f"
_PLOTS: Final = re.compile(r"\s*[0-9][0-9A-Za-z/.-]*(?:\s*[,;،]\s*[0-9][0-9A-Za-z/.-]*)+\s*")
_BETWEEN_PLOTS: Final = re.compile(r"\s*[,;،]\s*")


def page_data(record: CertificateRecord, marks: Sequence[str]) -> dict[str, object]:
    """Everything the template shows, but for pictures."""
    languages = record.languages
    native = next((each for each in languages if each != "en"), languages[0])
    design, holder = record.design, record.holder
    facts = (*_of_holder(record), *record.facts)
    parts = _parts([_fact(fact, languages, native) for fact in facts], facts, languages)
    return {
        "languages": languages,
        "design": {"accent": design.accent, "ornament": design.ornament},
        "number": record.number,
        "tracking": record.tracking,
        "centre": record.centre,
        "centre_name": record.centre_name,
        "summary": f"{record.service} {record.number}, {record.issued_on}",
        "title": said(record.title, languages),
        "running_title": saying("en", record.title["en"]) if "en" in record.title else said(record.title, languages)[0],
        "authority": said(record.authority, languages),
        "statement": said(record.statement, languages) or phrases("issued_to", languages),
        "band": _band(record),
        "replaces": [
            saying(each, words("replaces", each).format(number=record.replaces))
            for each in languages
            if record.replaces
        ],
        "holder": {
            "name": holder.name,
            "long": len(holder.name) > _LONG_NAME,
            "running": textwrap.shorten(holder.name, MAX_RUNNING_NAME, placeholder=" …"),
            "native": saying(native, holder.name_native) if holder.name_native else None,
        },
        "parts": parts,
        "long": any(len(text) > MAX_WHOLE for fact in facts for text in (fact.value, fact.value_native)),
        "tight": _rows(record, facts) > (MANY_ROWS_OF_NASTALIQ if "ur" in languages else MANY_ROWS),
        "attested_by": _attester(record.attested_by, languages),
        "attested": said(design.attested, languages) or phrases("attested", languages),
        "holder_signature": phrases("holder_signature", languages),
        "sealed": phrases("sealed" if record.sealed_by == "centre" else "signed", languages),
        "signed_by": None if record.signed_by is None else _attester(record.signed_by, languages),
        "verify": phrases("verify", languages),
        "document": None if record.document is None else _document(record.document, languages),
        "marks": list(dict.fromkeys([*(["SPECIMEN"] if record.specimen else []), *marks])),
    }


def saying(language: str, text: str) -> Said:
    """A text in a language, as the template takes it."""
    script, under = "", None
    if len(text) > MAX_WHOLE:
        return {"lang": language, "text": text, "script": script, "under": under}
    if _ARABIC.search(text):
        script, under = "arab", _for_readers(text)
    elif _DEVANAGARI.search(text):
        script, under = "deva", text
    elif _TAMIL.search(text):
        script, under = "taml", text
    return {"lang": language, "text": text, "script": script, "under": under}


def said(text: Mapping[str, str], languages: Sequence[str]) -> list[Said]:
    """A text in the languages of the page that it has; in any, where it has none of them."""
    shown = [each for each in languages if text.get(each)] or list(text)[:1]
    return [saying(each, text[each]) for each in shown]


def phrases(what: str, languages: Sequence[str]) -> list[Said]:
    """A phrase of ours in the languages of the page. A reader of the file finds it in English, where that is one."""
    said = [saying(each, words(what, each)) for each in languages]
    if "en" in languages:
        said = [{**each, "under": each["under"] and ""} for each in said]
    return said


def _for_readers(text: str) -> str:
    """Words from right to left as readers keep them in order, who put letters in order by where they stand.

    They take a comma, point or stroke for the other direction, and put what follows it in front; numbers lose the space
    beside them, if no mark of direction stands there.
    """
    plain = _TURNS.sub(" ", text)
    return " ".join(_LATIN.sub(lambda found: f"{_RIGHT_TO_LEFT_MARK}{found[0]}{_RIGHT_TO_LEFT_MARK}", plain).split())


def _band(record: CertificateRecord) -> list[dict[str, object]]:
    entries = [("number", record.number), ("issued", say_date(record.issued_on, "en"))]
    if record.expires_on is not None:
        entries.append(("expires", say_date(record.expires_on, "en")))
    return [{"labels": phrases(what, record.languages), "value": value} for what, value in entries]


def _attester(who: Attester, languages: Sequence[str]) -> dict[str, object]:
    return {"name": who.name, "title": said(who.title, languages)}


def _document(document: Document, languages: Sequence[str]) -> dict[str, object]:
    pages = document.pages
    told = [saying(each, words("scan", each).format(pages=pages)) for each in languages]
    return {
        "sha256": document.sha256,
        "pages": pages,
        "said": told,
        "copy": phrases("copy", languages),
        "bands": [f"{words('copy', 'en')}, page {at + 1} of {pages}" for at in range(pages)],
    }


def _of_holder(record: CertificateRecord) -> list[Fact]:
    """What the record says of the holder, as the first facts of the page."""
    holder = record.holder
    facts = []
    if holder.identity_number_shown:
        kind = holder.identity_kind if holder.identity_kind in IDENTITY_KINDS else "identity"
        facts.append(_stock(kind, holder.identity_number_shown))
    if holder.born:
        facts.append(_stock("born", holder.born))
    return facts


def _stock(what: str, value: str) -> Fact:
    return Fact({language: words(what, language) for language in LANGUAGES}, value)


def _fact(fact: Fact, languages: Sequence[str], native: str) -> dict[str, object]:
    value, other = fact.value, fact.value_native
    if is_date(value):
        other = other or (say_date(value, native) if native != "en" else "")
        value = say_date(value, "en")
    if other == value:
        other = ""
    if "en" not in languages and other:
        value, other = other, ""
    own = "en" if "en" in languages else native
    return {
        "labels": said(fact.label, languages),
        "value": saying(own, value),
        "native": saying(native, other) if other else None,
        "cells": [saying(own, each) for each in _lines(value)] if fact.shown == "column" else [],
    }


def _lines(value: str) -> list[str]:
    """The rows of a column: its lines, or the plots that stand in one line."""
    lines = [line for line in value.split("\n") if line.strip()]
    if len(lines) == 1 and _PLOTS.fullmatch(lines[0]):
        return _BETWEEN_PLOTS.split(lines[0].strip())
    return lines or [value]


def _parts(shown: list[dict[str, object]], facts: Sequence[Fact], languages: Sequence[str]) -> list[dict[str, object]]:
    """Facts that stand beside each other and are shown alike, under the heading of the first."""
    begun = 0
    keyed = []
    for entry, fact in zip(shown, facts, strict=True):
        begun += bool(fact.heading)
        keyed.append(((begun, fact.shown), entry, fact))
    parts: list[dict[str, object]] = []
    for (_, how), group in groupby(keyed, key=lambda each: each[0]):
        members = list(group)
        rows = max(1, *(len(_lines(fact.value)) for _, _, fact in members)) if how == "column" else 1
        entries = [entry for _, entry, _ in members]
        for entry in entries:
            _fill(entry, rows)
        left, right = _sides(said(members[0][2].heading, languages))
        parts.append({"left": left, "right": right, "shown": how, "facts": entries, "rows": rows})
    return parts


def _rows(record: CertificateRecord, facts: Sequence[Fact]) -> int:
    """About how many rows a page takes, headings and what else stands in lines of its own counted."""
    longest = max((len(_lines(fact.value)) for fact in facts if fact.shown == "column"), default=0)
    others = 2 * (record.document is not None) + 2 * bool(record.replaces)
    return longest + others + sum((fact.shown != "column") + bool(fact.heading) for fact in facts)


def _sides(heading: list[Said]) -> tuple[list[Said], list[Said]]:
    """A heading for either end of its line: one from left to right, or the first; and one more."""
    left = next((each for each in heading if each["lang"] not in RIGHT_TO_LEFT), heading[0] if heading else None)
    right = next((each for each in heading if each is not left), None)
    return [] if left is None else [left], [] if right is None else [right]


def _fill(entry: dict[str, object], rows: int) -> None:
    """Make a column with some rows as long as the longest; one with a single row stands beside all of them."""
    cells = entry["cells"]
    if isinstance(cells, list) and len(cells) > 1:
        cells.extend(saying("en", "") for _ in range(rows - len(cells)))

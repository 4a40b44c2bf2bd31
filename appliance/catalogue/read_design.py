"""How the page of a service's certificate looks: `[certificate.design]`, every part of it with a default."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from appliance.catalogue import model as m
from appliance.catalogue.reading import Table, closest

EXAMPLE: Final = "[certificate.design]"


def read_design(certificate: Table, shows: Sequence[str], languages: Sequence[str]) -> m.Design:
    """Read the design of a certificate that shows these fields in these languages.

    Raises:
        BadService: it names a field that is not shown, or lacks a language.
    """
    if not certificate.has("design"):
        return m.Design()
    table = certificate.table("design", EXAMPLE)
    large = _shown(table, "large", shows)
    columns = _shown(table, "columns", shows)
    for number, each in enumerate(columns):
        if each in large:
            raise table.source.bad(
                (*table.place, "columns", number), f"“{each}” is both large and a column.", "Keep one of them."
            )
    design = m.Design(
        accent=table.one_of("accent", m.ACCENTS, m.Design.accent),
        ornament=table.one_of("ornament", m.ORNAMENTS, m.Design.ornament),
        signed=table.flag("signed", default=True),
        statement=_text(table, "statement", languages),
        attested=_text(table, "attested", languages),
        large=large,
        columns=columns,
        headings=_texts(table, "headings", shows, languages),
        labels=_texts(table, "labels", shows, languages),
    )
    table.end()
    return design


def _shown(table: Table, key: str, shows: Sequence[str]) -> tuple[str, ...]:
    found = table.list_of_words(key, ())
    for number, each in enumerate(found):
        if each not in shows:
            raise table.source.bad(
                (*table.place, key, number), f"The certificate does not show “{each}”.", closest(each, shows)
            )
    return found


def _text(table: Table, key: str, languages: Sequence[str]) -> m.Text:
    if not table.has(key):
        return m.NO_TEXT
    text = table.text(key)
    for each in languages:
        if not text.has(each):
            raise table.bad(
                key,
                f"“{key}” has no {m.LANGUAGES[each]}, and the certificate is in it.",
                f"Write {each} = “…” (or {each}_unchecked).",
            )
    return text


def _texts(table: Table, key: str, shows: Sequence[str], languages: Sequence[str]) -> dict[str, m.Text]:
    if not table.has(key):
        return {}
    within = table.table(key, f"[certificate.design.{key}]")
    within.only(shows)
    return {each: _text(within, each, languages) for each in shows if within.has(each)}

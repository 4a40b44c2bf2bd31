"""Lines of keys in TOML: against the parser's own values, and against a second writer of TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from appliance.catalogue import bundled
from appliance.catalogue.located import Place, places

TRICKY = '''
# [not.a.table]
a = "[x] # no comment \\" still"   # { comment
b = """
c = 1
[d]
"""
e = [ 1, # one
  "]", { f = 2, "g h" = [3] },
]
i.j . "k" = '# \\'
[l.m]
n = 2026-01-01 10:00:00
[[o]]
p = 1
[[o]]
p = \'\'\'
x\'\'\'\'
[[o.q]]
r = 1
[o.s]
t = {}
"u\\u0301" = -1.5e3
'''
LINES: dict[Place, int] = {
    ("a",): 3,
    ("b",): 4,
    ("e",): 8,
    ("e", 0): 8,
    ("e", 1): 9,
    ("e", 2): 9,
    ("e", 2, "f"): 9,
    ("e", 2, "g h"): 9,
    ("e", 2, "g h", 0): 9,
    ("i",): 11,
    ("i", "j"): 11,
    ("i", "j", "k"): 11,
    ("l",): 12,
    ("l", "m"): 12,
    ("l", "m", "n"): 13,
    ("o",): 14,
    ("o", 0): 14,
    ("o", 0, "p"): 15,
    ("o", 1): 16,
    ("o", 1, "p"): 17,
    ("o", 1, "q"): 19,
    ("o", 1, "q", 0): 19,
    ("o", 1, "q", 0, "r"): 20,
    ("o", 1, "s"): 21,
    ("o", 1, "s", "t"): 22,
    ("o", 1, "s", "u\u0301"): 23,
}


def every_place(value: object, place: Place = ()) -> Iterator[Place]:
    if place:
        yield place
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from every_place(inner, (*place, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from every_place(inner, (*place, number))


def test_the_forms_of_toml() -> None:
    assert set(every_place(tomllib.loads(TRICKY))) == set(LINES)
    assert places(TRICKY) == LINES


@pytest.mark.parametrize("path", sorted(bundled().glob("*.toml")), ids=lambda path: path.stem)
def test_every_place_of_a_bundled_service_is_found_on_a_line_that_names_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = places(text)
    assert set(found) == set(every_place(tomllib.loads(text)))
    lines = text.splitlines()
    assert all(str(place[-1]) in lines[line - 1] for place, line in found.items() if isinstance(place[-1], str))


keys = st.text("abz-_ .\"'\\é#[]{}=\u0301", min_size=1, max_size=4)
values: st.SearchStrategy[object] = st.recursive(
    st.one_of(st.integers(-5, 5), st.booleans(), st.dates(), st.text("ab\"'\\#[]{}=\n,é", max_size=6)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=8,
)


@given(st.dictionaries(keys, values, max_size=4))
def test_whatever_a_writer_of_toml_writes_every_place_has_a_line_and_lines_never_fall(tree: dict[str, object]) -> None:
    text = tomlkit.dumps(tree)
    found = places(text)
    assert set(found) == set(every_place(tomllib.loads(text)))
    assert all(1 <= line <= text.count("\n") + 1 for line in found.values())
    assert all(found[place] >= found[place[:-1]] for place in found if len(place) > 1)

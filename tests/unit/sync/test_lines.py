"""What changed between two texts of lines."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.lines import BadDelta, apply_deltas, make_delta

LIMIT = 1 << 20
TEXTS = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"\n", b".\n", b"+1\n", b"=0 1\n"])).map(b"".join)


@settings(max_examples=500)
@given(TEXTS, TEXTS)
def test_what_changed_makes_the_new_text_of_the_old_one(old: bytes, new: bytes) -> None:
    assert apply_deltas(old, make_delta(old, new), limit=LIMIT) == new


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_several_changes_are_applied_one_after_the_other(texts: list[bytes]) -> None:
    deltas = b"".join(make_delta(old, new) for old, new in pairwise(texts))
    assert apply_deltas(texts[0], deltas, limit=LIMIT) == texts[-1]


def test_one_line_among_many_is_all_that_is_carried() -> None:
    old = b"".join(b"line %d\nsame\n" % each for each in range(1000))
    new = old.replace(b"line 500\n", b"another line\n")
    assert make_delta(old, new) == b"=0 1000\n+1\nanother line\n=1001 999\n.\n"


@settings(max_examples=500)
@given(TEXTS, st.binary(max_size=60))
def test_whatever_comes_for_a_delta_is_refused_or_applied_never_more(old: bytes, junk: bytes) -> None:
    try:
        made = apply_deltas(old, junk, limit=100)
    except BadDelta:
        return
    assert len(made) <= max(100, len(old))


@pytest.mark.parametrize(
    "delta", [b"=0 3\n.\n", b"+2\na\n.\n", b"+1\na", b"=0 1\n", b"=0 1\n" * 200 + b".\n", b"<html>\n"]
)
def test_a_delta_that_does_not_fit_is_refused(delta: bytes) -> None:
    with pytest.raises(BadDelta):
        apply_deltas(b"a\nb\n", delta, limit=100)

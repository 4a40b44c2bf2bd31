"""Native script in a terminal: as many cells as letters, Latin all of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.latin import latin


@pytest.mark.parametrize(
    ("native", "shown"),
    [
        ("گل بی بی", "gl by by"),
        ("ثمینہ خان", "ṡmynh xan"),
        ("پښتو", "pstw"),
        ("राम", "rām"),
        ("தமிழ்", "tmiḻ·"),
        ("۱۲۳", "123"),
        ("Peshawar", "Peshawar"),
        ("Lahore \u202eabc", "Lahore ·abc"),
    ],
)
def test_native_letters_are_shown_as_latin_ones(native: str, shown: str) -> None:
    assert latin(native) == shown


@given(st.text(st.characters(exclude_characters="\n"), max_size=40))
def test_whatever_is_shown_takes_one_cell_a_character(text: str) -> None:
    told = latin(text)
    assert len(told) == len(text) == cell_len(told)

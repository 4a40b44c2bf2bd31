"""What people type for the courier."""

from __future__ import annotations

import pytest

from appliance.journal.errors import OperatorError
from provisioning.couriercommands import size_of


@pytest.mark.parametrize(
    ("text", "size"),
    [("4000000", 4_000_000), ("500M", 500_000_000), ("4g", 4_000_000_000), ("900 k", None), ("700MB", 700_000_000)],
)
def test_sizes_are_read_as_sticks_are_labelled(text: str, size: int | None) -> None:
    if size is None:
        with pytest.raises(OperatorError):
            size_of(text)
    else:
        assert size_of(text) == size


@pytest.mark.parametrize("text", ["", "lots", "-1", "1.5G", "4T", "9" * 20])
def test_what_is_no_size_is_refused_in_words(text: str) -> None:
    with pytest.raises(OperatorError, match="no size"):
        size_of(text)

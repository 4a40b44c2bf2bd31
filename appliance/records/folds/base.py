"""The fold: what each kind of entry does to the tables, as values.

One function a kind, from an entry and its body to operations (a statement and its parameters); nothing is executed
here and nothing else is read: no clock, no catalogue, no table. The same functions fold at the node and at central.

A function touches rows of the entry's own subject only, so that erasing a subject is deleting its rows. A kind about
nobody in particular (`-`) may touch the rows of the journal itself: such an entry is never erased. What spans subjects
is in `header_ops`, and made of the header alone. Tests hold each of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, Final, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy import bindparam

from appliance.journal import kinds as k
from appliance.journal.entry import Header
from appliance.journal.ids import NOBODY
from appliance.records import tables as t

# Raise it when a fold function changes; a changed table is noticed by itself.
FOLD_VERSION: Final = 9

Op = tuple[sa.Executable, dict[str, object]]
Ops = Iterator[Op]
B = TypeVar("B", bound=k.Body)


class About(Enum):
    """What entries of a kind are about."""

    SOMEBODY = "somebody"
    NOBODY = "nobody"
    EITHER = "either"


class Fold(NamedTuple):
    """How one kind is folded."""

    ops: Callable[[Header, Any], Ops]
    about: About
    by_header: bool = False
    """Whether the header alone says it all, so that it counts even where the body is gone, or not of its form."""

    def suits(self, header: Header) -> bool:
        """Whether the entry is about what its kind is about; another one folds to nothing."""
        return self.about is About.EITHER or (self.about is About.NOBODY) == (header.about == NOBODY)


FOLDS: Final[dict[str, Fold]] = {}
"""The kinds that a node writes."""
ORDER_FOLDS: Final[dict[str, Fold]] = {}
"""The kinds that central writes into the orders for a node; in a node's own journal they say nothing."""


def folds(
    body: type[B], about: About = About.SOMEBODY, into: dict[str, Fold] = FOLDS, *, by_header: bool = False
) -> Callable[[Callable[[Header, B], Ops]], Callable[[Header, B], Ops]]:
    """Register what folds entries with this body."""

    def register(function: Callable[[Header, B], Ops]) -> Callable[[Header, B], Ops]:
        into[body.KIND] = Fold(function, about, by_header)
        return function

    return register


def update(table: sa.Table, *columns: str) -> sa.Executable:
    """Set columns of the row of a subject; its values are those of `key`."""
    return sa.update(table).where(t.where_key(table)).values({name: bindparam(name) for name in columns})


def row(header: Header, **values: object) -> dict[str, object]:
    """The values of a new row about the entry's subject."""
    return {"journal": header.journal, "about": header.about, **values}


def key(header: Header, **values: object) -> dict[str, object]:
    """What names the row of the entry's subject in `update` and `where_key`, and the values to set."""
    return {"k_journal": header.journal, "k_about": header.about, **values}


def of_node(header: Header) -> str:
    """The node's journal, in an order, whose own journal is named after it."""
    return header.journal.removesuffix(".orders")

"""Citizens: as they were written down, put right, found to be one, related to each other, and identified."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from appliance.journal.kinds.base import Body, Id, Line, Remark, kind

MAX_CHANGES_OF_A_PERSON: Final = 32
Changes = Annotated[dict[Line, Line], msgspec.Meta(min_length=1, max_length=MAX_CHANGES_OF_A_PERSON)]


@kind("person.added")
class PersonAdded(Body, frozen=True, kw_only=True):
    """A citizen as first written down at the counter.

    `born` is a day, a month or a year (ISO 8601), as on the paper seen. `identity_number` is what is kept of it, and
    `identity_mark` a keyed hash of the whole number where it is not kept whole.
    """

    name: Line
    name_native: Line = ""
    born: Line = ""
    identity_kind: Line = ""
    identity_number: Line = ""
    identity_mark: Line = ""
    native_language: Line = ""
    gender: Line = ""
    father_name: Line = ""
    father_name_native: Line = ""
    mother_name: Line = ""
    mother_name_native: Line = ""
    phone: Line = ""
    address: Line = ""


@kind("person.corrected")
class PersonCorrected(Body, frozen=True, kw_only=True):
    """What is written down of a person was put right: the fields of `person.added` that change, and what they are."""

    changes: Changes
    reason: Remark


@kind("person.merged")
class PersonMerged(Body, frozen=True, kw_only=True):
    """The person that this entry is about and `into` are one and the same, written down twice."""

    into: Id
    reason: Remark


@kind("person.unmerged")
class PersonUnmerged(Body, frozen=True, kw_only=True):
    """That was wrong: they are two, each as written down before."""

    reason: Remark


@kind("person.linked")
class PersonLinked(Body, frozen=True, kw_only=True):
    """`other` is the `relation` of the person that this entry is about: the father, the guardian, the representative.

    `authority` is on what ground, as the paper says; `until` the last day (ISO 8601), empty for no end.
    """

    other: Id
    relation: Line
    authority: Line = ""
    until: Line = ""


@kind("person.unlinked")
class PersonUnlinked(Body, frozen=True, kw_only=True):
    """`other` is not, or no longer, that to the person."""

    other: Id
    relation: Line
    reason: Remark


@kind("person.verified")
class PersonVerified(Body, frozen=True, kw_only=True):
    """How somebody made sure who a person is, and what came out.

    `online`: `adapter` asked the authority; `reference` is its own for the transaction. `seen`: whoever wrote the entry
    held `paper`, with `reference` as its number, beside the person.
    """

    method: Literal["online", "seen"]
    outcome: Literal["matched", "not_matched", "unavailable"]
    adapter: Line = ""
    reference: Line = ""
    paper: Line = ""
    remark: Remark = ""

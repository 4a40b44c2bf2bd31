"""Citizens."""

from __future__ import annotations

from appliance.journal.kinds.base import Body, Line, kind


@kind("person.added")
class PersonAdded(Body, frozen=True, kw_only=True):
    """A citizen as first written down at the counter."""

    name: Line
    name_native: Line = ""
    born: Line = ""
    identity_kind: Line = ""
    identity_number: Line = ""

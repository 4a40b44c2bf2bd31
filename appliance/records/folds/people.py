"""Citizens."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from appliance.journal import kinds as k
from appliance.journal.entry import Header
from appliance.records import tables as t
from appliance.records.folds.base import Ops, folds, key, row, update
from appliance.records.folds.search import found_by, found_instead_by
from appliance.records.statements import add_once

WRITTEN_DOWN: Final = k.PersonAdded.__struct_fields__
"""What is written down of a person, by the names of the body and of the table alike."""
IDENTIFYING: Final = frozenset({"name", "born", "identity_kind", "identity_number", "identity_mark"})
"""What an authority, or a paper, was compared with when an identity was verified."""

_SEARCHED: Final = tuple(name for name in WRITTEN_DOWN if name in t.WORDS)
_ADD_PERSON: Final = add_once(t.people)
_CORRECT: Final = {name: update(t.people, name) for name in WRITTEN_DOWN}
_IDENTIFY_ANEW: Final = update(t.people, "identified_seq")


@folds(k.PersonAdded)
def _person_added(header: Header, body: k.PersonAdded) -> Ops:
    written = {name: getattr(body, name) for name in WRITTEN_DOWN}
    yield _ADD_PERSON, row(header, **written, added_at=header.at, identified_seq=header.seq, merged_into="")
    yield from found_by(header, "person", **{name: written[name] for name in _SEARCHED})


@folds(k.PersonCorrected)
def _person_corrected(header: Header, body: k.PersonCorrected) -> Ops:
    for name, value in body.changes.items():
        if name in _CORRECT:
            yield _CORRECT[name], key(header, **{name: value})
    yield from found_instead_by(header, **{name: body.changes[name] for name in _SEARCHED if name in body.changes})
    if IDENTIFYING & body.changes.keys():
        yield _IDENTIFY_ANEW, key(header, identified_seq=header.seq)


_MERGE: Final = update(t.people, "merged_into")


@folds(k.PersonMerged)
def _person_merged(header: Header, body: k.PersonMerged) -> Ops:
    yield _MERGE, key(header, merged_into=body.into)


@folds(k.PersonUnmerged)
def _person_unmerged(header: Header, _: k.PersonUnmerged) -> Ops:
    yield _MERGE, key(header, merged_into="")


_ADD_LINK: Final = add_once(t.links)
_DROP_LINK: Final = sa.delete(t.links).where(
    t.where_key(t.links), t.links.c.other == bindparam("k_other"), t.links.c.relation == bindparam("k_relation")
)


@folds(k.PersonLinked)
def _person_linked(header: Header, body: k.PersonLinked) -> Ops:
    yield _DROP_LINK, key(header, k_other=body.other, k_relation=body.relation)
    yield (
        _ADD_LINK,
        row(
            header,
            other=body.other,
            relation=body.relation,
            authority=body.authority,
            until=body.until,
            linked_at=header.at,
            linked_by=header.by,
        ),
    )


@folds(k.PersonUnlinked)
def _person_unlinked(header: Header, body: k.PersonUnlinked) -> Ops:
    yield _DROP_LINK, key(header, k_other=body.other, k_relation=body.relation)


_ADD_VERIFICATION: Final = add_once(t.verifications)


@folds(k.PersonVerified)
def _person_verified(header: Header, body: k.PersonVerified) -> Ops:
    yield (
        _ADD_VERIFICATION,
        row(
            header,
            seq=header.seq,
            method=body.method,
            outcome=body.outcome,
            adapter=body.adapter,
            reference=body.reference,
            paper=body.paper,
            remark=body.remark,
            verified_at=header.at,
            verified_by=header.by,
        ),
    )

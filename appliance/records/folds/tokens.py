"""Tokens."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import bindparam

from appliance.journal import kinds as k
from appliance.journal.entry import Header
from appliance.records import tables as t
from appliance.records.folds.base import Ops, folds, key, row, update
from appliance.records.statements import add_once

_ADD_TOKEN = add_once(t.tokens)
_CALLED = (
    sa.update(t.tokens)
    .where(t.where_key(t.tokens))
    .values(
        status=bindparam("status"),
        counter=bindparam("counter"),
        called_at=bindparam("called_at"),
        called_seq=bindparam("called_seq"),
        ended_at=bindparam("ended_at"),
        calls=t.tokens.c.calls + 1,
    )
)
_SKIPPED = update(t.tokens, "status")
_ENDED = update(t.tokens, "status", "ended_at", "application")


@folds(k.TokenIssued)
def _token_issued(header: Header, body: k.TokenIssued) -> Ops:
    yield (
        _ADD_TOKEN,
        row(
            header,
            number=body.number,
            ticket=body.ticket,
            queue=body.queue,
            day=body.day,
            service=body.service,
            priority=body.priority,
            status="waiting",
            counter="",
            calls=0,
            issued_at=header.at,
            issued_seq=header.seq,
            called_at="",
            called_seq=-1,
            ended_at="",
            application="",
        ),
    )


@folds(k.TokenCalled)
def _token_called(header: Header, body: k.TokenCalled) -> Ops:
    values = key(header, status="called", counter=body.counter, called_at=header.at, called_seq=header.seq)
    yield _CALLED, {**values, "ended_at": ""}


@folds(k.TokenSkipped)
def _token_skipped(header: Header, _: k.TokenSkipped) -> Ops:
    yield _SKIPPED, key(header, status="skipped")


@folds(k.TokenNoShow)
def _token_no_show(header: Header, _: k.TokenNoShow) -> Ops:
    yield _ENDED, key(header, status="no show", ended_at=header.at, application="")


@folds(k.TokenServed)
def _token_served(header: Header, body: k.TokenServed) -> Ops:
    yield _ENDED, key(header, status="served", ended_at=header.at, application=body.application or "")

"""A central with many nodes that were never there: rows as enrolling and syncing would leave them, made quickly."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from appliance.journal.ids import JournalId
from appliance.records import tables as records
from appliance.records.database import Database
from appliance.records.moment import at_text
from sync.central import tables as t
from sync.central.sightings import Sighting

DISTRICTS: Final = ("Peshawar", "Mardan", "Swat", "Chitral", "Kohat", "Bannu", "Hangu", "Tank", "Karak", "Buner")
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz234567"
_ADD: Final = {name: sa.insert(table) for name, table in (("nodes", t.nodes), ("sightings", t.sightings))}
_ADD_HEAD: Final = sa.insert(records.heads)
_ADD_STOPPED: Final = sa.insert(t.quarantined)


@dataclass(frozen=True)
class Made:
    """Who was made."""

    journals: tuple[JournalId, ...]


def fill(archive: Database, count: int, now: datetime, seed: int = 1) -> Made:
    """Enrol `count` nodes of all kinds: nine in ten are well; some are silent, late, wrong about the time, stopped."""
    chance = random.Random(seed)
    nodes, heads, sightings, stopped = [], [], [], []
    for place in range(count):
        journal = JournalId("".join(chance.choices(_LETTERS, k=26)))
        district = chance.choice(DISTRICTS)
        centre = f"{district[:4].upper()}{place:05d}"
        nodes.append(_node(journal, centre, f"Specimen centre {place}, {district}", now, chance))
        size = chance.randint(1, 2_000_000)
        lag = 0 if chance.random() < 0.8 else chance.randint(1, 5000)
        # None of their orders: one that is put into quarantine is given its first.
        heads.append(_head(journal, size, max(0, size - lag), chance))
        seen = now - timedelta(seconds=chance.random() * 30)
        kind = chance.random()
        if kind > 0.95:
            seen = now - timedelta(hours=chance.randint(25, 200))
        sighting = Sighting(
            seen_at=at_text(seen),
            offered=size,
            software="0.1.0",
            skew_s=chance.randint(-4000, 4000) if 0.9 < kind <= 0.93 else chance.randint(-3, 3),
            waiting_since=at_text(now - timedelta(hours=chance.random() * 30)) if lag else "",
            backlog_bytes=lag * chance.randint(600, 90_000),
            stuck=chance.randint(1, 3) if 0.93 < kind <= 0.935 else 0,
        )
        sightings.append({"journal": journal} | {name: getattr(sighting, name) for name in Sighting.__slots__})
        if 0.94 < kind <= 0.945:
            stopped.append({"journal": journal, "since": at_text(seen), "cause": "fork", "reason": "Two histories."})
    with archive.write() as tx:
        tx.many(_ADD["nodes"], nodes)
        tx.many(_ADD_HEAD, heads)
        tx.many(_ADD["sightings"], sightings)
        tx.many(_ADD_STOPPED, stopped)
    return Made(tuple(JournalId(str(each["journal"])) for each in nodes))


def _node(journal: str, centre: str, name: str, now: datetime, chance: random.Random) -> dict[str, object]:
    return {
        "journal": journal,
        "journal_key": chance.randbytes(32),
        "node_key": chance.randbytes(32),
        "recipient": "age1" + "q" * 58,
        "centre": centre,
        "centre_name": name,
        # As large as real ones.
        "certificate": chance.randbytes(520),
        "centre_certificate": chance.randbytes(640),
        "enrolled_at": at_text(now - timedelta(days=90)),
        "floor": None,
    }


def _head(journal: str, size: int, cosigned: int, chance: random.Random) -> dict[str, object]:
    return {
        "journal": journal,
        "size": size,
        "root": chance.randbytes(32),
        "checkpoint": chance.randbytes(260),
        "cosigned_size": cosigned,
        "cosigned": chance.randbytes(440),
    }

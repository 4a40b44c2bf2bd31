"""What is wrong with a node, or with central itself, in words, and what to do about it. No I/O.

One table says, for each kind of trouble, how grave it is; the rules beside it say when it is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

from appliance.records.aside import Poison
from appliance.records.moment import at_text, parse_at
from sync.central.quarantine import Cause, Quarantine
from sync.central.sightings import Sighting


class Gravity(IntEnum):
    """How grave a trouble is."""

    NOTE = 1
    """Good to know."""
    WARNING = 2
    """Somebody should look soon."""
    ALARM = 3
    """Somebody must act."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong."""

    code: str
    """A closed set: the keys of `GRAVITY`."""
    sentence: str
    next_step: str

    @property
    def gravity(self) -> Gravity:
        """How grave it is."""
        return GRAVITY[self.code]


@dataclass(frozen=True, slots=True)
class Limits:
    """From when on something is a trouble."""

    silent_hours: int = 24
    """Nothing was heard of a node for so long; after three times that it is an alarm."""
    backlog_hours: int = 24
    """Its oldest entry waits for so long."""
    skew_s: int = 120
    """Its clock is off by so much."""
    disk_free_bytes: int = 5 * 1024**3
    """Less is free where central keeps what nodes send; below a tenth of that, central is not ready for more."""


LIMITS: Final = Limits()
"""Where nobody says others."""


@dataclass(frozen=True, slots=True)
class Judge:
    """The limits at one moment, as texts of `at_text`, which sort as the moments do: thousands of nodes are held
    against them each time that somebody looks."""

    limits: Limits
    now: datetime
    silent_before: str
    waiting_before: str

    @classmethod
    def at(cls, limits: Limits, now: datetime) -> Judge:
        """The limits at a moment."""
        silent, waiting = (timedelta(hours=each) for each in (limits.silent_hours, limits.backlog_hours))
        return cls(limits, now, at_text(now - silent), at_text(now - waiting))

    def is_well(self, sighting: Sighting) -> bool:
        """Whether a node that is in no quarantine has no trouble: asked first, because most have none."""
        return (
            sighting.seen_at >= self.silent_before
            and not (sighting.waiting_since and sighting.waiting_since < self.waiting_before)
            and (sighting.skew_s is None or abs(sighting.skew_s) <= self.limits.skew_s)
            and not (sighting.refused_code or sighting.fold_error or sighting.stuck or sighting.spoilt)
        )


GRAVITY: Final = {
    "quarantined": Gravity.ALARM,
    "conflict": Gravity.ALARM,
    "refused": Gravity.ALARM,
    "long_silent": Gravity.ALARM,
    "fold_stopped": Gravity.ALARM,
    "set_aside": Gravity.ALARM,
    "disk_full": Gravity.ALARM,
    "unsettled": Gravity.WARNING,
    "silent": Gravity.WARNING,
    "backlog": Gravity.WARNING,
    "clock": Gravity.WARNING,
    "lifted": Gravity.WARNING,
    "stuck": Gravity.WARNING,
    "spoilt": Gravity.WARNING,
    "disk_low": Gravity.WARNING,
    "stopped": Gravity.NOTE,
    "never_heard": Gravity.NOTE,
}
"""The gravest first; nodes are listed in this order."""
LONG: Final = 3
"""Times the limit after which silence is an alarm."""
SERIOUS: Final = frozenset(
    {"fork", "rollback", "signature", "wrong_journal", "out_of_turn", "bodies_owed", "unknown_blob"}
)
SERIOUS_DATA: Final = frozenset({"frame", "entry", "checkpoint"})
"""Refusals that do not pass by themselves."""

_QUARANTINED: Final = {
    Cause.FORK: (
        "Two histories bear this node's signature: its store was copied and both copies wrote, or it was changed.",
        "Find every box that was made from a copy and unplug it. Histories are never merged: keep the right box going "
        "under a new invite with a new home; what central countersigned stays.",
    ),
    Cause.ROLLBACK: (
        "This box is an older copy of the node: it lacks entries that central holds of it.",
        "If it was restored from a backup, enrol it anew under a new invite; central keeps all it had. If another box "
        "goes on as this node, unplug the copy and lift the quarantine.",
    ),
    Cause.PERSON: ("Somebody at central stopped this node.", "Lift the quarantine when it may go on."),
}


def node_troubles(
    sighting: Sighting, quarantine: Quarantine | None, stopped_since: datetime | None, judge: Judge
) -> tuple[Trouble, ...]:
    """What is wrong with a node, the gravest first.

    Args:
        sighting: what it said of itself.
        quarantine: the one that it is in.
        stopped_since: when it was taken out of service, for good.
        judge: from when on something is a trouble.
    """
    if stopped_since is None and quarantine is None and judge.is_well(sighting):
        return ()
    if stopped_since is not None:
        return (Trouble("stopped", f"Out of service since {stopped_since:%d %b %Y}.", "Nothing is to be done."),)
    found = [*_trust(sighting, quarantine), *_contact(sighting, judge), *_contents(sighting)]
    return tuple(sorted(found, key=lambda each: -each.gravity))


def central_troubles(free_bytes: int, limits: Limits) -> tuple[Trouble, ...]:
    """What is wrong with central itself."""
    if free_bytes >= limits.disk_free_bytes:
        return ()
    code = "disk_full" if free_bytes < limits.disk_free_bytes // 10 else "disk_low"
    return (
        Trouble(code, f"Central's disk has {amount(free_bytes)} left.", "Make room, or move central to a larger disk."),
    )


def lifted_trouble(lifted_at: str) -> Trouble:
    """A node was let out of quarantine, and cannot know it yet."""
    return Trouble(
        "lifted",
        f"Its quarantine was lifted at {day_time(lifted_at)}, and it was not heard since.",
        "Its box still says that central takes nothing from it, until `sanad node` there reaches central, or a receipt "
        "is taken in.",
    )


def aside_trouble(found: Sequence[Poison], count_of_all: int) -> Trouble:
    """Entries of a node, or orders for it, that central's software could not fold; the first of them, and how many."""
    more = f" So are {count_of_all - 1:,} more." if count_of_all > 1 else ""
    return Trouble(
        "set_aside",
        f"Set aside, because central's software cannot put it into its tables: {found[0]}.{more}",
        "It is safe in the archive, with all that came behind it, and everything else goes on. Bring central to a "
        "newer version and start it: it tries again by itself. `sanad central aside` names all of them.",
    )


def _trust(sighting: Sighting, quarantine: Quarantine | None) -> Iterator[Trouble]:
    if quarantine is not None:
        what, todo = _QUARANTINED[quarantine.cause]
        yield Trouble("quarantined", f"In quarantine since {day_time(quarantine.since)}. {what}", todo)
    elif sighting.refused_code in SERIOUS | SERIOUS_DATA:
        yield Trouble(
            "refused",
            f"Central refused what it sent at {day_time(sighting.refused_at)}: {sighting.refused_sentence}",
            "Nothing of it was stored. Ask the centre; if it goes on, look at the node's disk and its version.",
        )


def _contact(sighting: Sighting, judge: Judge) -> Iterator[Trouble]:
    limits, now = judge.limits, judge.now
    if not sighting.seen_at:
        yield Trouble("never_heard", "Enrolled, and not heard since.", "Start `sanad node` on its box.")
        return
    if sighting.seen_at < judge.silent_before:
        silent = now - parse_at(sighting.seen_at)
        code = "long_silent" if silent > timedelta(hours=LONG * limits.silent_hours) else "silent"
        yield Trouble(
            code,
            f"Silent for {span(silent)}.",
            "Call the centre: power, link, or the box itself. Its work waits on the box; a courier stick can carry it.",
        )
    if sighting.waiting_since and sighting.waiting_since < judge.waiting_before:
        age = span(now - parse_at(sighting.waiting_since))
        yield Trouble(
            "backlog",
            f"Its oldest entry has waited for {age}.",
            "If the link is up and slow, leave it; else have the backlog carried on a courier stick.",
        )
    if sighting.skew_s is not None and abs(sighting.skew_s) > limits.skew_s:
        way = "ahead" if sighting.skew_s > 0 else "behind"
        yield Trouble(
            "clock",
            f"Its clock is {span(timedelta(seconds=abs(sighting.skew_s)))} {way}.",
            "Have the centre set the box's clock; entries bear the time that it shows.",
        )


def _contents(sighting: Sighting) -> Iterator[Trouble]:
    if sighting.fold_error:
        yield Trouble(
            "fold_stopped",
            f"Central's tables do not follow this node's entries ({sighting.fold_error}).",
            "All entries are safe in the archive, and more are taken. Start central again; if it stays, bring it to a "
            "newer version, or send its log to the developers.",
        )
    if sighting.stuck:
        yield Trouble(
            "stuck",
            f"{count(sighting.stuck, 'sealed file')} cannot be sent: missing or damaged on its box.",
            "See `sanad sync status` there; check its disk.",
        )
    if sighting.spoilt:
        yield Trouble(
            "spoilt",
            f"{count(sighting.spoilt, 'sealed file')} came spoilt.",
            "The node sends each once more by itself. If that goes on, check both disks.",
        )


def count(number: int, word: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def span(length: timedelta) -> str:
    """A length of time as people say it: the largest unit that is there at least twice, rounded down."""
    seconds = max(0, int(length.total_seconds()))
    for unit_s, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * unit_s:
            return count(seconds // unit_s, word)
    return count(seconds, "second")


def amount(size_bytes: int) -> str:
    """Bytes as people say them."""
    size = float(size_bytes)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size_bytes:,} bytes" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def day_time(at: str) -> str:
    """A moment of `at_text`, to the minute, in UTC."""
    return f"{parse_at(at):%d %b %Y %H:%M} UTC"

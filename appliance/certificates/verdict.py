"""What a certificate is worth: the file, the picture of the paper, or the code, judged by values alone.

`judge` asks in this order, and the first that fails decides:

 1. Can it be read at all (`unreadable`), and is it as it was signed (`invalid`)? See `checking`.
 2. Is the signer known: listed by central, or certified by an authority that the reader trusts (`unknown_issuer`)?
 3. Did the signer's key hold when it signed? What a key signed that was revoked later stays good only where a trusted
    timestamp or a cosigned checkpoint proves that it was there before (`revoked`).
 4. Does the certificate still hold: by what this node knows itself, and by central's list (`superseded`, `revoked`)?
 5. Does it hold today: issued, and not yet expired (`invalid`)?
 6. How old is what was known? Older than `FRESH_FOR`, and it was good as of then (`valid_as_of`), else `valid`.

So broken integrity outranks an unknown issuer, and old data only ever weakens a verdict. The clock, the lists and what
the node knows come in as values; nothing here touches a disk or a network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from appliance.certificates.checking import looking
from appliance.certificates.checking.faults import Broken, Unreadable
from appliance.certificates.checking.looking import Found
from appliance.certificates.checking.saying import day, iso, moment, reason_of
from appliance.certificates.checking.trusting import Trust, Trusted, trusted_signer
from appliance.certificates.evidence import Bundle
from appliance.certificates.evidencewords import facts_of, sentences
from appliance.certificates.lists import Ended, PublicLists
from appliance.certificates.wording import say_date
from appliance.journal.errors import BugError
from appliance.journal.notes import VerifierKey

FRESH_FOR: Final = timedelta(days=7)
"""Lists up to this age give the full verdict; central makes new ones at least every day."""
CLOCK_SLACK: Final = timedelta(days=1)
"""How far a clock may lag behind central's, or a centre's be ahead of ours, before it is said."""


class Word(StrEnum):
    """All that can be said of a certificate."""

    VALID = "valid"
    VALID_AS_OF = "valid_as_of"
    SUPERSEDED = "superseded"
    REVOKED = "revoked"
    INVALID = "invalid"
    UNKNOWN_ISSUER = "unknown_issuer"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A verdict, and what it rests on. Nothing in it is markup or a path."""

    verdict: Word
    reasons: tuple[str, ...]
    """Sentences for a citizen, the one that decided first."""
    next_step: str = ""
    trust_as_of: datetime | None = None
    """The date of what was known of keys and endings; None where nothing was."""
    found: Found | None = None
    """What was judged; None where it could not be read, or was changed."""
    proven_before: datetime | None = None
    """When at the latest it was signed, as others than the signer say."""
    proven_after: datetime | None = None
    """When at the earliest it was issued, as central says."""
    evidence: tuple[str, ...] = ()
    """What led to it, by the entries that came with it; empty where nobody here knows their journal."""
    story: Mapping[str, object] | None = None
    """The same as plain values."""

    @property
    def record(self) -> dict[str, object] | None:
        """The record of a file, or what a code claims."""
        return None if self.found is None else self.found.said

    def plain(self) -> dict[str, object]:
        """All of it as plain values, times in ISO 8601 (UTC)."""
        return {
            "verdict": str(self.verdict),
            "reasons": list(self.reasons),
            "next_step": self.next_step,
            "trust_as_of": iso(self.trust_as_of),
            "proven_after": iso(self.proven_after),
            "proven_before": iso(self.proven_before),
            "evidence": list(self.evidence),
            "story": None if self.story is None else dict(self.story),
            "form": "" if self.found is None else ("file" if self.found.whole else "code"),
            "record": self.record,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What a reader knows beside what was brought.

    Args:
        lists: central's, checked.
        authorities: certificates that the reader trusts, X.509, DER: of authorities, or of signers.
        ended: what this node's own tables say of a certificate's number; None where it holds or is not known.
        keys: of journals, cosigners and publishers of lists that the reader trusts.
        witnessed: when at the latest, by a cosigned checkpoint of this node's journal, a certificate was issued that
            has this number and this record; None where that is not known.
    """

    lists: PublicLists | None = None
    authorities: tuple[bytes, ...] = ()
    keys: tuple[VerifierKey, ...] = ()
    ended: Callable[[str], Ended | None] = lambda _number: None
    witnessed: Callable[[str, str], datetime | None] = lambda _number, _record: None


NOTHING_KNOWN: Final = Knowledge()


def judge(content: bytes, *, now: datetime, knowledge: Knowledge = NOTHING_KNOWN) -> Verdict:
    """Judge what somebody brought.

    Args:
        content: a PDF, a picture, or the text of a code.
        now: the present by this machine's clock, aware.
        knowledge: what there is to judge by.
    """
    if now.tzinfo is None:
        raise BugError("The time of a verdict needs its zone.")
    as_of = None if knowledge.lists is None else knowledge.lists.at
    try:
        found = looking.look(content)
        knowledge = _with_lists_of(found, knowledge)
        trusted = trusted_signer(found, Trust(knowledge.lists, knowledge.authorities))
    except Unreadable as error:
        return Verdict(verdict=Word.UNREADABLE, reasons=(error.sentence,), next_step=error.next_step, trust_as_of=as_of)
    except Broken as error:
        return Verdict(verdict=Word.INVALID, reasons=(error.sentence,), next_step=error.next_step, trust_as_of=as_of)
    return _Judgement(found, trusted, knowledge, now).verdict()


def _with_lists_of(found: Found, knowledge: Knowledge) -> Knowledge:
    """Take up the lists in a bundle, where whoever the reader trusts published them and they are newer."""
    carried, known = None if found.bundle is None else found.bundle.lists, knowledge.lists
    if carried is None:
        return knowledge
    trusted = carried.key in knowledge.keys if known is None else carried.key == known.key
    return replace(knowledge, lists=carried) if trusted and (known is None or known.at < carried.at) else knowledge


class _Judgement:
    """Of something that is as it was signed."""

    def __init__(self, found: Found, trusted: Trusted, knowledge: Knowledge, now: datetime) -> None:
        self._found, self._trusted, self._knowledge = found, trusted, knowledge
        lists = knowledge.lists
        # What central signed was so at its date: a clock that is behind it is wrong.
        self._clock_wrong = lists is not None and lists.at > now + CLOCK_SLACK
        self._now = now if lists is None else max(now, lists.at)
        bundle = found.bundle
        keys = (*knowledge.keys, *(() if lists is None else lists.trust.cosigners))
        self._keys = keys
        cosigned = None if bundle is None else bundle.latest_by(keys)
        self._cosigned = cosigned is not None
        proofs = (trusted.stamped_at, cosigned, knowledge.witnessed(found.number, found.record_sha256))
        self._proven = min((each for each in proofs if each is not None), default=None)
        self._after = None if bundle is None else bundle.earliest_by(knowledge.keys)
        logs = () if lists is None else lists.trust.logs
        self._bundle = (
            bundle
            if bundle is not None
            and (
                bundle.vouched(keys)
                or bundle.certified(knowledge.authorities)
                or any(
                    (each.key, each.centre, each.stopped_at) == (bundle.witness.key, found.centre, None)
                    for each in logs
                )
            )
            else None
        )

    def verdict(self) -> Verdict:
        for question in (self._unknown, self._key_revoked, self._ended, self._not_today):
            answer = question()
            if answer is not None:
                return answer
        return self._holds()

    def _answer(self, word: Word, reasons: Sequence[str], next_step: str, as_of: datetime | None = None) -> Verdict:
        lists = self._knowledge.lists
        also = [_SPECIMEN] if self._found.specimen else []
        bundle = self._bundle
        if self._found.bundle is not None:
            also += [_NOT_ITS_JOURNAL] if bundle is None else ([] if self._cosigned else [_NOT_COSIGNED])
        if self._clock_wrong and lists is not None:
            also.append(f"This machine's clock is wrong: it is behind central's lists of {day(lists.at)}.")
        return Verdict(
            verdict=word,
            reasons=(*reasons, *also),
            next_step=next_step,
            trust_as_of=as_of or (None if lists is None else lists.at),
            found=self._found,
            proven_before=self._proven,
            proven_after=self._after,
            evidence=() if bundle is None else tuple(sentences(bundle, self._keys)),
            story=None if bundle is None else facts_of(bundle),
        )

    def _unknown(self) -> Verdict | None:
        trusted = self._trusted
        if trusted.known:
            return None
        return self._answer(Word.UNKNOWN_ISSUER, trusted.reasons, _GET_LISTS)

    def _key_revoked(self) -> Verdict | None:
        signer = self._trusted.listed
        if signer is None or signer.revoked_at is None:
            return None
        if self._proven is not None and self._proven < signer.revoked_at:
            return None
        why = (
            f"The key of {signer.name} was revoked on {day(signer.revoked_at)} ({reason_of(signer.reason)}), "
            "and nothing proves that this was signed before that day."
        )
        return self._answer(Word.REVOKED, (why,), _ASK_CENTRE)

    def _ended(self) -> Verdict | None:
        number = self._found.number
        ended = self._knowledge.ended(number)
        lists = self._knowledge.lists
        if ended is None and lists is not None:
            ended = next((each for each in lists.revocations.ended if each.number == number), None)
        bundle = self._bundle
        if ended is None and bundle is not None and bundle.story.ended:
            return self._ended_in(bundle)
        if ended is None:
            return None
        if ended.state == "superseded":
            by = f" by certificate {ended.by}" if ended.by else ""
            reason = f"This certificate was superseded{by} on {day(ended.at)}."
            return self._answer(Word.SUPERSEDED, (reason,), f"Ask for certificate {ended.by}." if ended.by else "")
        reason = f"This certificate was revoked on {day(ended.at)}: {reason_of(ended.reason)}."
        return self._answer(Word.REVOKED, (reason,), _ASK_CENTRE)

    def _ended_in(self, bundle: Bundle) -> Verdict:
        """By the entries that came with it, which are its own journal's."""
        by = bundle.story.replaced_by
        if bundle.story.ended == "revoked":
            return self._answer(Word.REVOKED, ("The entries in the bundle say that it was revoked.",), _ASK_CENTRE)
        reason = f"The entries in the bundle say that it was superseded by certificate {by}."
        return self._answer(Word.SUPERSEDED, (reason,), f"Ask for certificate {by}.")

    def _not_today(self) -> Verdict | None:
        found = self._found
        if datetime.combine(date.fromisoformat(found.issued_on), time(), UTC) > self._now + CLOCK_SLACK:
            reason = f"It says that it was issued on {say_date(found.issued_on, 'en')}, which is in the future."
            return self._answer(Word.INVALID, (reason,), "Check the date of this machine; then ask the centre.")
        if found.expires_on is not None and date.fromisoformat(found.expires_on) < self._now.astimezone(UTC).date():
            reason = f"It expired on {say_date(found.expires_on, 'en')}."
            return self._answer(Word.INVALID, (reason,), "Ask for a new certificate.")
        return None

    def _holds(self) -> Verdict:
        lists, trusted = self._knowledge.lists, self._trusted
        reasons = [*trusted.reasons, *self._until(), *self._proof()]
        if lists is None or trusted.as_of_issue:
            as_of = datetime.combine(date.fromisoformat(self._found.issued_on), time(), UTC)
            weak = f"Nothing is known of what became of it since it was issued on {day(as_of)}."
            return self._answer(Word.VALID_AS_OF, (*reasons, weak), _GET_LISTS, as_of if lists is None else None)
        ended_key = trusted.ends is not None and trusted.ends < self._now and not self._proven_by(trusted.ends)
        if ended_key and trusted.ends is not None:
            word = (
                f"The key that signed it was certified until {day(trusted.ends)}; that it signed before, "
                "only the signer says."
            )
            return self._answer(Word.VALID_AS_OF, (*reasons, word), _ASK_CENTRE_ALSO, min(trusted.ends, lists.at))
        listed = f"Central's lists of {day(lists.at)} do not name it as superseded or revoked."
        if self._clock_wrong or self._now - lists.at > FRESH_FOR:
            old = f"Those lists are older than {FRESH_FOR.days} days: what happened since is not known here."
            return self._answer(Word.VALID_AS_OF, (*reasons, listed, *([] if self._clock_wrong else [old])), _GET_LISTS)
        return self._answer(Word.VALID, (*reasons, listed), self._compare())

    def _proven_by(self, at: datetime) -> bool:
        return self._proven is not None and self._proven <= at

    def _until(self) -> list[str]:
        until = self._found.expires_on
        return [] if until is None else [f"It holds until {say_date(until, 'en')}."]

    def _proof(self) -> list[str]:
        signer = self._trusted.listed
        if self._proven is None:
            return []
        proof = f"It was there on {moment(self._proven)} at the latest: others than the signer say so."
        if self._after is not None:
            times = f"after {moment(self._after)} and before {moment(self._proven)}"
            proof = f"It was issued {times}: central says so."
        if signer is None or signer.revoked_at is None:
            return [proof]
        return [
            proof,
            f"The key was revoked later, on {day(signer.revoked_at)}; what it signed before stays good.",
        ]

    def _compare(self) -> str:
        return "" if self._found.whole else "Compare name, number and dates with what is printed."


_ASK_CENTRE: Final = "Do not accept it. Ask the centre that is named in it."
_ASK_CENTRE_ALSO: Final = "Ask the centre for the file with a timestamp, which proves it."
_GET_LISTS: Final = "Get central's newest lists, and verify it with them: --trust FILE."
_NOT_COSIGNED: Final = "Nobody whom you trust countersigned the entries in the bundle: they are the node's word alone."
_NOT_ITS_JOURNAL: Final = "The entries in the bundle are by a journal that nobody here knows, so they are not shown."
_SPECIMEN: Final = "It is a SPECIMEN, made to show how certificates look: it attests nothing."

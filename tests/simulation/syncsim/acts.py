"""What people and the node itself write: every kind that has no ceremony of its own, by whoever may."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import bindparam, select

from appliance.access.permitted import PERMITTED
from appliance.access.session import Role, Session, node_session
from appliance.casework import conflicts, decisions
from appliance.journal import kinds as k
from appliance.journal.entry import Entry
from appliance.journal.ids import NOBODY, BlobDigest, EntityId, entity_id
from appliance.records import tables as t
from appliance.store.blobs import BlobFolder
from appliance.store.store import Draft, Store
from tests.simulation.syncsim.origins import ROLES
from tests.support.specimens import SPECIMENS

_SOMEBODY: Final = ("person.", "application.", "paper.", "certificate.", "complaint.", "attestation.", "print.")
_WITH_CEREMONY: Final = frozenset({k.CertificateRaised.KIND})
KINDS: Final = tuple(
    kind
    for kind in sorted(SPECIMENS)
    if kind.startswith(_SOMEBODY) and kind in PERMITTED and kind not in _WITH_CEREMONY
)
WITH_BLOB: Final = frozenset({k.PaperAdded.KIND, k.ApplicationIssued.KIND})
LOGINS: Final = ("amna", "babar", "danish", "esha")
"""Of people whom the node's supervisor or central lets in; two may want the same."""
_HAS_LOGIN: Final = select(t.operators.c.about).where(
    t.operators.c.journal == bindparam("journal"), t.operators.c.login == bindparam("login")
)
_CONTESTED: Final = (
    select(t.decisions.c.about, t.decisions.c.decision)
    .where(t.decisions.c.journal == bindparam("journal"), t.decisions.c.state == decisions.CONTESTED)
    .order_by(t.decisions.c.decision)
)
MAX_SUBJECTS: Final = 6
MAX_CASES: Final = 4
SMALL, LARGE = 40, 90_000
"""Bytes of sealed files: most are small; a large one needs several pieces."""


@dataclass(slots=True)
class Writer:
    """Writes into one node's store what the schedule draws."""

    draw: random.Random
    sessions: dict[Role, Session]
    subjects: list[EntityId] = field(default_factory=list)
    cases: list[EntityId] = field(default_factory=list)
    """Applications that nobody has ended here."""

    def write(self, store: Store, blobs: BlobFolder) -> list[Entry]:
        """One act.

        Raises:
            OperatorError: it was refused. DeviceError: the disk has no room.
        """
        return self.draw.choices(_ACTS, _WEIGHTS)[0](self, store, blobs)

    def _say(self, store: Store, blobs: BlobFolder) -> list[Entry]:
        """Something of any kind about somebody."""
        kind = self.draw.choice(KINDS)
        role = self.draw.choice([each for each in ROLES if each in PERMITTED[kind]])
        named = (self._seal(blobs),) if kind in WITH_BLOB else ()
        draft = Draft(SPECIMENS[kind](f"said {self.draw.randrange(100)}"), self._somebody(), named)
        return self._commit(store, blobs, self.sessions[role], [draft])

    def _paper(self, store: Store, blobs: BlobFolder) -> list[Entry]:
        """A paper, with its sealed file."""
        draft = Draft(SPECIMENS[k.PaperAdded.KIND]("a paper"), self._somebody(), (self._seal(blobs),))
        return self._commit(store, blobs, self.sessions[Role.OPERATOR], [draft])

    def _erase(self, store: Store, blobs: BlobFolder) -> list[Entry]:
        """Somebody is erased."""
        draft = Draft(k.SubjectErased(reason="asked for"), self.draw.choice([self._somebody(), *self.cases]))
        return self._commit(store, blobs, self.sessions[Role.SUPERVISOR], [draft])

    def _burst(self, store: Store, blobs: BlobFolder) -> list[Entry]:
        """Much at once."""
        count = self.draw.randint(2, 24)
        drafts = [Draft(k.NodeStarted(software=f"part {n}", orphans_removed=n), NOBODY) for n in range(count)]
        return self._commit(store, blobs, node_session(), drafts)

    def hand_in(self, store: Store, blobs: BlobFolder) -> list[Entry]:
        """A whole case is handed in, with a paper; or one ends, and nobody waits for it any more."""
        if len(self.cases) >= MAX_CASES or (self.cases and self.draw.random() < 0.45):
            about = self.cases.pop(self.draw.randrange(len(self.cases)))
            drafts = [Draft(k.ApplicationWithdrawn(reason="no more"), about)]
        else:
            about = entity_id(self.draw.randbytes(16))
            submitted = k.ApplicationSubmitted(
                tracking=f"SIM-{about[:8].upper()}", service="simulated", applicant=about, fields={}
            )
            drafts = [Draft(k.ApplicationDrafted(service="simulated"), about), Draft(submitted, about)]
            drafts.append(Draft(SPECIMENS[k.PaperAdded.KIND]("a paper"), about, (self._seal(blobs),)))
            self.cases.append(about)
        return self._commit(store, blobs, self.sessions[Role.OPERATOR], drafts)

    def _let_in(self, store: Store, blobs: BlobFolder) -> list[Entry]:
        """The supervisor lets somebody sign in, whose login nobody has as far as is known here."""
        login = self.draw.choice(LOGINS)
        with store.read() as tx:
            if tx.one(_HAS_LOGIN, {"journal": store.journal, "login": login}) is not None:
                return []
        added = k.OperatorAdded(login=login, name=login.title(), roles=("operator",))
        draft = Draft(added, entity_id(self.draw.randbytes(16)))
        return self._commit(store, blobs, self.sessions[Role.SUPERVISOR], [draft])

    def erase_contested(self, store: Store, blobs: BlobFolder) -> list[Entry]:
        """Somebody is erased about whom people had something to settle."""
        with store.read() as tx:
            contested = [EntityId(about) for about, _ in tx.all(_CONTESTED, {"journal": store.journal})]
        if not contested:
            return []
        draft = Draft(k.SubjectErased(reason="asked for"), self.draw.choice(contested))
        return self._commit(store, blobs, self.sessions[Role.SUPERVISOR], [draft])

    def settle(self, store: Store) -> str:
        """People settle what only they can.

        Raises:
            OperatorError: it was settled by others. DeviceError: the disk has no room.
        """
        with store.read() as tx:
            contested = [
                (EntityId(about), EntityId(each)) for about, each in tx.all(_CONTESTED, {"journal": store.journal})
            ]
        logins = [each.conflict for each in conflicts.open_conflicts(store)]
        if contested and (not logins or self.draw.random() < 0.7):
            about, decision = self.draw.choice(contested)
            decisions.settle(store, self.sessions[Role.OFFICER], about, decision, "settled here")
            return "a decision"
        if logins:
            conflicts.settle_conflict(store, self.sessions[Role.SUPERVISOR], self.draw.choice(logins), "settled here")
            return "a login"
        return "nothing"

    def _somebody(self) -> EntityId:
        """Somebody known, or new."""
        if (len(self.subjects) < MAX_SUBJECTS and self.draw.random() < 0.4) or not self.subjects:
            self.subjects.append(entity_id(self.draw.randbytes(16)))
        return self.draw.choice(self.subjects)

    def _seal(self, blobs: BlobFolder) -> BlobDigest:
        """A sealed file; one in a few takes several pieces."""
        most = LARGE if self.draw.random() < 0.15 else SMALL
        return blobs.put(self.draw.randbytes(self.draw.randint(1, most)))

    def _commit(self, store: Store, blobs: BlobFolder, session: Session, drafts: list[Draft]) -> list[Entry]:
        try:
            return store.commit(session, lambda _: drafts)
        except Exception:
            for digest in (digest for draft in drafts for digest in draft.blobs):
                blobs.settle((digest,))
            raise


_ACTS: Final[tuple[Callable[[Writer, Store, BlobFolder], list[Entry]], ...]] = (
    Writer._say,
    Writer._paper,
    Writer._erase,
    Writer._burst,
    Writer.hand_in,
    Writer._let_in,
)
_WEIGHTS: Final = (10, 4, 2, 3, 4, 1)

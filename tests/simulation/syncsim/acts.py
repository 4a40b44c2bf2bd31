"""What people and the node itself write: every kind that has no ceremony of its own, by whoever may."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from appliance.access.permitted import PERMITTED
from appliance.access.session import Role, Session, node_session
from appliance.journal import kinds as k
from appliance.journal.entry import Entry
from appliance.journal.ids import NOBODY, BlobDigest, EntityId, entity_id
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
MAX_SUBJECTS: Final = 6
SMALL, LARGE = 40, 90_000
"""Bytes of sealed files: most are small; a large one needs several pieces."""


@dataclass(slots=True)
class Writer:
    """Writes into one node's store what the schedule draws."""

    draw: random.Random
    sessions: dict[Role, Session]
    subjects: list[EntityId] = field(default_factory=list)

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
        draft = Draft(k.SubjectErased(reason="asked for"), self._somebody())
        return self._commit(store, blobs, self.sessions[Role.SUPERVISOR], [draft])

    def _burst(self, store: Store, blobs: BlobFolder) -> list[Entry]:
        """Much at once."""
        count = self.draw.randint(2, 24)
        drafts = [Draft(k.NodeStarted(software=f"part {n}", orphans_removed=n), NOBODY) for n in range(count)]
        return self._commit(store, blobs, node_session(), drafts)

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
)
_WEIGHTS: Final = (10, 4, 2, 3)

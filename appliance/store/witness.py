"""The newest checkpoint that central countersigned, kept in a file beside the store.

A store that is put back as a whole to an older copy agrees with itself; only something outside it can tell. This file
tells, as long as it is not put back, or taken away, together with the store. Against that, only central can tell.
"""

from __future__ import annotations

from pathlib import Path

from appliance.journal.checkpoint import Checkpoint, open_checkpoint
from appliance.journal.errors import IntegrityError
from appliance.journal.notes import MAX_NOTE, VerifierKey
from appliance.journal.tree import root_at
from appliance.records import failures
from appliance.records.disk import write_durably
from appliance.records.log import Log


class RolledBack(IntegrityError):
    """The journal is not the one that central countersigned: shorter, or another history."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, "Stop: do not use this box, keep it as it is, and call central IT.")


class Witness:
    """The file.

    Args:
        path: where it lies.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self) -> bytes | None:
        """The note as it lies there, or None before central's first countersignature.

        Raises:
            DeviceError: it cannot be read.
        """
        try:
            with self._path.open("rb") as file:
                return file.read(MAX_NOTE + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise failures.of_os(error) from error

    def check(self, log: Log, key: VerifierKey) -> bytes | None:
        """See that the journal, whose key is `key`, contains what the file says. Called under the writers' lock.

        Returns:
            The note, if there is one.

        Raises:
            RolledBack: it does not. BadCheckpoint: the file is not a checkpoint of this journal.
        """
        note = self.note()
        if note is not None:
            see_contained(log, open_checkpoint(note, key))
        return note

    def renew(self, note: bytes, key: VerifierKey) -> None:
        """Keep a newer note; an older one changes nothing. Called under the writers' lock.

        Raises:
            StorageFull, StorageReadOnly: the older one is still there.
        """
        seen = self.note()
        if seen is None or open_checkpoint(seen, key).size <= open_checkpoint(note, key).size:
            write_durably(self._path, note)


def see_contained(log: Log, seen: Checkpoint) -> None:
    """See that a journal begins with what a countersigned checkpoint of it covers.

    Raises:
        RolledBack: it is shorter, or another history.
    """
    head = log.head()
    if head is None or seen.size > head.size:
        raise RolledBack("Central has countersigned more entries than this box holds: its store is an older copy.")
    if root_at(seen.size, log.read_node) != seen.root:
        raise RolledBack("Central has countersigned another history of this box.")

"""A machine's power, which fails at a moment that the schedule chose, and its disk, which fills."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.records.failures import StorageFull


class PowerCut(BaseException):
    """This machine is dead; nothing on it runs any more."""

    def __init__(self, power: Power, where: str) -> None:
        super().__init__(f"{power.name}: {where}")
        self.power = power
        self.where = where


@dataclass(slots=True, eq=False)
class Power:
    """The power of one start of one machine.

    Every step that touches something durable, and every piece on the wire, asks `moment` before and after.
    """

    name: str
    fuse: int | None = None
    """Moments until the power fails; None while it does not."""
    is_off: bool = False
    is_full: bool = False
    """Whether its disk has no room."""

    def moment(self, where: str) -> None:
        """A moment in which the power may fail.

        Raises:
            PowerCut: it does, or did before.
        """
        if self.fuse is not None:
            self.fuse -= 1
            self.is_off = self.is_off or self.fuse < 0
        if self.is_off:
            raise PowerCut(self, where)

    def room(self) -> None:
        """See that the disk has room.

        Raises:
            StorageFull: it has none.
        """
        if self.is_full:
            raise StorageFull

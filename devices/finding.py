"""Finding a device again after it was pulled out and put back, perhaps into another socket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar


@dataclass(frozen=True, slots=True)
class Which:
    """Which device is meant: by number of vendor and product, and by serial number or port where there are several."""

    vendor: int
    product: int
    serial: str = ""
    port: str = ""


class Plugged(Protocol):
    """What is known of a device that is plugged in. `port` is the kernel's name for the plug: `1-2.3`."""

    @property
    def vendor(self) -> int:
        """The maker's number."""

    @property
    def product(self) -> int:
        """The maker's number of the product."""

    @property
    def serial(self) -> str:
        """The serial number, or empty; reading it may open the device."""

    @property
    def port(self) -> str:
        """Where it is plugged in."""


P = TypeVar("P", bound=Plugged)


def pick(which: Which, plugged: Sequence[P]) -> P | None:
    """The device that is meant, if it is among those plugged in now.

    A serial number goes before the port, so a device may be put into another socket; the port decides between devices
    with the same serial number, or with none.
    """
    able = [one for one in plugged if (one.vendor, one.product) == (which.vendor, which.product)]
    here = [one for one in able if not which.port or one.port == which.port]
    if not which.serial:
        return here[0] if here else None
    same = [one for one in able if one.serial == which.serial]
    unread = [one for one in here if which.port and not one.serial]
    return next((one for one in same if one in here), None) or next(iter(same + unread), None)

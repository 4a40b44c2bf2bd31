"""Code readers among the keyboards of this machine: known by their maker, or by what they call themselves.

A reader that types is a keyboard and nothing else to the kernel. One that is neither of a maker below nor named for
what it is cannot be told from a keyboard; it works all the same, as `devices.wedge` goes by the pace of the keys.
"""

from __future__ import annotations

import re
from typing import Final

from devices import sysfs

MAKERS: Final = frozenset({0x05E0, 0x05F9, 0x065A, 0x067E, 0x0C2E, 0x1EAB})
"""Symbol (Zebra), PSC (Datalogic), Opticon, Intermec, Metrologic (Honeywell), Newland."""
NAMED: Final = re.compile(r"bar ?code|\bscanner\b|\bscan\b|qr ?code|\b2d\b", re.IGNORECASE)
KEY_ENTER: Final = 28
KEY_A: Final = 30


def readers() -> list[sysfs.Node]:
    """The code readers that can be told from keyboards: one for each device, also where it has several nodes."""
    found: dict[tuple[int, int, str, str], sysfs.Node] = {}
    for node in sysfs.nodes("input"):
        keys = sysfs.bits(node.folder, "device/capabilities/key")
        types = all(keys >> key & 1 for key in (KEY_ENTER, KEY_A))
        if types and (node.vendor in MAKERS or NAMED.search(node.name)):
            found.setdefault((node.vendor, node.product, node.serial, node.port), node)
    return list(found.values())

"""Page printers that announce themselves on the network (DNS-SD, IPP Everywhere), by Avahi's `avahi-browse`."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from typing import Final

from devices import programs
from devices.errors import Refused
from devices.ipp.transport import LOCAL, IppPlace, read_place

SERVICES: Final = (("ipps", "_ipps._tcp"), ("ipp", "_ipp._tcp"))
"""Where a printer offers both, the one that is not overheard is taken."""
LOOK_LIMIT_S: Final = 6.0
MAX_PRINTERS: Final = 64
MAX_LINES: Final = 1024
TEXT: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
ESCAPED: Final = re.compile(r"\\(\d{3}|.)")


@dataclass(frozen=True, slots=True)
class Announced:
    """A printer that announced itself; `serial` is the UUID that it goes by."""

    place: IppPlace
    model: str
    serial: str


def printers() -> list[Announced]:
    """The page printers on the network, each once; none where Avahi is not installed or does not run."""
    if shutil.which("avahi-browse") is None:
        return []
    found: dict[str, Announced] = {}
    for scheme, service in SERVICES:
        try:
            ran = programs.run(["avahi-browse", "-rptk", service], LOOK_LIMIT_S)
        except OSError:
            return []
        for one in read_announced(ran.out.decode("utf-8", "replace"), scheme):
            found.setdefault(one.serial or one.place.host, one)
    return sorted(found.values(), key=lambda one: one.place.uri)[:MAX_PRINTERS]


def read_announced(told: str, scheme: str) -> list[Announced]:
    """Read what `avahi-browse -rpt` told of one service; what is no printer's announcement is passed over."""
    found = []
    for line in told.splitlines()[:MAX_LINES]:
        fields = line.split(";", 9)
        if len(fields) == 10 and fields[0] == "=" and fields[2] == "IPv4":
            one = _announced(fields[6], fields[7], fields[8], fields[9], scheme)
            if one is not None:
                found.append(one)
    return found


def _announced(host: str, address: str, port: str, text: str, scheme: str) -> Announced | None:
    about = dict(_unescaped(pair).partition("=")[::2] for pair in TEXT.findall(text))
    about = {name.lower(): value for name, value in about.items()}
    path = about.get("rp", "ipp/print").lstrip("/")
    name = host if host.lower().endswith(LOCAL) else address
    try:
        place = read_place(f"{scheme}://{name}:{port}/{path}")
    except Refused:
        return None
    if not re.fullmatch(r"/[A-Za-z0-9._~%!$&'()*+,;=:@/-]*", place.path):
        return None
    return Announced(place, _printable(about.get("ty", "")), _printable(about.get("uuid", "")))


def _unescaped(text: str) -> str:
    """Avahi writes what is not plain as `\\` and three decimal digits, or the character itself."""
    return ESCAPED.sub(lambda found: chr(int(found[1]) & 0xFF) if len(found[1]) == 3 else found[1], text)


def _printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable())[:100].strip()

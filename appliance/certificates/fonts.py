"""The fonts that certificates and receipts are set in: a few files of Noto, and no other font of the machine.

They come with Debian's package `fonts-noto-core`. All of Noto would take seconds to load, and a font that some other
program brought could change how a certificate looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from appliance.journal.errors import DeviceError

PACKAGE: Final = "fonts-noto-core"
FOLDERS: Final = (Path("/usr/share/fonts/truetype/noto"), Path("/usr/share/fonts/noto"))
FILES: Final = (
    *("NotoSerif-Regular.ttf", "NotoSerif-Bold.ttf", "NotoSerif-Italic.ttf"),
    *("NotoSans-Regular.ttf", "NotoSans-Bold.ttf"),
    *("NotoNastaliqUrdu-Regular.ttf", "NotoNastaliqUrdu-Bold.ttf"),
    *("NotoNaskhArabic-Regular.ttf", "NotoNaskhArabic-Bold.ttf"),
    *("NotoSansDevanagari-Regular.ttf", "NotoSansDevanagari-Bold.ttf"),
    *("NotoSerifDevanagari-Regular.ttf", "NotoSerifDevanagari-Bold.ttf"),
    *("NotoSansTamil-Regular.ttf", "NotoSansTamil-Bold.ttf"),
    *("NotoSerifTamil-Regular.ttf", "NotoSerifTamil-Bold.ttf"),
)


class FontsMissing(DeviceError):
    """A font that certificates are set in is not on this machine."""


def find_fonts(folders: Sequence[Path] = FOLDERS) -> list[Path]:
    """Where each font file is.

    Raises:
        FontsMissing: one is nowhere; it is named, with the package that brings it.
    """
    found = {name: next((folder / name for folder in folders if (folder / name).is_file()), None) for name in FILES}
    if missing := [name for name, file in found.items() if file is None]:
        raise FontsMissing(
            f"Fonts for certificates are missing: {', '.join(missing)}.",
            f"Install the Debian package {PACKAGE}: apt-get install {PACKAGE}",
        )
    return [file for file in found.values() if file is not None]

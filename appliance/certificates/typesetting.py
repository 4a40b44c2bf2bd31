"""Typst, held once a process: templates by path, data as JSON, pictures in memory.

Data never becomes markup: a template sees it as strings, and sets them as text. Nothing is written to a disk; data and
pictures reach the compiler through anonymous memory (`memfd_create(2)`), because they are personal.

One page takes 4 s where a compiler loads all of Noto, and some 25 ms where one is kept that loaded a few files. It also
keeps what it laid out for the last ten pages, and takes from there what was set alike: labels, headings, wording. For
that, data must come from a file: any change in `sys.inputs` counts as another standard library, and keeps nothing. Nor
may data stand in a `set` rule whose styles reach over the page (ADR 0011).
"""

from __future__ import annotations

import functools
import os
import tempfile
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import typst

from appliance.certificates.fonts import PACKAGE, find_fonts
from appliance.journal.errors import BugError, DeviceError, OperatorError

TEMPLATES: Final = Path(__file__).parent / "templates"
PDF_STANDARD: Final = "a-3b"
# PDF/A permits no box in the place of a letter (ISO 19005-3, 6.2.11.8), and this is how typst says so.
_NO_GLYPH: Final = "could not be displayed"
_NO_DATE: Final = datetime(2000, 1, 1, tzinfo=UTC)


class Unprintable(OperatorError):
    """A text holds a letter that none of our fonts has."""

    def __init__(self) -> None:
        super().__init__(
            "A letter in it belongs to a script that cannot be printed here.",
            "Write that entry in Latin, Arabic, Devanagari or Tamil script.",
        )


class Typesetter:
    """A compiler that keeps its fonts; threads take turns.

    Args:
        fonts: the font files it knows, and no others.
    """

    def __init__(self, fonts: Sequence[Path]) -> None:
        loaded = _load(fonts)
        self._turn = threading.Lock()
        self._data = Place("data")
        self._pictures: dict[str, Place] = {}
        # The root is the whole machine, so that a template reaches both its own folder and what is in memory.
        self._compiler = typst.Compiler(
            root="/", font_paths=loaded, ignore_system_fonts=True, sys_inputs={"data": self._data.path}
        )

    def pdf(
        self, template: str, data: object, pictures: Mapping[str, bytes], *, at: datetime, archival: bool = True
    ) -> bytes:
        """Set a template as PDF/A-3b, or as a plain PDF.

        Args:
            template: its file's name.
            data: what it shows; plain values.
            pictures: files that it may show, by the names under which `data` is told of them.
            at: the date in the file, aware.
            archival: whether it is PDF/A.

        Raises:
            Unprintable: a letter in it is in no font.
        """
        (made,) = self._set(template, data, pictures, "pdf", None, at, archival=archival)
        return made

    def pages(self, template: str, data: object, pictures: Mapping[str, bytes], *, dots_per_inch: float) -> list[bytes]:
        """Set a template as PNG, a picture a page.

        Raises:
            Unprintable: a letter in it is in no font.
        """
        # A picture would show a box in the place of a letter; only the PDF refuses. The layout is made once for both.
        self.pdf(template, data, pictures, at=_NO_DATE)
        return self._set(template, data, pictures, "png", dots_per_inch, None)

    def _set(
        self,
        template: str,
        data: object,
        pictures: Mapping[str, bytes],
        form: typst.OutputFormat,
        dots_per_inch: float | None,
        at: datetime | None,
        *,
        archival: bool = True,
    ) -> list[bytes]:
        with self._turn, self._lent(data, pictures):
            try:
                made, warnings = self._compiler.compile_with_warnings(
                    str(TEMPLATES / template),
                    format=form,
                    ppi=dots_per_inch,
                    pdf_standards=PDF_STANDARD if form == "pdf" and archival else [],
                    timestamp=at,
                )
            except typst.TypstError as error:
                if _NO_GLYPH in error.message:
                    raise Unprintable from None
                raise BugError(f"{template} cannot be set.") from error
        if made is None or warnings:
            # An unknown font is only a warning to typst, and leaves the page empty.
            raise BugError(f"{template} was not set as it must be: {[each.message for each in warnings]}")
        return [made] if isinstance(made, bytes) else made

    @contextmanager
    def _lent(self, data: object, pictures: Mapping[str, bytes]) -> Iterator[None]:
        """Put what a template is to read where it reads it, for as long as the block lasts."""
        for name in pictures:
            if name not in self._pictures:
                self._pictures[name] = Place(name)
        places = {name: self._pictures[name] for name in pictures}
        paths = {name: place.path for name, place in places.items()}
        try:
            for name, place in places.items():
                place.fill(pictures[name])
            self._data.fill(msgspec.json.encode({"shown": data, "pictures": paths}))
            yield
        finally:
            for place in (self._data, *places.values()):
                place.fill(b"")


class Place:
    """A path in anonymous memory that stays the same while what is read there changes.

    Args:
        name: what the system calls it.

    Attributes:
        path: for libraries that only take paths; good in this process, as long as this object lives.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._descriptor = os.memfd_create(name)
        self.path: Final = f"/proc/self/fd/{self._descriptor}"
        weakref.finalize(self, os.close, self._descriptor)

    def fill(self, content: bytes) -> None:
        """Let this be what is read there from now on.

        It goes into memory of its own, which a process that was forked from this one does not share.
        """
        new = os.memfd_create(self._name)
        try:
            with open(new, "wb", closefd=False) as file:
                file.write(content)
            os.dup2(new, self._descriptor, inheritable=False)
        finally:
            os.close(new)


@functools.cache
def typesetter() -> Typesetter:
    """The typesetter of this process.

    Raises:
        FontsMissing: a font is not on this machine.
    """
    return Typesetter(find_fonts())


def _load(fonts: Sequence[Path]) -> typst.Fonts:
    """Load font files. Typst takes only folders; it follows the links in this one, and then needs it no more."""
    with tempfile.TemporaryDirectory(prefix="sanad-fonts-") as folder:
        for file in fonts:
            (Path(folder) / file.name).symlink_to(file)
        loaded = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder])
    if len(loaded.fonts()) != len(fonts):
        raise DeviceError("Some fonts for certificates cannot be read.", f"Install {PACKAGE} again.")
    return loaded

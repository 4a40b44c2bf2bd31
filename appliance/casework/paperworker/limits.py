"""How large a paper may be, and how much its reader may use. Each number is a choice, with its reason."""

from __future__ import annotations

from typing import Final

MAX_PAPER_BYTES: Final = 32 * 1024 * 1024
MAX_PAGES: Final = 200
MAX_PIXELS: Final = 100_000_000
"""Of one picture, also of one inside a PDF: A3 at 600 dots an inch has 70 million dots."""
MAX_SIDE_PX: Final = 65_500
"""What a JPEG can be at most."""
MIN_SIDE_PX: Final = 16
MAX_PAGE_PT: Final = 4_800.0
"""Longer side of a PDF page, in points (1/72 inch). It is far more than paper (A0 has 3,370), because telephones make
PDFs of photographs with one point for each of up to 4,608 dots."""
LARGEST_SHEET_PT: Final = 2_400.0
"""Longer side of A1, the largest map sheet, and a little more. What is larger is taken, with a note."""
MIN_PAGE_PT: Final = 18.0
"""Shorter side: a quarter of an inch."""
MAX_OBJECT_DEPTH: Final = 8
"""How deep pictures are looked for in a PDF's forms within forms."""
THUMBNAIL_PX: Final = 320
"""The longer side of a thumbnail."""
DRAWN_PX: Final = 1_754
"""The longer side of a page that is drawn to be read: A4 at 150 dots an inch."""

MEMORY_BYTES: Final = 1024 * 1024 * 1024
"""Address space of the reader, 150 MB of which are its own code."""
CPU_S: Final = 10
"""Processor time; the largest paper above needs 2 s on a 3 GHz core."""
WALL_S: Final = 30.0
"""Time by the clock, waiting for a turn not counted."""
MAX_READERS: Final = 2
"""Readers at once in one process of ours; others wait for their turn."""

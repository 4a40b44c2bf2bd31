"""Reads a scanned paper in a process that can do nothing else, so that a hostile file harms nobody.

`apart` starts that process and judges how it ended; `serve` is what runs in it: it gives up every power (`confinement`,
`syscalls`) before it reads the first byte of the file, then lets `reading` look at it. What comes back is one small
message of a fixed layout (`message`), believed no more than the file itself.

It may import `appliance.journal.errors`, Pillow and pypdfium2; only `reading`, `pictures` and `pdfs` import the last
two, and nothing outside the confined process imports those.
"""

"""The pages of an SQLCipher 4 file and of its write-ahead log, decrypted without SQLCipher: also those not in use.

The format is that of https://www.zetetic.net/sqlcipher/design/: AES-256 in CBC mode with the raw key; each page ends in
16 bytes of IV and 64 of HMAC-SHA512; the first 16 bytes of the file are a salt. SQLite's own WAL format is
https://sqlite.org/fileformat2.html#the_write_ahead_log.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

PAGE = 4096
RESERVE = 80
IV = 16
SALT = 16
WAL_HEADER = 32
FRAME_HEADER = 24


def decrypted(page: bytes, key: bytes, *, first: bool) -> bytes:
    """What one page holds; the salt at the start of the first page is left out."""
    start = SALT if first else 0
    iv = page[PAGE - RESERVE : PAGE - RESERVE + IV]
    cipher = Cipher(AES(key), CBC(iv)).decryptor()
    return cipher.update(page[start : PAGE - RESERVE]) + cipher.finalize()


def pages(database: Path, key: bytes) -> Iterator[bytes]:
    """Every page of the file and of its log, used or not."""
    data = database.read_bytes()
    for number, at in enumerate(range(0, len(data), PAGE)):
        yield decrypted(data[at : at + PAGE], key, first=number == 0)
    log = database.with_name(database.name + "-wal")
    if log.exists():
        frames = log.read_bytes()[WAL_HEADER:]
        for at in range(0, len(frames), FRAME_HEADER + PAGE):
            header, page = frames[at : at + FRAME_HEADER], frames[at + FRAME_HEADER : at + FRAME_HEADER + PAGE]
            if len(page) == PAGE:
                yield decrypted(page, key, first=int.from_bytes(header[:4], "big") == 1)


def holds(database: Path, key: bytes, needle: bytes) -> bool:
    """Whether any page holds these bytes."""
    return any(needle in page for page in pages(database, key))


def free_pages(data: bytes, key: bytes) -> set[int]:
    """The numbers of the pages of a database that nothing uses (https://sqlite.org/fileformat2.html#the_freelist).

    The trunk pages, which list the others, are among them.
    """

    def content(number: int) -> bytes:
        page = decrypted(data[(number - 1) * PAGE : number * PAGE], key, first=number == 1)
        return bytes(SALT) + page if number == 1 else page

    def word(page: bytes, at: int) -> int:
        return int.from_bytes(page[at : at + 4], "big")

    found: set[int] = set()
    trunk = word(content(1), 32)
    while trunk:
        page = content(trunk)
        found |= {trunk, *(word(page, 8 + 4 * leaf) for leaf in range(word(page, 4)))}
        trunk = word(page, 0)
    return found

"""Which requests to the kernel a confined reader may still make, as a seccomp filter (Linux seccomp(2), classic BPF).

It may read and write what is already open, manage its own memory, tell the time and end. Whatever no reader of papers
ever asks for (reach the network, start a program or a process, look into another) ends it at once; all the rest,
opening a file among it, is answered with EPERM. Memory that can be executed can't be had either.

Numbers differ between processors: x86-64 and 64-bit ARM are known here, from the kernel's `unistd_64.h` and
`asm-generic/unistd.h`. The filter has run on x86-64 only.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

# Bytes into `struct seccomp_data`: number, architecture, low half of the third argument (little-endian).
_NR, _ARCH, _ARGUMENT_3 = 0, 4, 32
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW: Final = 0x7FFF0000
_KILL: Final = 0x80000000
_EPERM: Final = 0x00050000 | 1
_PROT_EXEC: Final = 4
_X32: Final = 0x40000000

# Name: number on x86-64, number on 64-bit ARM (None where that has no such call).
ALLOWED: Final[Mapping[str, tuple[int, int]]] = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "lseek": (8, 62),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigreturn": (15, 139),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "exit": (60, 93),
    "gettimeofday": (96, 169),
    "futex": (202, 98),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "exit_group": (231, 94),
    "getrandom": (318, 278),
}
UNLESS_EXECUTABLE: Final[Mapping[str, tuple[int, int]]] = {"mmap": (9, 222), "mprotect": (10, 226)}
DEADLY: Final[Mapping[str, tuple[int, int | None]]] = {
    "socket": (41, 198),
    "connect": (42, 203),
    "accept": (43, 202),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "bind": (49, 200),
    "listen": (50, 201),
    "socketpair": (53, 199),
    "clone": (56, 220),
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "kill": (62, 129),
    "ptrace": (101, 117),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "mount": (165, 40),
    "umount2": (166, 39),
    "init_module": (175, 105),
    "kexec_load": (246, 104),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "unshare": (272, 97),
    "accept4": (288, 242),
    "perf_event_open": (298, 241),
    "setns": (308, 268),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "finit_module": (313, 273),
    "bpf": (321, 280),
    "execveat": (322, 281),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "pidfd_open": (434, 434),
    "clone3": (435, 435),
}


@dataclass(frozen=True, slots=True)
class Processor:
    """A kind of processor whose numbers are known: its AUDIT_ARCH value, and its column in the tables above."""

    audit: int
    column: int


PROCESSORS: Final[Mapping[str, Processor]] = {
    "x86_64": Processor(0xC000003E, 0),
    "aarch64": Processor(0xC00000B7, 1),
}
"""By the name that uname(2) gives."""


def filter_program(processor: Processor) -> bytes:
    """The filter, as an array of `struct sock_filter`."""
    column = processor.column
    steps = [
        *_when(_EQUAL, processor.audit, [], otherwise=[_step(_RETURN, _KILL)], load=_ARCH),
        _step(_LOAD, _NR),
        # Numbers of x86-64's second calling convention name other calls than the table says.
        *_when(_AT_LEAST, _X32, [_step(_RETURN, _KILL)]),
    ]
    for allowed in ALLOWED.values():
        steps += _when(_EQUAL, allowed[column], [_step(_RETURN, _ALLOW)])
    for unless in UNLESS_EXECUTABLE.values():
        executable = _when(_ANY_BIT, _PROT_EXEC, [_step(_RETURN, _KILL)])
        steps += _when(_EQUAL, unless[column], [_step(_LOAD, _ARGUMENT_3), *executable, _step(_RETURN, _ALLOW)])
    for deadly in DEADLY.values():
        number = deadly[column]
        if number is not None:
            steps += _when(_EQUAL, number, [_step(_RETURN, _KILL)])
    return b"".join([*steps, _step(_RETURN, _EPERM)])


def _step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", code, then, otherwise, value)


def _when(
    code: int, value: int, then: list[bytes], otherwise: list[bytes] | None = None, load: int | None = None
) -> list[bytes]:
    """Steps that run `then` if the test holds, else skip it; `otherwise` must not fall through."""
    first = [] if load is None else [_step(_LOAD, load)]
    if otherwise is not None:
        return [*first, _step(code, value, then=len(otherwise)), *otherwise, *then]
    return [*first, _step(code, value, otherwise=len(then)), *then]

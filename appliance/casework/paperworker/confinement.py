"""Takes every power from this process that reading a paper does not need, for good.

Everything the reader will use must be loaded before: afterwards no file can be opened.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
from enum import IntFlag
from typing import Final

from appliance.casework.paperworker import limits
from appliance.casework.paperworker.syscalls import PROCESSORS, filter_program

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_SECCOMP: Final = 22
_PR_SET_NO_NEW_PRIVS: Final = 38
_SECCOMP_MODE_FILTER: Final = 2
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_NICER: Final = 5
# A little more than the clock on the other side: it only matters when nobody is there to end us.
_ALARM_S: Final = int(limits.WALL_S) + 5

LIMITS: Final = (
    (resource.RLIMIT_AS, limits.MEMORY_BYTES, limits.MEMORY_BYTES),
    (resource.RLIMIT_CPU, limits.CPU_S, limits.CPU_S + 1),
    (resource.RLIMIT_FSIZE, 0, 0),
    (resource.RLIMIT_NOFILE, 0, 0),
    (resource.RLIMIT_NPROC, 0, 0),
    (resource.RLIMIT_CORE, 0, 0),
    (resource.RLIMIT_MEMLOCK, 0, 0),
)


class Held(IntFlag):
    """What holds this process. The limits always do; the rest depends on the kernel."""

    NO_NEW_PRIVILEGES = 1
    OWN_NETWORK = 2
    SYSTEM_CALLS = 4
    LIMITS = 8


def confine(mapped: int = 0) -> Held:
    """Confine this process; answers what the kernel granted.

    Args:
        mapped: bytes of addresses that it has already, where it was forked from a large one; the bound comes on top.

    Raises:
        OSError, ValueError: a limit could not be set.
    """
    held = Held(0)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    libc.unshare.argtypes = [ctypes.c_int]
    # Without a namespace of users, only root may make one of networks.
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0 or libc.unshare(_CLONE_NEWNET) == 0:
        held |= Held.OWN_NETWORK
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    os.nice(_NICER)
    signal.alarm(_ALARM_S)
    for which, soft, hard in LIMITS:
        if which == resource.RLIMIT_AS:
            soft, hard = soft + mapped, hard + mapped
        most = resource.getrlimit(which)[1]
        if most != resource.RLIM_INFINITY:
            soft, hard = min(soft, most), min(hard, most)
        resource.setrlimit(which, (soft, hard))
    held |= Held.LIMITS
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        held |= Held.NO_NEW_PRIVILEGES
        if _filter(libc):
            held |= Held.SYSTEM_CALLS
    return held


def enough(held: Held) -> bool:
    """Whether a file from outside may be read under this: the filter must hold where the processor is known."""
    return Held.SYSTEM_CALLS in held or platform.machine() not in PROCESSORS


def _filter(libc: ctypes.CDLL) -> bool:
    processor = PROCESSORS.get(platform.machine())
    if processor is None:
        return False
    steps = filter_program(processor)

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))

    program = Program(len(steps) // 8, steps)
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(program), 0, 0) == 0)

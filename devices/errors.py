"""Errors of devices: each says in a sentence what happened, and in a next step what the operator should do.

What a citizen wrote or signed never stands in them. A driver translates the errors of libusb, sockets and operating
system into these at its edge; nothing else leaves `devices/`.
"""

from __future__ import annotations


class DeviceFault(Exception):
    """A device could not do what it was asked.

    Args:
        sentence: what happened, in words an operator understands.
        next_step: what to do about it.
    """

    def __init__(self, sentence: str, next_step: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.sentence} {self.next_step}".rstrip()


class Unplugged(DeviceFault):
    """The device is not there, or went away."""


class TimedOut(DeviceFault):
    """The device is there and said nothing, or took nothing, within the time limit."""


class Refused(DeviceFault):
    """The device, or the operating system, refused the request."""


class Garbled(DeviceFault):
    """The device said something that its protocol does not allow."""


class Unprintable(DeviceFault):
    """What was asked for cannot be put on this device: a character it lacks, or a picture too wide."""


class NotInstalled(DeviceFault):
    """A system library or program that the driver needs is not on this machine."""

"""The one base of every error Sanad raises on purpose, split by who must act.

Each carries a sentence for the person in front of the machine and a next step for that person; neither ever holds
what a citizen typed, only what is wrong with it.
"""

from __future__ import annotations


class SanadError(Exception):
    """Something went wrong that a person can be told about.

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


class OperatorError(SanadError):
    """The person at the console must change something: a refused act, a wrong entry, a missing permission."""


class DeviceError(SanadError):
    """A device or a disk must be seen to."""


class NetworkError(SanadError):
    """The link or the other side failed; trying later may work, and nothing was lost."""


class IntegrityError(SanadError):
    """Data is not what its hash, signature or tree says it is: stop, keep the evidence, call central IT."""

    def __init__(self, sentence: str, next_step: str = "Stop, keep it as it is, and call central IT.") -> None:
        super().__init__(sentence, next_step)


class BugError(SanadError):
    """We are wrong: a caller broke a rule of the code. Never the user's fault."""

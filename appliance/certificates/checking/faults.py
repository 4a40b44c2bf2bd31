"""What can be wrong with what was brought, before anybody asks whom to trust. Each is one sentence for a citizen."""

from __future__ import annotations

from typing import Final

from appliance.journal.errors import IntegrityError, OperatorError

CHANGED: Final = "The file was changed after it was sealed, or damaged on its way."
_KEEP: Final = "Do not accept it. Ask for the file as the centre gave it, or ask the centre."


class Broken(IntegrityError):
    """It is not as it was signed, or nobody could have signed it so: never to be accepted, whoever signed it."""

    def __init__(self, sentence: str = CHANGED, next_step: str = _KEEP) -> None:
        super().__init__(sentence, next_step)


class Unreadable(OperatorError):
    """There is no certificate in it that could be judged."""

"""Asking NADRA and UIDAI who somebody is, through the gateway of whoever holds the licence; see `docs/identity.md`.

One question is one POST over HTTPS, to one address, under the gateway's own CA; it is never sent again by itself. There
are limits on connecting, on waiting, on the whole and on the size of the answer. Whatever is no clear yes or no is a
NetworkError, which case work writes down as unavailable.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, TypeVar

import msgspec
import requests

from appliance.casework.identity import Answer, Claim, IdentityService, Outcome
from appliance.casework.numbers import AADHAAR, CNIC
from appliance.journal.errors import NetworkError
from provisioning.settings import NodeSettings

CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 10.0
TOTAL_TIMEOUT_S: Final = 15.0
MAX_ANSWER_BYTES: Final = 64 * 1024
_CHUNK_BYTES: Final = 4096

Said = Annotated[str, msgspec.Meta(max_length=200)]
A = TypeVar("A", bound=msgspec.Struct)


class NoAnswer(NetworkError):
    """The authority did not say yes or no."""

    def __init__(self, why: str) -> None:
        super().__init__(why, "Look at a paper instead, or ask again later.")


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where the questions go.

    Attributes:
        url: `https://HOST[:PORT]/PATH` that takes the POST.
        ca: the file with the certificate that the gateway's own must lead to; no other is believed.
        certificate: the files with this centre's certificate and key, where the gateway wants them.
        clock: seconds that only go forward.
    """

    url: str
    ca: Path
    certificate: tuple[Path, Path] | None = None
    clock: Callable[[], float] = time.monotonic

    def ask(self, question: Mapping[str, object], form: type[A]) -> A:
        """Ask once.

        Raises:
            NoAnswer: no answer of that form within the limits.
        """
        deadline = self.clock() + TOTAL_TIMEOUT_S
        with requests.Session() as session:
            # Or a proxy, or another CA, could come from the environment.
            session.trust_env = False
            session.verify = str(self.ca)
            if self.certificate is not None:
                session.cert = (str(self.certificate[0]), str(self.certificate[1]))
            try:
                with session.post(
                    self.url,
                    json=dict(question),
                    timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                    allow_redirects=False,
                    stream=True,
                ) as response:
                    if response.status_code != requests.codes.ok:
                        raise NoAnswer(f"The identity service answered with status {response.status_code}.")
                    return msgspec.json.decode(self._read(response, deadline), type=form)
            except (msgspec.MsgspecError, UnicodeError, RecursionError):
                # Their own words may quote what was said of a citizen.
                raise NoAnswer("The identity service gave an answer that is not of its form.") from None
            except (requests.RequestException, OSError):
                # Theirs quote the address, which is not secret, and sometimes the question, which is.
                raise NoAnswer("The identity service could not be reached.") from None

    def _read(self, response: requests.Response, deadline: float) -> bytes:
        answer = bytearray()
        for chunk in response.iter_content(_CHUNK_BYTES):
            answer += chunk
            if len(answer) > MAX_ANSWER_BYTES:
                raise NoAnswer("The identity service gave an answer that is too long.")
            if self.clock() > deadline:
                raise NoAnswer("The identity service took too long to answer.")
        return bytes(answer)


class _Verisys(msgspec.Struct, frozen=True):
    """What a gateway to NADRA's Verisys answers. Code 100: the citizen is found, and `matched` says whether it fits."""

    code: Said
    sessionId: Said = ""  # noqa: N815 - the gateway's spelling
    message: Said = ""
    matched: bool | None = None


@dataclass(frozen=True, slots=True)
class Nadra:
    """NADRA's Verisys, by a gateway."""

    gateway: Gateway
    name: str = "NADRA"
    kinds: frozenset[str] = frozenset({CNIC})

    FOUND = "100"
    NOT_FOUND = "110"

    def verify(self, claim: Claim) -> Answer:
        """Ask whether this CNIC is of somebody with that name, father and date of birth.

        Raises:
            NetworkError: no yes or no was had.
        """
        said = self.gateway.ask(
            {
                "transactionId": claim.transaction,
                "citizenNumber": "".join(filter(str.isdigit, claim.number)),
                "name": claim.name,
                "fatherName": claim.father_name,
                "dateOfBirth": claim.born,
            },
            _Verisys,
        )
        if said.code == self.NOT_FOUND or (said.code == self.FOUND and said.matched is False):
            return Answer(Outcome.NOT_MATCHED, said.sessionId, said.message)
        if said.code == self.FOUND and said.matched:
            return Answer(Outcome.MATCHED, said.sessionId)
        raise NoAnswer(f"NADRA did not say yes or no (code {said.code[:8]}).")


class _AuthRes(msgspec.Struct, frozen=True):
    """The attributes of `AuthRes` in UIDAI's Authentication API 2.5, section 3.3, as JSON."""

    ret: Said
    txn: Said
    code: Said = ""
    err: Said = ""


@dataclass(frozen=True, slots=True)
class Uidai:
    """UIDAI's demographic authentication, by the gateway of an Authentication User Agency."""

    gateway: Gateway
    name: str = "UIDAI"
    kinds: frozenset[str] = frozenset({AADHAAR})

    # Personal identity, or address, does not match; no such number.
    SAYS_NO = frozenset({"100", "200", "998"})

    def verify(self, claim: Claim) -> Answer:
        """Ask whether this Aadhaar number is of somebody with that name, gender and date of birth.

        Raises:
            NetworkError: no yes or no was had, or the answer is to another question.
        """
        details = {"ms": "E", "name": claim.name, "dob": claim.born, "gender": claim.gender[:1].upper()}
        said = self.gateway.ask(
            {
                "ver": "2.5",
                "txn": claim.transaction,
                "rc": "Y",
                "uid": claim.number,
                "pi": {name: value for name, value in details.items() if value},
            },
            _AuthRes,
        )
        if said.txn != claim.transaction:
            raise NoAnswer("UIDAI answered another question.")
        if said.ret == "y":
            return Answer(Outcome.MATCHED, said.code)
        if said.ret == "n" and said.err in self.SAYS_NO:
            return Answer(Outcome.NOT_MATCHED, said.code, f"error {said.err}")
        raise NoAnswer(f"UIDAI did not say yes or no (error {said.err[:8]}).")


_SERVICES: Final[dict[str, Callable[[Gateway], IdentityService]]] = {"nadra": Nadra, "uidai": Uidai}


def identity_services(settings: NodeSettings, home: Path) -> tuple[IdentityService, ...]:
    """The authorities that this centre can ask, as `node.toml` names them; none where it names none."""
    found = []
    for name, where in sorted(settings.identity.items()):
        own = None
        if where.certificate is not None and where.key is not None:
            own = (home / where.certificate, home / where.key)
        found.append(_SERVICES[name](Gateway(where.url, home / where.ca, own)))
    return tuple(found)

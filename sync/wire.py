"""The requests of a session and their answers, besides the frames: paths, and JSON bodies.

    GET  /v1/challenge     a nonce for the first signed request
    POST /v1/session       what the node has; answered by what central has of it
    GET  /v1/orders?from=N frames: central's orders from N on
    POST /v1/orders        frames: orders that a node holds and central does not; answered by how many it has now
    POST /v1/stream        frames: what central lacks; answered by what central has now
    POST /v1/lane?number=N frames, beside a stream: pieces of sealed files and nothing else; answered in the same way
    GET  /v1/news?cosigned=N&orders=M&wanted=K&busy=0&spoilt=L
                           what central has now, as soon as that is more than the node says it knows, or after a while;
                           the query may also hold the fields of a `NodeReport`
    GET  /v1/blob?digest=D a sealed file that this node named, and does not keep any more
    POST /v1/enrol         see `sync.invite`
    GET  /v1/lists         the public lists, for anybody (`appliance.certificates.listsfile`)
    POST /v1/lists         lists that a node holds and central has lost
    GET  /v1/crl           the authority's revocation list (X.509, DER), for anybody

Signed (`sync.signatures`) are those to session, orders, news, stream and lane, and lists that are handed back. They
name the session that the node opened: central takes a stream of its newest one only, from where its own copy ends.
Every answer to a signed request holds the next challenge, so a session costs one round trip for each thing. What
central has of a node comes with a second one (`spare`): for the news beside a stream, or for the session after it.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from appliance.journal.ids import BlobDigest
from appliance.journal.tree import HASH_BYTES
from sync.frames import MAX_CHECKPOINT, Digest, Size
from sync.session import MAX_WANTED, CentralState, Wanted

CHALLENGE: Final = "/v1/challenge"
SESSION: Final = "/v1/session"
ORDERS: Final = "/v1/orders"
STREAM: Final = "/v1/stream"
LANE: Final = "/v1/lane"
NEWS: Final = "/v1/news"
ENROL: Final = "/v1/enrol"
BLOB: Final = "/v1/blob"
LISTS: Final = "/v1/lists"
CRL: Final = "/v1/crl"
HEALTH: Final = "/healthz"
READY: Final = "/readyz"

CHALLENGE_HEADER: Final = "sanad-challenge"
"""The next challenge, where the answer is frames."""
MAX_ORDERS_STREAM: Final = 16 * 1024 * 1024
"""Bytes of orders as frames, either way."""
MAX_SESSION: Final = 32 * 1024
"""Bytes of a session request."""
MAX_ANSWER: Final = 256 * 1024
"""Bytes of an answer in JSON."""
FEW_WANTED: Final = 8
"""Files that central names to a node that has some to send."""
MAX_SPOILT: Final = 256
"""Files that an answer says came spoilt: the last ones. Those before them are wanted still, and come again."""
MAX_LANES: Final = 2
"""Lanes that central takes of one node at once, beside its stream."""
MAX_CLOCK_S: Final = 253_402_300_799
"""The last second of the year 9999."""
MAX_NOTE: Final = 2 * MAX_CHECKPOINT
"""Bytes of a checkpoint with central's cosignature."""


class ChallengeAnswer(msgspec.Struct, frozen=True):
    """A nonce."""

    challenge: Annotated[str, msgspec.Meta(max_length=200)]


class OrdersAnswer(msgspec.Struct, frozen=True):
    """What central has after orders were handed back."""

    orders: Size
    """Orders that it has for the node."""


class NodeReport(msgspec.Struct, frozen=True):
    """How a node is, as it says itself: for people at central to see. Nothing else is decided by it."""

    software: Annotated[str, msgspec.Meta(max_length=64)]
    """Its version."""
    clock_s: Annotated[int, msgspec.Meta(ge=0, le=MAX_CLOCK_S)]
    """What its clock says, in seconds since 1970."""
    waiting_since: Annotated[
        str, msgspec.Meta(pattern=r"\A([0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}\.[0-9]{3}Z)?\Z")
    ]
    """When its oldest entry was written that central has not countersigned; empty where there is none."""
    backlog_bytes: Size
    """Of entries that are not countersigned, and of sealed files that it knows central to lack."""
    stuck: Size = 0
    """Sealed files that central lacks and this node cannot give."""


class SessionRequest(msgspec.Struct, frozen=True):
    """What a node has. Fields that a later node adds are passed over."""

    versions: Annotated[tuple[int, ...], msgspec.Meta(min_length=1, max_length=8)]
    """The versions of the frames that it speaks."""
    checkpoint: bytes
    """Its newest signed checkpoint."""
    cosigned: bytes | None
    """The newest that it holds central's cosignature of."""
    orders: Size
    """Orders that it has taken up."""
    report: NodeReport | None = None
    """How it is."""
    orders_root: Annotated[bytes, msgspec.Meta(max_length=HASH_BYTES)] = b""
    """The root of the tree over those orders; empty where there are none."""


class Known(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a node knows when it asks for news. What a later node adds is passed over."""

    cosigned: Size
    """The size that central countersigned."""
    orders: Size
    """How many orders central has for it."""
    wanted: Size
    """How many blobs it knows to be wanted."""
    busy: Annotated[int, msgspec.Meta(ge=0, le=1)]
    """1 while it has blobs to send: then it need not hear which of them arrived."""
    spoilt: Size
    """How many blobs of this session came spoilt."""
    passed: Size = 0
    """How many of the first wanted blobs it has not: central names those behind them, until the session ends."""


class WantedBlob(msgspec.Struct, frozen=True, array_like=True):
    """A blob that central lacks, from `offset` on."""

    digest: Digest
    offset: Annotated[int, msgspec.Meta(ge=0)]


class StateAnswer(msgspec.Struct, frozen=True):
    """What central has of the node."""

    version: int
    stored: Size
    staged: Size
    cosigned: bytes | None
    wanted: Annotated[tuple[WantedBlob, ...], msgspec.Meta(max_length=MAX_WANTED)]
    orders: Size
    challenge: Annotated[str, msgspec.Meta(max_length=200)]
    spoilt: tuple[Digest, ...] = ()
    """Blobs of the session that came whole and were not what their digests name; `MAX_SPOILT` at the most."""
    session: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """The session's name."""
    spare: Annotated[str, msgspec.Meta(max_length=200)] = ""
    """A second challenge, as good as the first."""
    scarce: bool = False
    """Whether central's disk is nearly full: it takes entries, and sealed files should wait."""
    lanes: Size = 0
    """How many lanes central takes of this node at once; none where it is older than they are."""

    @classmethod
    def of(
        cls,
        state: CentralState,
        challenge: str,
        *,
        version: int,
        session: str,
        spoilt: tuple[str, ...] = (),
        spare: str = "",
        scarce: bool = False,
    ) -> StateAnswer:
        """Write a state."""
        wanted = tuple(WantedBlob(each.digest, each.offset) for each in state.wanted)
        where = (version, state.stored, state.staged, state.cosigned, wanted, state.orders)
        return cls(*where, challenge, spoilt, session, spare, scarce, MAX_LANES)

    def state(self) -> CentralState:
        """Read the state."""
        wanted = tuple(Wanted(BlobDigest(each.digest), each.offset) for each in self.wanted)
        return CentralState(self.stored, max(self.stored, self.staged), self.cosigned, wanted, self.orders)

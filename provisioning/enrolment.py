"""`sanad enrol INVITE`: a new box becomes a node. Run again after a failure, it goes on where it was.

 1. The home is made, whole or not at all: passphrase slot, fresh keys, store, the journal's first entry.
 2. Central is asked, under the invite; its answer proves itself (`sync.enrol`).
 3. What it gave is kept: central's keys, the recovery slot, certificates of node and centre, first orders with numbers.
 4. The first supervisor is added, and the node counts as enrolled.

Each step looks whether it was done, so that a power cut anywhere costs nothing but a second call.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final

import typer
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import bindparam, select

from appliance.access import operators
from appliance.access.operators import NewOperator
from appliance.access.session import Role
from appliance.journal.errors import OperatorError
from appliance.journal.ids import JournalId
from appliance.journal.kinds import JournalOpened
from appliance.journal.trust import format_trust
from appliance.records import tables as t
from appliance.records.disk import write_durably
from appliance.sealing import slotfile, slots
from appliance.sealing.age import recipient_of
from appliance.sealing.slots import Unlocked
from appliance.store.layout import Layout
from appliance.store.store import (
    AGE_IDENTITY,
    CENTRE_KEY,
    COSIGNER,
    LOCKER,
    NODE_KEY,
    ORDERS_SIGNER,
    PUBLISHER,
    NodeKeys,
    Store,
)
from provisioning import terminal
from provisioning.enrolled import ENROLLED_AT, is_begun, is_enrolled
from provisioning.making import KEYS, first_slot, new_home
from provisioning.opening import HomeOption, JsonOption, home_of, open_store, real_clock
from provisioning.settings import NODE_FILE, Centre, node_toml
from provisioning.unlock import changing, open_home, read_passphrase, read_password
from sync.agent import fetch_lists_now
from sync.enrol import Enrolled, enrol_request
from sync.invite import INVITE_START, MAX_INVITE, Invite, parse_invite

RECOVERY_LABEL: Final = "central's recovery key"
_CENTRE: Final = select(t.centres.c.centre, t.centres.c.centre_name).where(t.centres.c.journal == bindparam("journal"))
NEW_PASSPHRASE: Final = "New passphrase of this node"
PASSWORD_FILE: Final = "SANAD_NEW_PASSWORD_FILE"


def enrol(
    invite: Annotated[str, typer.Argument(help="The invite: the line that central gave, or a file that holds it.")],
    supervisor: Annotated[str, typer.Option(help="The login of the first supervisor.")],
    name: Annotated[str, typer.Option(help="The first supervisor's full name.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make this box a node of a central. The store's passphrase and the supervisor's password are asked for."""
    place = home_of(home)
    asked = parse_invite(_line(invite))
    first = NewOperator(supervisor, name, (Role.SUPERVISOR,), "")
    first.check()
    journal, answer = enrol_node(place, asked, first, lambda: read_passphrase(place, new=True, prompt=NEW_PASSPHRASE))
    values = {
        "home": str(place),
        "journal": journal,
        "centre": asked.centre,
        "central": answer.central_name,
        "central_fingerprint": answer.central_fingerprint,
        "node_fingerprint": answer.node_fingerprint,
    }
    terminal.answer(values, _words(values), as_json=as_json)


def enrol_node(
    home: Path, invite: Invite, first: NewOperator, passphrase: Callable[[], str]
) -> tuple[JournalId, Enrolled]:
    """Make the node in `home`, or go on where an earlier call was cut.

    Args:
        home: the node's home; it must not be there yet, or be one that was not fully enrolled.
        invite: central's.
        first: the first supervisor; a password that is empty is asked for.
        passphrase: gives the new passphrase, where the home is made now.

    Raises:
        OperatorError: the home holds something else, or is enrolled; or central refused.
        NetworkError: central was not reached; calling again goes on.
    """
    made = is_begun(home)
    unlocked = open_home(home) if made else make_node(home, invite, passphrase())
    with open_store(home, unlocked.keys[0]).closing() as store:
        if is_enrolled(store):
            raise OperatorError("This node is enrolled already.", "Nothing was changed. See `sanad sync status`.")
        _check_centre(store, invite)
        answer = ask_central(store, invite)
        keep_answer(store, unlocked, invite, answer)
        if trouble := fetch_lists_now(store, answer.address):
            terminal.note(f"Central's public lists did not come yet; the next sync brings them. {trouble}")
        if not operators.operators(store):
            password = first.password or read_password(home, PASSWORD_FILE, f"New password of {first.login}", new=True)
            operators.add_first_supervisor(store, replace(first, password=password), os.urandom)
        store.remember(**{ENROLLED_AT: store.now()})
        journal = store.journal
    return journal, answer


def _check_centre(store: Store, invite: Invite) -> None:
    with store.read() as tx:
        row = tx.one(_CENTRE, {"journal": store.journal})
    if row is not None and tuple(row) != (invite.centre, invite.centre_name):
        raise OperatorError(
            f"This box began to enrol for {row[0]}, and the invite is for {invite.centre}.",
            f"Bring an invite for {row[0]}, or begin anew with another --home.",
        )


def make_node(home: Path, invite: Invite, passphrase: str) -> Unlocked:
    """Make the home of a new node: passphrase slot, fresh keys, store, the journal's first entry.

    Raises:
        OperatorError: there is something in `home` already.
    """
    with new_home(home) as making:
        unlocked = first_slot(making, passphrase, "first passphrase")
        keys = NodeKeys.generate(os.urandom)
        opened = JournalOpened(
            centre=invite.centre,
            centre_name=invite.centre_name,
            node_key=_public(keys.node).hex(),
            age_recipient=recipient_of(keys.age_identity),
            software=version("sanad"),
        )
        store = Store.create(
            Layout(making), unlocked.keys[0], keys, opened, clock=real_clock, random=os.urandom, halt=terminal.halt
        )
        store.close()
    return unlocked


def ask_central(store: Store, invite: Invite) -> Enrolled:
    """Step 2: prove this node's keys to central, and verify what it answers."""
    return enrol_request(
        invite,
        journal=store.signer,
        node_key=store.secret(NODE_KEY),
        centre_key=store.secret(CENTRE_KEY),
        recipient=recipient_of(store.secret(AGE_IDENTITY).decode()),
        entry=next(store.entries(0, 1)),
    )


def keep_answer(store: Store, unlocked: Unlocked, invite: Invite, answer: Enrolled) -> None:
    """Step 3: keep central's keys, the recovery slot, the certificates and the first orders."""
    home = store.layout.home
    keys = {COSIGNER: answer.cosigner, ORDERS_SIGNER: answer.orders_key, PUBLISHER: answer.publisher}
    store.remember(**{name: key.text for name, key in keys.items()}, **{LOCKER: answer.locker})
    store.take_orders(answer.orders, answer.orders_checkpoint)
    store.take_cosignature(answer.cosigned)
    if not any(slot.recipient == answer.recovery for slot in unlocked.slots.slots):
        added = slots.add_recovery(unlocked, answer.recovery, label=RECOVERY_LABEL, at=store.now(), random=os.urandom)
        with changing(home, unlocked):
            slotfile.save(home, added.slots)
    authority = x509.load_der_x509_certificate(answer.address.authority)
    certificate = x509.load_der_x509_certificate(answer.certificate)
    for_centre = x509.load_der_x509_certificate(answer.centre_certificate)
    write_durably(store.layout.authority, authority.public_bytes(Encoding.PEM))
    write_durably(store.layout.centre_certificate, for_centre.public_bytes(Encoding.PEM))
    write_durably(home / KEYS / "node.crt", certificate.public_bytes(Encoding.PEM))
    write_durably(home / "trust", format_trust([store.verifier, *keys.values()]))
    settings = node_toml(Centre(code=invite.centre, name=invite.centre_name), answer.address.url)
    write_durably(home / NODE_FILE, settings.encode())


def _line(invite: str) -> str:
    file = Path(invite)
    try:
        if len(invite) < MAX_INVITE and file.is_file():
            with file.open("rb") as source:
                return source.read(MAX_INVITE).decode("ascii", errors="replace")
    except OSError:
        # A line too long to be a file's name is the invite itself.
        return invite
    if not invite.startswith(INVITE_START):
        raise OperatorError(
            "There is no file of that name, and it is no invite.",
            "Check the file's name, or paste the whole line.",
        )
    return invite


def _public(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _words(values: dict[str, str]) -> str:
    return (
        f"This node serves {values['centre']}; its journal is {values['journal']}.\n"
        f"Compare both fingerprints with what central shows (`sanad central nodes`):\n"
        f"  central {values['central_fingerprint']}\n"
        f"  node    {values['node_fingerprint']}\n"
        "Next: `sanad node`, and `sanad operators add`."
    )

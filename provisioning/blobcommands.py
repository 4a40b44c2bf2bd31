"""`sanad blobs …`: what of this box's sealed files may leave it, and how one comes back."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Final

import typer

from appliance.journal.errors import OperatorError, SanadError
from appliance.journal.ids import DIGEST, BlobDigest
from appliance.store.freeing import Disk, Freed, Rule, disk_below, free_blobs, newest_backup
from appliance.store.store import NODE_KEY, Store
from provisioning import terminal
from provisioning.enrolled import require_enrolled
from provisioning.opening import HomeOption, JsonOption, node_store
from provisioning.settings import NODE_FILE, NodeSettings, load
from provisioning.synccommands import central_address
from sync.calls import Caller, Calls
from sync.link import Address, Link

EVERY_S: Final = 900.0
"""Between looks of the node service whether there is room to make."""
MEGABYTE: Final = 1_000_000

app = typer.Typer(no_args_is_help=True, help="Sealed files: make room on this box, fetch one back from central.")


@app.command("free")
def free(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Take from this box now what its settings let go: only what central and one of its backups hold."""
    with node_store(home) as store:
        require_enrolled(store)
        backup = newest_backup(store)
        freed = free_blobs(store, rule_of(store), lambda: disk_below(store))
    values = {"files": freed.files, "bytes": freed.bytes, "backup": None if backup is None else backup.name}
    if backup is None:
        words = "Nothing was freed: central has not said yet that a backup holds anything of this node."
    elif not freed.files:
        words = f"Nothing was freed: there is room enough, or nothing may go yet under the backup {backup.name}."
    else:
        words = f"{freed.files} sealed files were freed, {freed.bytes / MEGABYTE:.1f} MB; {backup.name} holds them."
    terminal.answer(values, words, as_json=as_json)


@app.command("fetch")
def fetch(
    digest: Annotated[str, typer.Argument(help="The digest of the sealed file: 64 hexadecimal digits.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch a sealed file back from central: one that was freed, or is damaged here."""
    if not DIGEST.fullmatch(digest):
        raise OperatorError("A digest has 64 hexadecimal digits.", "The message that sent you here names it.")
    with node_store(home) as store:
        require_enrolled(store)
        size = fetch_back(store, central_address(store.layout.home), BlobDigest(digest))
    terminal.answer({"digest": digest, "bytes": size}, f"The sealed file is here again, {size} bytes.", as_json=as_json)


def fetch_back(store: Store, address: Address, digest: BlobDigest) -> int:
    """Fetch a sealed file from central and keep it; answers its bytes.

    Raises:
        NetworkError: central was not reached. IntegrityError: it does not hold the file, or gave another one.
        StorageFull, StorageReadOnly: it was not kept.
    """
    with Link(address) as link:
        calls = Calls(link, Caller(store.journal, store.secret(NODE_KEY), lambda: int(time.time())))
        sealed = calls.sealed(store.head().size, digest)
    store.take_back_blob(digest, sealed)
    return len(sealed)


def rule_of(store: Store) -> Rule:
    """When files go, by this node's settings."""
    told = load(NodeSettings, store.layout.home / NODE_FILE).blobs
    return Rule(told.free_below_percent, told.free_after_days)


def keep_room(
    store: Store, disk: Disk, ends_within: Callable[[float], bool], report: Callable[[Freed | SanadError], None]
) -> None:
    """Make room again and again, for the node service, beside its syncing.

    Args:
        store: the node's.
        disk: says how full it is.
        ends_within: waits so many seconds, or less; whether the service ends.
        report: told what was freed, and what went wrong.
    """
    while not ends_within(EVERY_S):
        try:
            freed = free_blobs(store, rule_of(store), disk)
        except SanadError as error:
            report(error)
        else:
            if freed.files:
                report(freed)

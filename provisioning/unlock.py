"""Where passphrases and passwords come from, and how a home is opened with one.

Unattended, a secret is read from the file that an environment variable names; else it is asked for on the terminal.
A file that others could change, or one that lies in the home it opens, is refused with the way to mend it; a file that
others could read is named on standard error.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from appliance.journal.errors import OperatorError
from appliance.records.rekey import EncryptedFile, settle
from appliance.sealing import slotfile, slots
from appliance.sealing.passphrase import (
    MIN_OPERATOR_PASSWORD,
    MIN_STORE_PASSPHRASE,
    PassphraseError,
    prepared,
    prepared_new,
)
from appliance.sealing.pins import MIN_PIN
from provisioning.terminal import note

VARIABLE = "SANAD_PASSPHRASE_FILE"
NEW_VARIABLE = "SANAD_NEW_PASSPHRASE_FILE"
PIN_VARIABLE = "SANAD_PIN_FILE"
PROMPT = "Passphrase of this home"
MAX_SECRET_FILE = 4096
MAX_TRIES = 3

Ask = Callable[[str], str]
"""Asks a person for a secret without showing it, after a prompt."""


def find_terminal() -> Ask | None:
    """Asks on this process's terminal; None when it has none."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return None
    return getpass.getpass


def read_passphrase(
    home: Path,
    *,
    new: bool = False,
    variable: str = VARIABLE,
    prompt: str = PROMPT,
    environment: Mapping[str, str] = os.environ,
    ask: Callable[[], Ask | None] = find_terminal,
) -> str:
    """The passphrase of a home.

    Args:
        home: the home it opens; its file must lie elsewhere.
        new: whether it is chosen now, and so typed twice and held to the rules.
        variable: the environment variable that may name a file.
        prompt: what the terminal says.
        environment: the environment.
        ask: finds the terminal.

    Raises:
        OperatorError: there is no way to get one, or the file is unfit.
    """
    minimum = MIN_STORE_PASSPHRASE if new else None
    return _read(home, variable, prompt, minimum, environment, ask)


def read_password(
    home: Path,
    variable: str,
    prompt: str,
    *,
    new: bool = False,
    environment: Mapping[str, str] = os.environ,
    ask: Callable[[], Ask | None] = find_terminal,
) -> str:
    """An operator's password; arguments and errors as for `read_passphrase`."""
    minimum = MIN_OPERATOR_PASSWORD if new else None
    return _read(home, variable, prompt, minimum, environment, ask)


def read_pin(
    home: Path,
    prompt: str,
    *,
    new: bool = False,
    environment: Mapping[str, str] = os.environ,
    ask: Callable[[], Ask | None] = find_terminal,
) -> str:
    """The PIN of an officer's key; arguments and errors as for `read_passphrase`."""
    return _read(home, PIN_VARIABLE, prompt, MIN_PIN if new else None, environment, ask)


def open_slots(
    home: Path,
    *,
    environment: Mapping[str, str] = os.environ,
    ask: Callable[[], Ask | None] = find_terminal,
) -> slots.Unlocked:
    """The key slots of a home, opened with its passphrase; on a terminal a typing error may be mended.

    Raises:
        WrongPassphrase: the passphrase opens no slot.
        OperatorError: there is no passphrase to be had.
        SlotsDamaged, DeviceError: the slots cannot be used.
    """
    found = slotfile.load(home)
    prompt = PROMPT
    tries = 1 if environment.get(VARIABLE) else MAX_TRIES
    while True:
        tries -= 1
        try:
            passphrase = read_passphrase(home, prompt=prompt, environment=environment, ask=ask)
            return slots.unlock_with_passphrase(found, passphrase)
        except (slots.WrongPassphrase, PassphraseError):
            if not tries:
                raise
        prompt = f"That does not open it. {PROMPT}"


def open_home(
    home: Path, *, environment: Mapping[str, str] = os.environ, ask: Callable[[], Ask | None] = find_terminal
) -> slots.Unlocked:
    """Like `open_slots`, and ends a rotation that a power cut interrupted: what it returns holds one key.

    Raises:
        SanadError: as for `open_slots`, `settle` and `slotfile.save`; nothing is lost by any of them.
    """
    unlocked = open_slots(home, environment=environment, ask=ask)
    if not unlocked.slots.rotating:
        return unlocked
    # Under the lock, or a rotation that is just running would be taken for one that was interrupted.
    with changing(home, unlocked):
        ended = slots.finish_rotation(unlocked, settle(databases_of(home), unlocked.keys))
        slotfile.save(home, ended.slots)
    return ended


def store_key(home: Path) -> bytes:
    """The key of a home's databases, by its passphrase; errors as for `open_home`."""
    return open_home(home).keys[0]


def databases_of(home: Path) -> list[EncryptedFile]:
    """Every database of a home, node's or central's: all are encrypted with its store key."""
    names = ("store",) if (home / "store.db").exists() else ("archive", "index")
    files = [EncryptedFile(home / f"{name}.db", home / f"{name}.lock") for name in names]
    return [file for file in files if file.path.exists()]


@contextlib.contextmanager
def changing(home: Path, unlocked: slots.Unlocked) -> Iterator[None]:
    """Keeps the slots of a home to this process while it changes them.

    Raises:
        OperatorError: they are no longer the ones that were unlocked.
    """
    with slotfile.locked(home) as now:
        if now != unlocked.slots:
            raise OperatorError("The key slots were changed by someone else meanwhile.", "Do it again.")
        yield


def _read(
    home: Path,
    variable: str,
    prompt: str,
    minimum: int | None,
    environment: Mapping[str, str],
    ask: Callable[[], Ask | None],
) -> str:
    named = environment.get(variable)
    if named:
        secret = _read_file(Path(named), home, variable)
        _check(secret, minimum)
        return secret
    asked = ask()
    if asked is None:
        raise OperatorError(
            f"{prompt}: there is no terminal to ask on.", f"Put it in a file and name that file in {variable}."
        )
    try:
        secret = asked(f"{prompt}: " if minimum is None else f"{prompt}, at least {minimum} characters: ")
        _check(secret, minimum)
        same = minimum is None or asked("The same again: ") == secret
    except (EOFError, UnicodeDecodeError):
        raise OperatorError("Nothing was entered.", "Do it again; nothing was changed.") from None
    if not same:
        raise OperatorError("The two were not the same.", "Do it again; nothing was changed.")
    return secret


def _check(secret: str, minimum: int | None) -> None:
    if minimum is None:
        prepared(secret)
    else:
        prepared_new(secret, minimum)


def _read_file(path: Path, home: Path, variable: str) -> str:
    try:
        resolved = path.resolve(strict=True)
        # Non-blocking, so that a pipe nobody writes to is refused instead of waited for.
        descriptor = os.open(resolved, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except (OSError, RuntimeError) as error:
        raise _unfit(variable, "cannot be opened", f"Check the path, and who may read it: {path}") from error
    try:
        _refuse_unfit(os.fstat(descriptor), path, resolved, home, variable)
        data = os.read(descriptor, MAX_SECRET_FILE + 1)
    finally:
        os.close(descriptor)
    if len(data) > MAX_SECRET_FILE:
        raise _unfit(variable, f"is larger than {MAX_SECRET_FILE} bytes", "It must hold only the secret.")
    return _text(data, variable)


def _refuse_unfit(status: os.stat_result, path: Path, resolved: Path, home: Path, variable: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _unfit(variable, "is not a file", f"Name a file that holds only the secret, not {path}")
    if resolved.is_relative_to(home.resolve()):
        raise _unfit(variable, "lies inside the home that it opens", f"Move it out of {home}, best to another disk.")
    owners = _trusted_owners(home)
    if status.st_uid not in owners:
        raise _unfit(variable, "belongs to another user", f"Run: chown {owners[0]} {path}")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise _unfit(variable, "can be changed by others", f"Run: chmod 600 {path}")
    if status.st_mode & (stat.S_IRGRP | stat.S_IROTH):
        # Not refused: secrets that a supervisor mounts for a container are often readable by all inside it.
        note(f"The file that {variable} names can be read by others. Run: chmod 600 {path}")


def _text(data: bytes, variable: str) -> str:
    # Only the one line end that an editor adds; every other character belongs to the secret.
    line_end = b"\r\n" if data.endswith(b"\r\n") else b"\n"
    secret = data.removesuffix(line_end)
    if not secret:
        raise _unfit(variable, "is empty", "Write the secret into it.")
    try:
        return secret.decode()
    except UnicodeDecodeError:
        # The error's own words would quote the secret.
        raise _unfit(variable, "is not text in UTF-8", "Save it as UTF-8.") from None


def _unfit(variable: str, what: str, next_step: str) -> OperatorError:
    return OperatorError(f"The file that {variable} names {what}.", next_step)


def _trusted_owners(home: Path) -> tuple[int, ...]:
    """Who may own a file with a secret: the owner of the home, this user, root."""
    owner = home.stat().st_uid if home.exists() else os.geteuid()
    return owner, os.geteuid(), 0

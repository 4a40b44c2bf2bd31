"""Tokens that are not there: SoftHSM, by the program and the library that Debian has."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pkcs11

from appliance.certificates.token import Tokens

MODULE: Final = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN: Final = "273841"
PUK: Final = "99887766"


@dataclass(frozen=True)
class SoftTokens:
    """A drawer full of tokens, one library's."""

    folder: Path

    def open(self, wanted: str = "") -> Tokens:
        """What a node uses to reach them."""
        return Tokens(MODULE, wanted)

    def add(self, label: str, pin: str = PIN) -> None:
        """Put in a token."""
        command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", PUK]
        subprocess.run(command, check=True, capture_output=True)
        self._look_again()

    def take_out(self, label: str) -> None:
        """Take a token out, with all that is on it."""
        command = ["softhsm2-util", "--delete-token", "--token", label]
        subprocess.run(command, check=True, capture_output=True)
        self._look_again()

    def _look_again(self) -> None:
        # The library looks once for what is there; a reader of cards would tell it.
        pkcs11.lib(str(MODULE)).reinitialize()


def soft_tokens(folder: Path) -> SoftTokens:
    """A drawer without tokens; the library of this process looks into it from here on."""
    (folder / "tokens").mkdir()
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(settings)
    pkcs11.lib(str(MODULE)).reinitialize()
    return SoftTokens(folder)

"""Imports every command of `sanad`."""

import importlib

from provisioning.cli import COMMANDS

for _module, _ in COMMANDS.values():
    importlib.import_module(_module)

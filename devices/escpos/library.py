"""Brings in python-escpos when a receipt is first encoded, and takes back what its import does to the process.

Importing it takes up to half a second, gives the root logger a handler, and leaves a folder in the temporary directory.
"""

from __future__ import annotations

import copy
import functools
import importlib
import logging
import os
import shutil
from typing import Any, Final

OWN_CACHE: Final = "ESCPOS_CAPABILITIES_PICKLE_DIR"


@functools.cache
def _library() -> Any:
    root = logging.getLogger()
    before = list(root.handlers)
    capabilities = importlib.import_module("escpos.capabilities")
    for handler in [h for h in root.handlers if h not in before]:
        root.removeHandler(handler)
    if OWN_CACHE not in os.environ:
        shutil.rmtree(capabilities.pickle_dir, ignore_errors=True)
    return importlib.import_module("escpos.printer")


def new_encoder(profile: str, width_dots: int) -> Any:
    """An encoder of python-escpos that sends nothing: its `output` are the bytes.

    The paper's width is set, or the library would print a remark on standard output for each picture.
    """
    printer = _library().Dummy(profile=profile)
    data = copy.deepcopy(printer.profile.profile_data)
    data["media"] = {**data.get("media", {}), "width": {"pixels": width_dots}}
    printer.profile.profile_data = data
    return printer

"""`sanad node`: the service that unlocks a node once, hands the key to local processes, and carries the journal away."""

from __future__ import annotations

import signal
import threading
from importlib.metadata import version
from types import FrameType
from typing import Annotated

import typer

from appliance.store.store import Store
from provisioning import terminal
from provisioning.keyservice import NODE_SOCKET, KeyService
from provisioning.opening import HomeOption, home_of, open_unlocked
from sync.agent import follow

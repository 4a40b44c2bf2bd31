"""Central's orders, in words."""

from __future__ import annotations

from typing import Final

from appliance.journal import kinds as k
from appliance.records.wording.base import Wording

WHAT: Final[Wording] = {
    k.OrdersOpened.KIND: lambda body: f"opened the orders for {body.centre}",
    k.NumbersLeased.KIND: lambda body: f"leased the numbers {body.prefix}{body.first} to {body.prefix}{body.last}",
}

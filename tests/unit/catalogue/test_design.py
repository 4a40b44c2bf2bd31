"""`[certificate.design]`: what it may say, and that what it says is shown."""

from __future__ import annotations

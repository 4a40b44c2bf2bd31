"""`sanad`, and `python -m provisioning`. Importing the command line takes a moment, and may be interrupted."""

from __future__ import annotations

import sys
from typing import Final

INTERRUPTED: Final = 130


def main() -> None:
    """Run one command and end the process with its exit code."""
    try:
        from provisioning import cli
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    cli.main()


if __name__ == "__main__":
    main()

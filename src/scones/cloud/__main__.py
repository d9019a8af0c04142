"""`python -P -m scones.cloud`: one local cloud in the foreground, as `scones up` runs it."""

from __future__ import annotations

import argparse
from pathlib import Path

from scones.cloud.errors import CloudError
from scones.cloud.watchdog import Watchdog


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(prog="python -m scones.cloud")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--port", type=int)
    parser.add_argument("--region")
    parser.add_argument("--account")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    watchdog = Watchdog(options.data_dir.resolve())
    from scones.cloud.server import serve

    try:
        serve(watchdog=watchdog, **vars(options))
    except CloudError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()

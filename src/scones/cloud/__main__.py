"""Run one local cloud in the foreground: `python -P -m scones.cloud`, which `scones up` starts."""

from __future__ import annotations

import argparse
import gc
import importlib
import sys
from pathlib import Path
from types import ModuleType

from scones.cloud.errors import CloudError, start_failure
from scones.cloud.process.watchdog import Watchdog


def server() -> ModuleType:
    """Import the server without `awscrt`: botocore needs 50 ms to import it, and the cloud does not sign requests."""
    sys.modules.setdefault("awscrt", None)  # type: ignore[arg-type]  # makes imports of it fail
    try:
        return importlib.import_module("scones.cloud.server")
    finally:
        if sys.modules["awscrt"] is None:
            del sys.modules["awscrt"]


def main() -> None:
    """Parse the options and run the server."""
    parser = argparse.ArgumentParser(prog="python -m scones.cloud")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--port", type=int)
    parser.add_argument("--region")
    parser.add_argument("--account")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument(
        "--recover", action="store_true", help="do not resume earlier work, and salvage a damaged database"
    )
    options = parser.parse_args()
    gc.disable()  # re-enabled once the server runs; nothing that is loaded before then is garbage
    try:
        watchdog = Watchdog(options.data_dir.resolve())
        server().serve(watchdog=watchdog, **vars(options))
    except CloudError as error:
        raise SystemExit(str(error)) from error
    except (OSError, RuntimeError, MemoryError) as error:
        if failure := start_failure(error, options.data_dir):
            raise SystemExit(str(failure)) from error
        raise


if __name__ == "__main__":
    main()

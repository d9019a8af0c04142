"""Packages in AWS's images that scripts import.

This folder is last in the import path, so that an installed package takes precedence.
"""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path


def add_to_import_path() -> None:
    """Append this folder to the import path of this container's Python environment, from the next start of Python on.

    Only a container has its own environment, which VIRTUAL_ENV names; no other environment is changed.
    """
    packages = Path(sysconfig.get_path("purelib"))
    if packages.is_relative_to(os.environ.get("VIRTUAL_ENV", "/nowhere")):
        (packages / "scones-provided.pth").write_text(f"{Path(__file__).parent}\n")

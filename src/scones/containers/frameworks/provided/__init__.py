"""Packages in all of AWS's framework images that scripts import.

This folder is last in the import path, so that an installed package takes precedence.
"""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path


def add_to_import_path(*more: Path) -> None:
    """Append this and further folders to the import path of this container's Python, from the next start of Python on.

    Only a container has its own environment, which VIRTUAL_ENV names; no other environment is changed.
    """
    packages = Path(sysconfig.get_path("purelib"))
    if packages.is_relative_to(os.environ.get("VIRTUAL_ENV", "/nowhere")):
        (packages / "scones-provided.pth").write_text("".join(f"{each}\n" for each in (Path(__file__).parent, *more)))

"""Packages that scripts can import because all of AWS's framework images contain them.

This folder is last in the import path, so that an installed package takes precedence.
"""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path


def add_to_import_path(*more: Path) -> None:
    """Append this folder and `more` to the import path of this container's Python, for all later starts of Python.

    Changes only a container's own virtual environment, whose folder is in VIRTUAL_ENV.
    """
    packages = Path(sysconfig.get_path("purelib"))
    if packages.is_relative_to(os.environ.get("VIRTUAL_ENV", "/nowhere")):
        (packages / "scones-provided.pth").write_text("".join(f"{each}\n" for each in (Path(__file__).parent, *more)))

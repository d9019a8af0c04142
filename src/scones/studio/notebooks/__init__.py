"""The workflow step by step, as notebooks that run with the SageMaker Python SDK v2."""

from __future__ import annotations

import shutil
from pathlib import Path

_HERE = Path(__file__).parent


def provide(folder: Path) -> None:
    """Copy the notebooks into a folder; existing files are not overwritten."""
    folder.mkdir(parents=True, exist_ok=True)
    for notebook in sorted(_HERE.glob("*.ipynb")):
        target = folder / notebook.name
        if not target.exists():
            shutil.copyfile(notebook, target)

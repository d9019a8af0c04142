"""The properties in which framework images differ."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """A framework, its Python package, and the names that AWS's image uses.

    `training` is the framework module in a training job's log; `handlers` is the module with default handlers for an
    inference script. `variables` are set for a training script; `torch` enables torchrun.
    """

    name: str
    package: str
    install: str
    """Argument for `pip install`."""
    training: str
    handlers: str
    variables: dict[str, str] = field(default_factory=dict)
    torch: bool = False
    algorithm: str = ""
    """Module with the training function and handlers of the image's own algorithm, which runs if there is no script."""
    provided: tuple[Path, ...] = ()
    """Folders with packages that scripts of this image import, in addition to those of all images."""

    def missing(self) -> str:
        """Return a sentence if the package is missing, else "". Call it after requirements are installed."""
        importlib.invalidate_caches()
        if importlib.util.find_spec(self.package) is not None:
            return ""
        return (
            f"The {self.name} image uses this machine's Python packages, but {self.package} is not installed: "
            f"list it in requirements.txt next to the script, or run pip install {self.install} in the "
            "environment of scones."
        )

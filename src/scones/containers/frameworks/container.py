"""Paths in SageMaker's containers."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Container:
    """Paths below /opt/ml, or below SAGEMAKER_BASE_DIR, a variable that AWS's toolkits read too."""

    base: Path

    @classmethod
    def here(cls) -> Container:
        """Return the paths of this process's container."""
        return cls(Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")))

    @property
    def code(self) -> Path:
        """The user's code in a training job."""
        return self.base / "code"

    @property
    def model(self) -> Path:
        """The model folder: training writes it, hosting reads it."""
        return self.base / "model"

    @property
    def input(self) -> Path:
        """The job's input."""
        return self.base / "input"

    @property
    def output(self) -> Path:
        """The job's output other than the model; its file `failure` becomes the job's FailureReason."""
        return self.base / "output"

    def channel(self, name: str) -> Path:
        """Return a channel's folder."""
        return self.input / "data" / name

    def config(self, name: str) -> dict[str, Any]:
        """Read one of the JSON files in input/config; return {} if it does not exist."""
        path = self.input / "config" / f"{name}.json"
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return found

"""The container's folders, as SageMaker lays them out."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """Everything below /opt/ml, or below SAGEMAKER_BASE_DIR where AWS's toolkits look too."""

    base: Path

    @classmethod
    def here(cls) -> Place:
        """Return the place that this process runs in."""
        return cls(Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")))

    @property
    def code(self) -> Path:
        """The user's code, of a training job."""
        return self.base / "code"

    @property
    def model(self) -> Path:
        """Where the model goes, and comes from."""
        return self.base / "model"

    @property
    def input(self) -> Path:
        """The job's input."""
        return self.base / "input"

    @property
    def output(self) -> Path:
        """The job's output but for the model; the file `failure` in it becomes the job's FailureReason."""
        return self.base / "output"

    def channel(self, name: str) -> Path:
        """Return a channel's folder."""
        return self.input / "data" / name

    def config(self, name: str) -> dict[str, Any]:
        """Read one of input/config's JSON files; an absent one is empty."""
        path = self.input / "config" / f"{name}.json"
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return found

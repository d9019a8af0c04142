"""Paths and log format of SageMaker's training container."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Container:
    """Paths below /opt/ml, or below SAGEMAKER_BASE_DIR, a variable that AWS's public toolkits read too."""

    base: Path

    @classmethod
    def here(cls) -> Container:
        """Return the container of this process."""
        return cls(Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")))

    @property
    def model(self) -> Path:
        """The model folder: training writes it, hosting reads it."""
        return self.base / "model"

    @property
    def failure(self) -> Path:
        """The file whose beginning becomes the job's FailureReason."""
        return self.base / "output" / "failure"

    @property
    def checkpoints(self) -> Path:
        """The checkpoint folder; it exists only if the job has a CheckpointConfig."""
        return self.base / "checkpoints"

    def channel(self, name: str) -> Path:
        """Return a channel's folder."""
        return self.base / "input" / "data" / name

    def hyperparameters(self) -> dict[str, str]:
        """Return the algorithm's hyperparameters as strings.

        Script mode encodes values in JSON, which is undone, and adds `sagemaker_*` parameters, which are left out.
        """
        parameters = {name: str(value) for name, value in self.config("hyperparameters").items()}
        return {name: _unwrapped(text) for name, text in parameters.items() if not name.startswith("sagemaker_")}

    def is_sharded(self, channel: str) -> bool:
        """Return True if each instance has its own files of a channel instead of all files."""
        parameters = self.config("inputdataconfig").get(channel, {})
        return bool(parameters.get("S3DistributionType") == "ShardedByS3Key")

    def config(self, name: str) -> dict[str, Any]:
        """Read one of the JSON files in input/config; return {} if it does not exist."""
        path = self.base / "input" / "config" / f"{name}.json"
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return found


def _unwrapped(text: str) -> str:
    return str(json.loads(text)) if text.startswith('"') and text.endswith('"') else text


def log(message: str, level: str = "INFO") -> None:
    """Print one line in the format of the built-in algorithm's log."""
    moment = time.strftime("%m/%d/%Y %H:%M:%S")
    print(f"[{moment} {level} {threading.get_ident()}] {message}", flush=True)  # noqa: T201 - stdout is the log

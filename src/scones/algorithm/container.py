"""The container's folders and its log, as SageMaker lays them out."""

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
    """Everything below /opt/ml, or below SAGEMAKER_BASE_DIR where the public toolkits look too."""

    base: Path

    @classmethod
    def here(cls) -> Container:
        """Return the container that this process runs in."""
        return cls(Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")))

    @property
    def model(self) -> Path:
        """Where the model goes, and comes from."""
        return self.base / "model"

    @property
    def failure(self) -> Path:
        """The file whose beginning becomes the job's FailureReason."""
        return self.base / "output" / "failure"

    @property
    def checkpoints(self) -> Path:
        """Where checkpoints are kept; there with a CheckpointConfig alone."""
        return self.base / "checkpoints"

    def channel(self, name: str) -> Path:
        """Return a channel's folder."""
        return self.base / "input" / "data" / name

    def hyperparameters(self) -> dict[str, str]:
        """Return the algorithm's hyperparameters: texts, which script mode wraps in JSON and puts others beside."""
        told = {name: str(value) for name, value in self.config("hyperparameters").items()}
        return {name: _unwrapped(text) for name, text in told.items() if not name.startswith("sagemaker_")}

    def is_sharded(self, channel: str) -> bool:
        """Tell whether each instance has files of its own in a channel, instead of all of them."""
        told = self.config("inputdataconfig").get(channel, {})
        return bool(told.get("S3DistributionType") == "ShardedByS3Key")

    def config(self, name: str) -> dict[str, Any]:
        """Read one of input/config's JSON files; an absent one is empty."""
        path = self.base / "input" / "config" / f"{name}.json"
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return found


def _unwrapped(text: str) -> str:
    return str(json.loads(text)) if text.startswith('"') and text.endswith('"') else text


def log(message: str, level: str = "INFO") -> None:
    """Print one line as the built-in algorithm's log has it."""
    moment = time.strftime("%m/%d/%Y %H:%M:%S")
    print(f"[{moment} {level} {threading.get_ident()}] {message}", flush=True)  # noqa: T201 - stdout is the log

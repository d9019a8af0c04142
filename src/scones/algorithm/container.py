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

    def channel(self, name: str) -> Path:
        """Return a channel's folder."""
        return self.base / "input" / "data" / name

    def config(self, name: str) -> dict[str, Any]:
        """Read one of input/config's JSON files; an absent one is empty."""
        path = self.base / "input" / "config" / f"{name}.json"
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return found


def log(message: str, level: str = "INFO") -> None:
    """Print one line as the built-in algorithm's log has it."""
    moment = time.strftime("%m/%d/%Y %H:%M:%S")
    print(f"[{moment} {level} {threading.get_ident()}] {message}", flush=True)  # noqa: T201 - stdout is the log

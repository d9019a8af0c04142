"""SageMaker's container contract: what the programs of this package can rely on in a container.

Training: the folders and files in /opt/ml, exit statuses and the file `failure`. Hosting: the address and the number of
workers. `model_server.py` has the contract's HTTP requests.

Exceptions of a training job, by the party at fault; the exit statuses are those of AWS's own algorithms:

JobError
├── CustomerError     the request or the data: exit status 2
└── AlgorithmError    the algorithm: exit status 1

This module imports only the standard library: `image_classification source` copies it to AWS, and every program loads
it at its start.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MASTER_PORT = "7777"
"""Port of the first host at which the instances of a job meet, as in AWS's PyTorch image."""
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
"""Number of processor cores that this program may use."""
DEFAULT_MAX_WORKERS = min(4, CORES)
"""Maximum number of a model server's workers if the request for the model does not set it; AWS has one per vCPU."""


def boolean(text: str) -> bool:
    """Return a boolean hyperparameter's value; AWS's algorithms take 0, 1, and true and false in any case.

    Raises `ValueError`.
    """
    try:
        return {"0": False, "1": True, "false": False, "true": True}[text.strip().lower()]
    except KeyError:
        raise ValueError(text) from None


class JobError(Exception):
    """The job cannot continue; the message is written to /opt/ml/output/failure."""

    exit_status = 1


class CustomerError(JobError):
    """Invalid hyperparameters or data, which the user must change."""

    exit_status = 2


class AlgorithmError(JobError):
    """A fault of the algorithm itself."""


@dataclass(frozen=True, slots=True)
class Container:
    """Paths and files below /opt/ml, or below SAGEMAKER_BASE_DIR, a variable that AWS's public toolkits read too."""

    base: Path

    @classmethod
    def here(cls) -> Container:
        """Return the container of this process."""
        return cls(Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")))

    @property
    def code(self) -> Path:
        """The user's code."""
        return self.base / "code"

    @property
    def model(self) -> Path:
        """The model folder: training writes it, hosting reads it."""
        return self.base / "model"

    @property
    def checkpoints(self) -> Path:
        """The checkpoint folder; it exists only if the job has a CheckpointConfig."""
        return self.base / "checkpoints"

    @property
    def input(self) -> Path:
        """The job's input."""
        return self.base / "input"

    @property
    def output(self) -> Path:
        """The job's output other than the model."""
        return self.base / "output"

    @property
    def failure(self) -> Path:
        """The file whose beginning becomes the job's FailureReason."""
        return self.output / "failure"

    def write_failure(self, message: str) -> None:
        """Write the file `failure`."""
        self.output.mkdir(parents=True, exist_ok=True)
        self.failure.write_text(message)

    def channel(self, name: str) -> Path:
        """Return a channel's folder."""
        return self.input / "data" / name

    def is_sharded(self, channel: str) -> bool:
        """Return True if each instance has its own files of a channel instead of all files."""
        parameters = self.config("inputdataconfig").get(channel, {})
        return bool(parameters.get("S3DistributionType") == "ShardedByS3Key")

    def config(self, name: str) -> dict[str, Any]:
        """Read one of the JSON files in input/config; return {} if it does not exist."""
        path = self.input / "config" / f"{name}.json"
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return found


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The address of a model server, and the number of workers that the model's environment sets, or None."""

    host: str
    port: int
    workers: int | None

    @classmethod
    def here(cls) -> ServerSettings:
        """Return the settings of this process."""
        workers = os.environ.get("SAGEMAKER_MODEL_SERVER_WORKERS", "")
        return cls(
            os.environ.get("SCONES_BIND_TO_HOST", "127.0.0.1"),
            int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080")),
            int(workers) if workers.isdigit() else None,
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """The response to a request to a model server; an empty content type is not sent."""

    status: int
    content_type: str
    body: bytes

"""The names that scripts import: most use `worker.Response` and `encoders.encode`."""

from __future__ import annotations

from scones.containers.frameworks.provided.sagemaker_training import mapping

from ... import _logging as logging
from ... import entry_point
from . import content_types, encoders, env, errors, modules, transformer, worker

__all__ = [
    "content_types",
    "encoders",
    "entry_point",
    "env",
    "errors",
    "logging",
    "mapping",
    "modules",
    "training_env",
    "transformer",
    "worker",
]


def training_env() -> env.TrainingEnv:
    """Return this training container's environment."""
    return env.TrainingEnv()

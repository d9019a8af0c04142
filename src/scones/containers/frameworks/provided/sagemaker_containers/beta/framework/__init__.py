"""The names that scripts import: most use `worker.Response` and `encoders.encode`."""

from __future__ import annotations

from . import content_types, encoders, env, errors, transformer, worker

__all__ = ["content_types", "encoders", "env", "errors", "training_env", "transformer", "worker"]


def training_env() -> env.TrainingEnv:
    """Return this training container's environment."""
    return env.TrainingEnv()

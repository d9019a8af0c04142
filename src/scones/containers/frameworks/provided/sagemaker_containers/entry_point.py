"""The start of a user's entry point from another program."""

from __future__ import annotations

from scones.containers.frameworks.provided.sagemaker_training.entry_point import install, run

__all__ = ["install", "run"]

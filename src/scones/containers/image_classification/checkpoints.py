"""Checkpoints from which an interrupted job continues, in the folder that CheckpointConfig copies to S3."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

LATEST, PREVIOUS = "latest.pt", "previous.pt"
UNREADABLE = (OSError, RuntimeError, EOFError, KeyError, ValueError, pickle.UnpicklingError)
"""Exceptions that torch.load raises for damaged files."""


class Checkpoints:
    """The two latest states of a job, in an existing folder. `log` takes a message and a level."""

    def __init__(self, folder: Path, log: Callable[[str, str], None]) -> None:
        self._folder = folder
        self._log = log

    def save(self, state: dict[str, Any]) -> None:
        """Save a state; the previous one is kept until this one is completely on disk."""
        new, latest = self._folder / "new.tmp", self._folder / LATEST
        with new.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        if latest.exists():
            latest.replace(self._folder / PREVIOUS)
        new.replace(latest)

    def load(self, job: str) -> dict[str, Any] | None:
        """Return the latest intact state of the same job, as `job` describes it, or None."""
        for name in (LATEST, PREVIOUS):
            path = self._folder / name
            if not path.exists():
                continue
            try:
                state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
            except UNREADABLE as error:
                self._log(f"The checkpoint {name} cannot be read and is ignored: {error}", "WARNING")
                continue
            if state.get("job") == job:
                return state
            self._log(
                f"The checkpoint {name} belongs to another job (its data or hyperparameters differ) and is ignored.",
                "WARNING",
            )
        return None

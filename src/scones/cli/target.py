"""The target of a command: the local cloud of a data folder, or AWS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from scones.cli import local_target as local
from scones.cli.aws_target import aws_target
from scones.settings import Settings

if TYPE_CHECKING:  # it loads boto3, which `--help` does not need
    from scones.workflow.target import Target


@contextmanager
def open_target(target: str, data_dir: Path, settings: Settings) -> Iterator[Target]:
    """Yield the command's target: the cloud that runs on the data folder, or AWS."""
    yield local.use_cloud(local.running_at(data_dir)) if target == "local" else aws_target(settings)

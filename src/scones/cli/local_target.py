"""The local cloud of a data folder as a target of the workflow."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from scones.cli.errors import UserError, defer_interrupts
from scones.cloud.process import lifecycle

if TYPE_CHECKING:  # it loads boto3, which `--help` does not need
    from scones.workflow.target import Target


def use_cloud(running: lifecycle.RunningCloud) -> Target:
    """Point this process's environment at the cloud, without profiles and proxies, and return the cloud as a target."""
    import boto3

    from scones.workflow.target import Target

    for name in lifecycle.CLEARED_VARIABLES:
        os.environ.pop(name, None)
    keys = running.environment()
    os.environ.update(keys)
    session = boto3.Session(
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        region_name=running.region,
    )
    return Target(session, running.url)


def running_at(data_dir: Path) -> lifecycle.RunningCloud:
    """Return the cloud that runs on a data folder. Raises a `UserError` that says how to start one."""
    running = lifecycle.find(data_dir)
    if running is None:
        raise UserError(
            f"No local cloud is running on {data_dir}; start one with `scones up --detach`, or select another "
            "data folder with --data-dir."
        )
    return running


@contextmanager
def up(
    data_dir: Path, *, keep: bool, region: str | None, verbose: bool
) -> Iterator[tuple[lifecycle.RunningCloud, bool]]:
    """Start the cloud of a data folder unless it is running. Yields the cloud, and True if it was started.

    At the end, a cloud that was started here is stopped, unless the block succeeded and `keep` is set.
    """
    started = lifecycle.find(data_dir) is None
    ended_well = False
    try:
        with defer_interrupts():
            running = lifecycle.start(data_dir, region=region, verbose=verbose)
        yield running, started
        ended_well = True
    finally:
        if started and not (keep and ended_well):
            with defer_interrupts():
                lifecycle.stop(data_dir)

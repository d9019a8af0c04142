"""`scones monitor`: writes the report at any time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from scones.cli import options
from scones.cli.errors import Command
from scones.cli.target import open_target


@click.command(cls=Command, short_help="Write the report again.")
@click.option(
    "--report",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder for the report.  [default: DATA_DIR/report]",
)
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"]),
    help="Include only records since this time (UTC).",
)
@click.option(
    "--threshold", type=float, help="Threshold of the confidence gate.  [default: the threshold of the deployed gate]"
)
@options.target
@click.option("--region", metavar="REGION", help="AWS region; only with --target aws.")
@options.data_dir
@options.verbose
def monitor(
    report: Path | None,
    since: datetime | None,
    threshold: float | None,
    target: str,
    region: str | None,
    data_dir: Path,
) -> int:
    """Write the report again, from the endpoint's capture records for the dataset of its model.

    \b
    scones monitor --report today --since 2026-11-23
    """
    settings = options.settings(threshold=threshold, region=region)
    with open_target(target, data_dir, settings) as workflow_target:
        from rich.console import Console

        from scones.cli.display import Display
        from scones.workflow.monitoring import monitor_endpoint

        written = monitor_endpoint(
            workflow_target,
            settings,
            (report or data_dir / "report").expanduser(),
            since=since.replace(tzinfo=UTC) if since else None,
            threshold=threshold,
            observer=Display(Console(), steps=0, verbose=options.is_verbose()),
        )
        click.echo(f"{len(written.captures.records):,} records; report: {written.path.resolve()}")
    return 0

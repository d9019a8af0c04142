"""`scones monitor`: writes the report at any time."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scones.cli import options
from scones.cli.failures import Mistake, told_plainly
from scones.cli.workflow import entered, served

if TYPE_CHECKING:
    from scones.cli.display import Display
    from scones.monitor.captures import Captures
    from scones.monitor.report import RunFacts
    from scones.settings import Settings
    from scones.workflow.card import Card
    from scones.workflow.place import Place

LONGEST_WAY = timedelta(minutes=1)
"""Maximum time from the start of an execution to its capture record."""


@click.command(short_help="Write the report again.")
@click.option(
    "--report",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where the report goes.  [default: DATA_DIR/report]",
)
@click.option("--since", type=click.DateTime(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"]), help="Only records since then (UTC).")
@click.option("--threshold", type=float, help="The gate's threshold.  [default: that of the deployed gate]")
@options.place
@click.option("--region", metavar="REGION", help="The region, with --place aws.")
@options.data_dir
@options.verbose
def monitor(
    report: Path | None,
    since: datetime | None,
    threshold: float | None,
    place: str,
    region: str | None,
    data_dir: Path,
    verbose: bool,
) -> int:
    """Write the report again, from all that the endpoint has captured of its model's data set.

    \b
    scones monitor --report today --since 2026-11-23
    """
    settings = options.settings(threshold=threshold, region=region)
    with told_plainly(verbose), entered(place, data_dir, settings) as here:
        from rich.console import Console

        from scones.cli.display import Display
        from scones.monitor.report import write_report
        from scones.workflow import card, provision

        display = Display(Console(), steps=0, verbose=verbose)
        if threshold is None:
            settings = replace(settings, threshold=provision.gate(here, settings))
        known = served(here, settings)
        first = since.replace(tzinfo=UTC) if since else None
        captures = captured(here, settings, known, first)
        began = first or captures.records[0].inference_time - LONGEST_WAY
        facts = facts_of(here, settings, known, began, display)
        folder = (report or data_dir / "report").expanduser()
        path = write_report(folder, captures, facts, labels=card.labels(here, known))
        click.echo(f"{len(captures.records):,} records; report: {path.resolve()}")
    return 0


def captured(place: Place, settings: Settings, known: Card, since: datetime | None) -> Captures:
    """Return the captures of a model's dataset. Raises a `Mistake` if there are none."""
    from scones.cli.run import captures_of
    from scones.monitor.captures import S3Captures, read_captures
    from scones.workflow.endpoint import VARIANT

    bucket = settings.bucket(place.account, place.region)
    source = S3Captures(place.client("s3"), bucket, captures_of(known.data), settings.endpoint_name, VARIANT)
    captures = read_captures(source, since)
    if not captures.records:
        raise Mistake(
            f"Endpoint {settings.endpoint_name} has captured nothing{' since then' if since else ''}: "
            "ask it something with `scones classify PICTURE`."
        )
    return captures


def facts_of(place: Place, settings: Settings, known: Card, since: datetime, display: Display) -> RunFacts:
    """Gather the report's facts other than the captures, including the state machine's executions since a moment."""
    from scones.monitor.report import ExecutionCounts, RunFacts
    from scones.workflow.executions import Executions, history
    from scones.workflow.incoming import INCOMING
    from scones.workflow.provision import state_machine_arn

    machine, bucket = state_machine_arn(place, settings), settings.bucket(place.account, place.region)
    described = place.client("stepfunctions").describe_state_machine(stateMachineArn=machine)
    with display.progress("executions") as progress:
        every = history(place, machine, since, concurrency=settings.concurrency, progress=progress)
    mine = (known.data.removeprefix(f"s3://{bucket}/"), INCOMING)  # excludes executions of other datasets
    found = Executions(tuple(execution for execution in every.ended if execution.key.startswith(mine)))
    return RunFacts(
        dataset=known.dataset,
        classes=known.classes,
        threshold=settings.threshold,
        endpoint_name=settings.endpoint_name,
        pictures_train=known.train,
        pictures_test=known.test,
        validation_accuracy=known.validation_accuracy,
        training_seconds=known.training_seconds,
        executions=ExecutionCounts(len(found.ended), found.succeeded, found.gated, len(found.failed)),
        execution_ms_p50=found.percentile(0.5),
        execution_ms_p95=found.percentile(0.95),
        state_machine_arn=machine,
        definition=json.loads(described["definition"]),
        errors=found.errors,
        bucket=bucket,
        region=place.region,
    )

"""`scones monitor`: writes the report at any time."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scones.cli import options
from scones.cli.errors import UserError, report_errors
from scones.cli.workflow import open_target, served_card

if TYPE_CHECKING:
    from scones.cli.display import Display
    from scones.monitor.captures import Captures
    from scones.monitor.report import RunFacts
    from scones.settings import Settings
    from scones.workflow.model_card import ModelCard
    from scones.workflow.target import Target

MAX_CAPTURE_DELAY = timedelta(minutes=1)
"""Maximum time from the start of an execution to its capture record."""


@click.command(short_help="Regenerate the report.")
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
@click.option("--threshold", type=float, help="Threshold of the confidence gate.  [default: that of the deployed gate]")
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
    verbose: bool,
) -> int:
    """Regenerate the report from the endpoint's capture records for its model's dataset.

    \b
    scones monitor --report today --since 2026-11-23
    """
    settings = options.settings(threshold=threshold, region=region)
    with report_errors(verbose), open_target(target, data_dir, settings) as here:
        from rich.console import Console

        from scones.cli.display import Display
        from scones.monitor.report import write_report
        from scones.workflow import model_card as card
        from scones.workflow import provision

        display = Display(Console(), steps=0, verbose=verbose)
        if threshold is None:
            settings = replace(settings, threshold=provision.deployed_threshold(here, settings))
        known = served_card(here, settings)
        first = since.replace(tzinfo=UTC) if since else None
        captures = captured(here, settings, known, first)
        began = first or captures.records[0].inference_time - MAX_CAPTURE_DELAY
        facts = facts_of(here, settings, known, began, display)
        folder = (report or data_dir / "report").expanduser()
        path = write_report(folder, captures, facts, labels=card.labels(here, known))
        click.echo(f"{len(captures.records):,} records; report: {path.resolve()}")
    return 0


def captured(target: Target, settings: Settings, model_card: ModelCard, since: datetime | None) -> Captures:
    """Return the captures of a model's dataset. Raises a `UserError` if there are none."""
    from scones.cli.run import captures_of
    from scones.monitor.captures import S3Captures, read_captures
    from scones.workflow.endpoint import VARIANT

    bucket = settings.bucket(target.account, target.region)
    source = S3Captures(target.client("s3"), bucket, captures_of(model_card.data), settings.endpoint_name, VARIANT)
    captures = read_captures(source, since)
    if not captures.records:
        raise UserError(
            f"Endpoint {settings.endpoint_name} has no capture records{' since then' if since else ''}; send "
            "it an image with `scones classify IMAGE`."
        )
    return captures


def facts_of(target: Target, settings: Settings, model_card: ModelCard, since: datetime, display: Display) -> RunFacts:
    """Gather the report's facts other than the captures, including the state machine's executions since a moment."""
    from scones.monitor.report import ExecutionCounts, RunFacts
    from scones.workflow.executions import Executions, history
    from scones.workflow.provision import state_machine_arn
    from scones.workflow.upload_image import INCOMING

    machine, bucket = state_machine_arn(target, settings), settings.bucket(target.account, target.region)
    described = target.client("stepfunctions").describe_state_machine(stateMachineArn=machine)
    with display.progress("executions") as progress:
        every = history(target, machine, since, concurrency=settings.concurrency, progress=progress)
    key_prefixes = (model_card.data.removeprefix(f"s3://{bucket}/"), INCOMING)  # excludes executions of other datasets
    found = Executions(tuple(execution for execution in every.ended if execution.image_key.startswith(key_prefixes)))
    return RunFacts(
        dataset=model_card.dataset,
        classes=model_card.classes,
        threshold=settings.threshold,
        endpoint_name=settings.endpoint_name,
        training_images=model_card.train,
        test_images=model_card.test,
        validation_accuracy=model_card.validation_accuracy,
        training_seconds=model_card.training_seconds,
        executions=ExecutionCounts(len(found.ended), found.succeeded, found.gated, len(found.failed)),
        execution_ms_p50=found.percentile(0.5),
        execution_ms_p95=found.percentile(0.95),
        state_machine_arn=machine,
        definition=json.loads(described["definition"]),
        errors=found.errors,
        bucket=bucket,
        region=target.region,
    )

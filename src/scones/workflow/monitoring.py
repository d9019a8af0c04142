"""Monitoring of the deployed workflow: the endpoint's captures and the report's other facts, read from the target.

`scones.monitor` computes the statistics and draws the report; this module finds its inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from scones.monitor.captures import Captures, S3Captures, read_captures
from scones.monitor.report import ExecutionCounts, RunFacts, write_report
from scones.settings import Settings
from scones.workflow import model_card, provision
from scones.workflow.endpoint import VARIANT, captures_uri, served_artifact
from scones.workflow.executions import Execution, Executions, history
from scones.workflow.model_card import ModelCard
from scones.workflow.observer import LoggingObserver, Observer
from scones.workflow.provision import StateMachine
from scones.workflow.target import Target
from scones.workflow.upload_image import INCOMING

MAX_CAPTURE_DELAY = timedelta(minutes=1)
"""Maximum time from the start of an execution to its capture record."""


class NoCapturesError(Exception):
    """The endpoint has no capture records; the message says how to get some."""


@dataclass(frozen=True)
class MonitoringReport:
    """A report that has been written: the path of its HTML file, and the captures that it describes."""

    path: Path
    captures: Captures


def monitor_endpoint(
    target: Target,
    settings: Settings,
    folder: Path,
    *,
    since: datetime | None = None,
    threshold: float | None = None,
    observer: Observer | None = None,
) -> MonitoringReport:
    """Write the report on all captures of the endpoint's current model, or on those since a moment.

    `threshold` defaults to that of the deployed confidence gate. Raises NoCapturesError without capture records,
    EndpointError or ModelCardError without an endpoint in service.
    """
    gate = provision.deployed_threshold(target, settings) if threshold is None else threshold
    settings = replace(settings, threshold=gate)
    card = model_card.read(target, served_artifact(target, settings))
    captures = read_captures(capture_source(target, settings, card.data), since)
    if not captures.records:
        raise NoCapturesError(
            f"Endpoint {settings.endpoint_name} has no capture records{' since then' if since else ''}; send "
            "it an image with `scones classify IMAGE`."
        )
    began = since or captures.records[0].inference_time - MAX_CAPTURE_DELAY
    machine = provision.deployed_state_machine(target, settings)
    with (observer or LoggingObserver()).progress("executions") as progress:
        every = history(target, machine.arn, began, concurrency=settings.concurrency, progress=progress)
    executions = Executions(_of_dataset(every.ended, card, settings.bucket(target.account, target.region)))
    known = facts(target, settings, card, machine, executions)
    path = write_report(folder, captures, known, labels=model_card.labels(target, card))
    return MonitoringReport(path, captures)


def capture_source(target: Target, settings: Settings, dataset_uri: str) -> S3Captures:
    """Return the captures of the endpoint for models of a dataset, s3://bucket/prefix."""
    bucket = settings.bucket(target.account, target.region)
    prefix = captures_uri(bucket, dataset_uri).removeprefix(f"s3://{bucket}/")
    return S3Captures(target.client("s3"), bucket, prefix, settings.endpoint_name, VARIANT)


def facts(
    target: Target, settings: Settings, card: ModelCard, machine: StateMachine, executions: Executions
) -> RunFacts:
    """Return the report's facts other than the captures."""
    counts = ExecutionCounts(len(executions.ended), executions.succeeded, executions.gated, len(executions.failed))
    return RunFacts(
        dataset=card.dataset,
        classes=card.classes,
        threshold=settings.threshold,
        endpoint_name=settings.endpoint_name,
        training_images=card.train,
        test_images=card.test,
        validation_accuracy=card.validation_accuracy,
        training_seconds=card.training_seconds,
        executions=counts,
        execution_ms_p50=executions.percentile(0.5),
        execution_ms_p95=executions.percentile(0.95),
        state_machine_arn=machine.arn,
        definition=machine.definition,
        errors=executions.errors,
        bucket=settings.bucket(target.account, target.region),
        region=target.region,
    )


def _of_dataset(executions: Sequence[Execution], card: ModelCard, bucket: str) -> tuple[Execution, ...]:
    """Return the executions for images of the model's dataset and for uploaded images, not those of other datasets."""
    prefixes = (card.data.removeprefix(f"s3://{bucket}/"), INCOMING)
    return tuple(execution for execution in executions if execution.image_key.startswith(prefixes))

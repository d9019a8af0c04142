"""`scones run`: runs the workflow's pipeline, and prints its steps and its summary."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scones.cli import local_target as local
from scones.cli import options
from scones.cli.aws_target import confirmed_aws_target, removal_command
from scones.cli.errors import Command

if TYPE_CHECKING:  # it loads boto3, which `--help` does not need
    from scones.workflow import Summary


@click.command(cls=Command, short_help="Run the complete workflow and write a report.")
@click.option(
    "--source",
    "sources",
    multiple=True,
    envvar="SCONES_SOURCE",
    metavar="ADDRESS",
    help="Source of the image archive: https://, file://, s3:// or a path; repeat the option to add mirrors.",
)
@click.option("--sha256", metavar="DIGEST", help="Expected SHA-256 of the archive.")
@click.option("--classes", metavar="A,B", help="Class names, separated by commas.  [default: bicycle,motorcycle]")
@click.option("--threshold", type=float, help="Lowest confidence that passes the gate.  [default: 0.93]")
@click.option("--epochs", type=int, help="Number of training epochs.")
@click.option("--keep", is_flag=True, help="Keep the local cloud running, with the endpoint in service.")
@options.target
@click.option("--region", metavar="REGION", help="AWS region. A local cloud has one region, set at its first start.")
@click.option("--yes", is_flag=True, help="Create the listed resources (with --target aws).")
@click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a summary to this file, as JSON.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder for the report.  [default: DATA_DIR/report]",
)
@options.data_dir
@options.verbose
def run(
    sources: tuple[str, ...],
    sha256: str | None,
    classes: str | None,
    threshold: float | None,
    epochs: int | None,
    keep: bool,
    target: str,
    region: str | None,
    yes: bool,
    json_file: Path | None,
    report: Path | None,
    data_dir: Path,
) -> int:
    """Run the complete workflow, from images to a report.

    Downloads CIFAR-100, trains a classifier, deploys it, classifies every test image with the state machine, and
    writes a report from the endpoint's capture records. Unchanged results of the last run are reused.

    \b
    scones run
    scones run --source cifar-100-python.tar.gz --json run.json
    scones run --classes bicycle,tractor --threshold 0.9 --keep
    """
    began = time.monotonic()
    settings = options.settings(classes=classes, threshold=threshold, epochs=epochs, region=region)
    if sha256 and not sources:
        raise click.UsageError("--sha256 applies only to your own archive; specify it with --source.")
    from rich.console import Console

    from scones.cli.display import Display

    display = Display(Console(), steps=7, verbose=options.is_verbose())
    with contextlib.ExitStack() as stack:
        if target == "aws":
            with display.step("AWS"):
                workflow_target = confirmed_aws_target(settings, yes)
        else:
            with display.step("Local cloud"):
                cloud, new = stack.enter_context(
                    local.up(data_dir, keep=keep, region=settings.region or None, verbose=options.is_verbose())
                )
                display.message(f"{'ready' if new else 'already running'} at {cloud.url}")
                display.message(f"data folder: {cloud.data_dir}")
            workflow_target = local.use_cloud(cloud)
        from scones.workflow import Level, Pipeline

        pipeline = Pipeline(
            workflow_target,
            settings,
            data_dir=data_dir,
            report_dir=report and report.expanduser(),
            observer=display,
        )
        result = pipeline.run(sources, sha256)
        summary = result.summary(time.monotonic() - began)
        if json_file:
            write_json(json_file, summary)
        display.table("Summary", rows(summary))
        for problem in result.problems:
            display.print_line(problem, "bold red")
        if target == "aws":
            display.message(
                f"The endpoint incurs costs; {removal_command(workflow_target)} deletes everything.", Level.WARNING
            )
        elif keep or not new:
            display.message(
                "The local cloud is still running: use `scones classify IMAGE` or `scones down` "
                f"(data folder: {data_dir})."
            )
    return 0 if result.complete else 1


def rows(summary: Summary) -> list[tuple[str, str]]:
    """Return a summary as names and readable texts."""
    from scones.workflow.observer import duration
    from scones.workflow.result import SYNTHETIC

    images, executions, milliseconds = summary["images"], summary["executions"], summary["execution_ms"]
    accuracy = summary["validation_accuracy"]
    synthetic = f" ({SYNTHETIC})" if summary["dataset"] == "synthetic" else ""
    return [
        ("Dataset", summary["dataset"] + synthetic),
        ("Images", f"{images['train']:,} training images, {images['test']:,} test images"),
        ("Classes", ", ".join(summary["classes"])),
        ("Validation accuracy", "not reported" if accuracy is None else f"{accuracy:.4f}"),
        ("Training", duration(summary["training_seconds"])),
        ("Endpoint deployed in", f"{duration(summary['endpoint_seconds'])}"),
        (
            "Executions",
            f"{executions['total']:,}: {executions['succeeded']:,} passed, {executions['gated']:,} "
            f"stopped by the gate, {executions['failed']:,} failed",
        ),
        ("Execution time", f"p50 {milliseconds['p50']} ms, p95 {milliseconds['p95']} ms"),
        ("Capture records", f"{summary['captured_records']:,}"),
        ("Total time", duration(summary["total_seconds"])),
        ("Bucket", summary["bucket"]),
        ("Endpoint", summary["endpoint_name"]),
        ("State machine", summary["state_machine_arn"]),
        ("Report", summary["report"]),
    ]


def write_json(path: Path, summary: Summary) -> None:
    """Write a summary to a JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")

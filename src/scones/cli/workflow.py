"""Commands that run all or part of the workflow: run, classify."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scones.cli import options
from scones.cli.errors import UserError, report_errors

if TYPE_CHECKING:
    from scones.settings import Settings
    from scones.workflow.model_card import ModelCard
    from scones.workflow.target import Target


@click.command(short_help="Run the complete workflow and write a report.")
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
@click.option("--region", metavar="REGION", help="AWS region; fixed for a local cloud.")
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
    verbose: bool,
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
    report = (report or data_dir / "report").expanduser()
    with report_errors(verbose):
        from rich.console import Console

        from scones.cli import local_target as local
        from scones.cli.display import Display

        display = Display(Console(), steps=7, verbose=verbose)
        with contextlib.ExitStack() as stack:
            if target == "aws":
                with display.step("AWS"):
                    here = aws_target(settings, yes)
            else:
                with display.step("Local cloud"):
                    cloud, new = stack.enter_context(
                        local.up(data_dir, keep=keep, region=settings.region or None, verbose=verbose)
                    )
                    display.print_line(f"{'ready' if new else 'already running'} at {cloud.url}")
                    display.print_line(f"data folder: {cloud.data_dir}")
                here = local.use_cloud(cloud)
            from scones.cli.run import Pipeline, RunOptions, rows, write_json

            run_options = RunOptions(data_dir, report, tuple(sources), sha256)
            outcome = Pipeline(here, settings, run_options, display)(began)
            if json_file:
                write_json(json_file, outcome.summary)
            display.table("Summary", rows(outcome.summary))
            for problem in outcome.problems:
                display.print_line(problem, "bold red")
            if target == "aws":
                display.print_line(f"The endpoint incurs costs; {removal_commands(here)} deletes everything.", "yellow")
            elif keep or not new:
                display.print_line(
                    "The local cloud is still running: use `scones classify IMAGE` or `scones down` "
                    f"(data folder: {data_dir})."
                )
    return 0 if outcome.complete else 1


def aws_target(settings: Settings, yes: bool) -> Target:
    """Return AWS as the target, after listing the resources to be created. Raises a `UserError` without `yes`."""
    import boto3

    from scones.workflow.provision import FUNCTIONS
    from scones.workflow.target import Target
    from scones.workflow.training import image_uri

    there = Target(boto3.Session(region_name=settings.region or os.environ.get("AWS_REGION") or None))
    if not there.region:
        raise UserError("No AWS region configured: use --region, or set AWS_REGION.")
    lines = [
        (
            f"The following resources will be created in account {there.account}, region {there.region}, unless "
            "they exist:"
        ),
        f"  bucket {settings.bucket(there.account, there.region)}",
        "  roles " + ", ".join(settings.role_name(service) for service in ("sagemaker", "lambda", "states")),
        (
            f"  one training job on one {settings.training_instance} instance "
            f"({settings.training_image or image_uri(there.region)})"
        ),
        (
            f"  endpoint {settings.endpoint_name} on one {settings.hosting_instance} instance, with its model and "
            "configuration"
        ),
        "  functions " + ", ".join(settings.function_name(module) for module in FUNCTIONS),
        f"  state machine {settings.state_machine_name}, with one execution per test image",
        "Instances incur costs: the training job's while it runs, the endpoint's until it is deleted.",
        f"{removal_commands(there)} deletes everything except the records of training jobs.",
    ]
    if url := os.environ.get("AWS_ENDPOINT_URL"):
        lines.append(f"AWS_ENDPOINT_URL is set: requests go to {url} instead of AWS.")
    click.echo("\n".join(lines))
    if not yes:
        raise UserError("Nothing was created. Run again with --yes to create these resources.")
    return there


def removal_commands(target: Target) -> str:
    """Return the command that deletes what the workflow created on AWS."""
    return f"`scones remove --target aws --region {target.region} --yes`"


@contextlib.contextmanager
def open_target(target: str, data_dir: Path, settings: Settings) -> Iterator[Target]:
    """Yield the command's target: the cloud that runs on the data folder, or AWS."""
    import boto3

    from scones.cli import local_target as local
    from scones.workflow.target import Target

    if target == "local":
        yield local.use_cloud(local.running_at(data_dir))
    else:
        yield Target(boto3.Session(region_name=settings.region or os.environ.get("AWS_REGION") or None))


def served_card(target: Target, settings: Settings) -> ModelCard:
    """Return the card of the model that the endpoint serves."""
    from scones.workflow import model_card as card
    from scones.workflow.endpoint import served_artifact

    return card.read(target, served_artifact(target, settings))


@click.command(short_help="Classify images.")
@click.argument("pictures", nargs=-1, required=True, metavar="IMAGE…", type=click.Path(path_type=Path))
@options.target
@click.option("--region", metavar="REGION", help="AWS region; only with --target aws.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line per image.")
@options.data_dir
@options.verbose
def classify(
    pictures: tuple[Path, ...], target: str, region: str | None, as_json: bool, data_dir: Path, verbose: bool
) -> int:
    """Start an execution for each IMAGE, and print its label, its confidence, and the verdict: passed or gated.

    The endpoint must be in service, for example after `scones run --keep`. Exits with 1 if an execution failed.

    \b
    scones classify bicycle.png motorcycle.jpg
    """
    settings = options.settings(region=region)
    for picture in pictures:
        if not picture.is_file():
            raise UserError(f"Image not found: {picture}; specify PNG or JPEG files.")
        if not picture.stat().st_size:
            raise UserError(f"{picture} is empty; specify PNG or JPEG files.")
    with report_errors(verbose), open_target(target, data_dir, settings) as here:
        from scones.workflow.dataset.dataset import silent
        from scones.workflow.executions import execute
        from scones.workflow.provision import state_machine_arn
        from scones.workflow.upload_image import upload_image

        known = served_card(here, settings)
        bucket = settings.bucket(here.account, here.region)
        machine = state_machine_arn(here, settings)
        keys = [upload_image(here, bucket, picture) for picture in pictures]
        ended = execute(here, machine, bucket, keys, concurrency=settings.concurrency, progress=silent)
        for picture, execution in zip(pictures, ended.ended, strict=True):
            confidence = max(execution.inferences, default=None)
            label = known.classes[execution.inferences.index(confidence)] if confidence is not None else None
            verdict = "passed" if execution.succeeded else "gated" if execution.gated else "failed"
            if as_json:
                document = {
                    "picture": str(picture),
                    "label": label,
                    "confidence": confidence,
                    "verdict": verdict,
                    "error": execution.error,
                    "execution_arn": execution.arn,
                }
                click.echo(json.dumps(document))
            elif verdict == "failed":
                click.echo(f"{picture}: failed in {execution.state} with {execution.error}: {reason(execution.cause)}")
            else:
                click.echo(f"{picture}: {label}, confidence {confidence:.4f}, {verdict}")
        if known.dataset == "synthetic" and not as_json:
            click.echo(
                "The model was trained on SYNTHETIC images: its predictions mean little for real ones.", err=True
            )
    return 1 if ended.failed else 0


def reason(cause: str | None) -> str:
    """Return the message in a failure's cause: the errorMessage if a function failed, otherwise the cause itself."""
    with contextlib.suppress(ValueError, TypeError, KeyError):
        return str(json.loads(cause or "")["errorMessage"])
    return cause or "no cause given"

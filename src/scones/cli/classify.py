"""`scones classify`: classifies images with the deployed workflow."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scones.cli import options
from scones.cli.errors import Command, UserError
from scones.cli.target import open_target

if TYPE_CHECKING:  # it loads boto3, which `--help` does not need
    from scones.workflow.classification import Classification

_CONSOLE = re.compile(r"See https://\S+ in account \d{12} for more information\.")
"""The end of SageMaker's ModelError, with a link that shows nothing of a local cloud."""


@click.command(cls=Command, short_help="Classify images.")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE…", type=click.Path(path_type=Path))
@options.target
@click.option("--region", metavar="REGION", help="AWS region; only with --target aws.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line per image.")
@options.data_dir
@options.verbose
def classify(images: tuple[Path, ...], target: str, region: str | None, as_json: bool, data_dir: Path) -> int:
    """Start an execution for each IMAGE, and print its label, its confidence, and the verdict: passed or gated.

    The endpoint must be in service, for example after `scones run --keep`. The exit status is 1 if an execution failed.

    \b
    scones classify bicycle.png motorcycle.jpg
    """
    settings = options.settings(region=region)
    for image in images:
        if not image.is_file():
            raise UserError(f"Image not found: {image}; specify PNG or JPEG files.")
        if not image.stat().st_size:
            raise UserError(f"{image} is empty; specify PNG or JPEG files.")
    with open_target(target, data_dir, settings) as workflow_target:
        from scones.workflow import model_card
        from scones.workflow.classification import classify_images
        from scones.workflow.endpoint import served_artifact

        card = model_card.read(workflow_target, served_artifact(workflow_target, settings))
        found = classify_images(workflow_target, settings, card, images)
        for classification in found:
            log = f"`scones logs --endpoint {settings.endpoint_name}`" if target == "local" else ""
            click.echo(_as_json(classification) if as_json else _as_text(classification, log))
        if card.dataset == "synthetic" and not as_json:
            click.echo(
                "The model was trained on SYNTHETIC images: its predictions mean little for real ones.", err=True
            )
    return 1 if any(classification.verdict == "failed" for classification in found) else 0


def _as_json(found: Classification) -> str:
    return json.dumps(
        {
            "image": str(found.image),
            "label": found.label,
            "confidence": found.confidence,
            "verdict": found.verdict,
            "error": found.execution.error,
            "execution_arn": found.execution.arn,
        }
    )


def _as_text(found: Classification, log: str) -> str:
    if found.verdict == "failed":
        execution = found.execution
        return f"{found.image}: failed in {execution.state} with {execution.error}: {reason(execution.cause, log)}"
    return f"{found.image}: {found.label}, confidence {found.confidence:.4f}, {found.verdict}"


def reason(cause: str | None, log: str) -> str:
    """Return the message in a failure's cause: the errorMessage if a function failed, otherwise the cause itself.

    `log` is the command that shows the endpoint's log, and replaces a link to AWS's console; "" keeps the link.
    """
    text = cause or "no cause given"
    with contextlib.suppress(ValueError, TypeError, KeyError):
        text = str(json.loads(text)["errorMessage"])
    return _CONSOLE.sub(f"See {log}.", text) if log else text

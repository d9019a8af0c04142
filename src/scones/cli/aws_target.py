"""AWS as a target of the workflow, after the user has agreed to the resources that it creates."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from scones.cli.errors import UserError
from scones.settings import Settings

if TYPE_CHECKING:  # it loads boto3, which `--help` does not need
    from scones.workflow.target import Target


def aws_target(settings: Settings) -> Target:
    """Return AWS as the target, with the user's credentials and region."""
    import boto3

    from scones.workflow.target import Target

    return Target(boto3.Session(region_name=settings.region or os.environ.get("AWS_REGION") or None))


def confirmed_aws_target(settings: Settings, yes: bool) -> Target:
    """Return AWS as the target, after listing the resources to be created. Raises a `UserError` without `yes`."""
    from scones.workflow.provision import FUNCTIONS
    from scones.workflow.training import image_uri

    there = aws_target(settings)
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
        f"{removal_command(there)} deletes everything except the records of training jobs.",
    ]
    if url := os.environ.get("AWS_ENDPOINT_URL"):
        lines.append(f"AWS_ENDPOINT_URL is set: requests go to {url} instead of AWS.")
    click.echo("\n".join(lines))
    if not yes:
        raise UserError("Nothing was created. Run again with --yes to create these resources.")
    return there


def removal_command(target: Target) -> str:
    """Return the command that deletes what the workflow created on AWS."""
    return f"`scones remove --target aws --region {target.region} --yes`"

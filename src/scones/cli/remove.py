"""`scones remove`: deletes everything that the workflow created."""

from __future__ import annotations

from pathlib import Path

import click

from scones.cli import options
from scones.cli.errors import Command, UserError
from scones.cli.target import open_target


@click.command(cls=Command, short_help="Delete the resources of the workflow.")
@options.target
@click.option("--region", metavar="REGION", help="AWS region; only with --target aws.")
@click.option("--yes", is_flag=True, help="Delete; without it, nothing is deleted.")
@options.data_dir
@options.verbose
def remove(target: str, region: str | None, yes: bool, data_dir: Path) -> int:
    """Delete everything that the workflow created, and print each deleted resource.

    Deletes the endpoint, its configurations and models, the state machine, the functions, the roles, the logs, and the
    bucket with its objects. The records of training jobs remain.

    \b
    scones remove --yes
    scones remove --target aws --region eu-west-1 --yes
    """
    settings = options.settings(region=region)
    with open_target(target, data_dir, settings) as workflow_target:
        from scones.workflow.removal import remove as remove_all

        bucket = settings.bucket(workflow_target.account, workflow_target.region)
        if not yes:
            raise UserError(
                f"Nothing was deleted. With --yes, this deletes the resources of the workflow {settings.name!r} in "
                f"account {workflow_target.account}, region {workflow_target.region}, "
                f"and all objects in the bucket {bucket}."
            )
        count = remove_all(workflow_target, settings, lambda what: click.echo(f"deleted {what}"))
        click.echo(f"Deleted resources: {count}; the records of training jobs remain.")
    return 0

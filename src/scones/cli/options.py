"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from scones.cli.errors import VERBOSE
from scones.settings import Settings, SettingsError, load


def _resolved(context: click.Context, parameter: click.Parameter, path: Path) -> Path:  # noqa: ARG001 - click's API
    try:
        return path.expanduser().resolve()
    except (OSError, RuntimeError) as error:  # a loop of links, an unknown user, or a current folder that was deleted
        reason = error.strerror if isinstance(error, OSError) else error
        raise click.BadParameter(f"{path}: {reason}.") from error


def _stored(context: click.Context, parameter: click.Parameter, value: bool) -> None:  # noqa: ARG001 - click's API
    context.meta[VERBOSE] = value


data_dir = click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="SCONES_DATA_DIR",
    default=Path(".scones"),
    show_default="$SCONES_DATA_DIR or .scones",
    callback=_resolved,
    help="Data folder; each data folder has its own local cloud.",
)
verbose = click.option(
    "--verbose",
    is_flag=True,
    expose_value=False,
    callback=_stored,
    help="Show log lines and error tracebacks.",
)
target = click.option(
    "--target",
    type=click.Choice(["local", "aws"]),
    default="local",
    show_default=True,
    help="Where to run: in the local cloud, or on AWS with your credentials.",
)


def is_verbose() -> bool:
    """Return True if the current command has the option --verbose."""
    return bool(click.get_current_context().meta[VERBOSE])


def settings(**given: Any) -> Settings:
    """Load the settings with the command line's values. Raises a usage error."""
    try:
        return load(given)
    except SettingsError as error:
        raise click.UsageError(str(error)) from error

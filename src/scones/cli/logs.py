"""`scones logs`: the log of the local cloud, of a function, of a job, or of an endpoint."""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scones.cli import options
from scones.cli.errors import Command, UserError
from scones.cli.target import open_target
from scones.cloud.core.data_folder import require_own
from scones.cloud.core.durable_files import open_file

if TYPE_CHECKING:  # it loads boto3, which `--help` does not need
    from mypy_boto3_logs.type_defs import FilteredLogEventTypeDef

    from scones.cli.cloudwatch_log import CloudWatchLog
    from scones.workflow.target import Target

POLL_SECONDS = 0.2
MAX_LINES = 10_000
"""Maximum of --lines: CloudWatch Logs returns no more events at once."""


@click.command(cls=Command, short_help="Show the log of the local cloud, a function, a job or an endpoint.")
@click.option("--function", metavar="NAME", help="Show the log of a Lambda function.")
@click.option("--job", metavar="NAME", help="Show the log of a training, processing or transform job.")
@click.option("--endpoint", metavar="NAME", help="Show the log of an endpoint.")
@click.option("--follow", "-f", is_flag=True, help="Print new lines as they are written, until Ctrl-C.")
@click.option(
    "--lines",
    type=click.IntRange(1, MAX_LINES),
    default=100,
    show_default=True,
    metavar="N",
    help="Number of lines, or of log events, to print from the end.",
)
@options.target
@click.option("--region", metavar="REGION", help="AWS region; only with --target aws.")
@options.data_dir
@options.verbose
def logs(
    function: str | None,
    job: str | None,
    endpoint: str | None,
    follow: bool,
    lines: int,
    target: str,
    region: str | None,
    data_dir: Path,
) -> int:
    """Print the end of a log: of the local cloud itself, or of what --function, --job or --endpoint names.

    A cloud that was started with `scones up --detach` or `scones run` logs to a file; its log can be read after it has
    stopped. The other logs are in CloudWatch Logs, in the local cloud or on AWS.

    \b
    scones logs --follow
    scones logs --function my-function
    scones logs --job my-training-job --lines 1000
    scones logs --endpoint my-endpoint --target aws --region eu-west-1
    """
    named = {kind: name for kind, name in (("function", function), ("job", job), ("endpoint", endpoint)) if name}
    if len(named) > 1:
        raise click.UsageError(f"Only one of {', '.join(f'--{kind}' for kind in named)} can be used.")
    if not named and target == "aws":
        raise click.UsageError("--target aws needs --function, --job or --endpoint.")
    with contextlib.suppress(KeyboardInterrupt) if follow else contextlib.nullcontext():
        if not named:
            _print(_cloud_lines(data_dir, lines, follow))
            return 0
        with open_target(target, data_dir, options.settings(region=region)) as workflow_target:
            ((kind, name),) = named.items()
            _print(_texts(_log_of(workflow_target, kind, name, follow), lines, follow))
    return 0


def _print(texts: Iterable[str]) -> None:
    for text in texts:
        click.echo(text)


def _cloud_lines(data_dir: Path, count: int, follow: bool) -> Iterator[str]:
    """Yield the last lines of the local cloud's own log, and then new ones."""
    require_own(data_dir)
    path = data_dir / "cloud.log"
    try:
        file = os.fdopen(open_file(path, os.O_RDONLY), encoding="utf-8", errors="replace")
    except FileNotFoundError:
        raise UserError(f"{path} does not exist: no local cloud has run in the background on {data_dir}.") from None
    with file:
        for line in deque(file, maxlen=count):
            yield line.removesuffix("\n")
        begun = ""
        while follow:
            begun += file.readline()
            if begun.endswith("\n"):
                yield begun.removesuffix("\n")
                begun = ""
            else:
                time.sleep(POLL_SECONDS)


def _log_of(target: Target, kind: str, name: str, follow: bool) -> CloudWatchLog:
    """Return the log of a function, a job or an endpoint. Raises `UserError` if there is none to print or follow."""
    from scones.cli.cloudwatch_log import CloudWatchLog

    kinds = {
        "function": CloudWatchLog.of_function,
        "job": CloudWatchLog.of_job,
        "endpoint": CloudWatchLog.of_endpoint,
    }
    log = kinds[kind](target, name)
    if not log.exists():
        reason = "it does not exist, or has not written anything yet"
        if kind == "job" or not follow:  # only the log of a job shows which kind of job it is
            raise UserError(f"The {kind} {name!r} has no log: {reason}.")
        click.echo(f"The {kind} {name!r} has no log: {reason}. Waiting for its first line.", err=True)
    return log


def _texts(log: CloudWatchLog, count: int, follow: bool) -> Iterator[str]:
    """Yield the last events of a log as lines, and then new ones."""
    yield from map(_as_text, log.last(count))
    if follow:
        yield from map(_as_text, log.follow())


def _as_text(event: FilteredLogEventTypeDef) -> str:
    moment = datetime.fromtimestamp(event["timestamp"] / 1e3, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{event['timestamp'] % 1000:03}Z {event['message'].rstrip()}"

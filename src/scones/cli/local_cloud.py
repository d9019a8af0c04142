"""Commands for the local cloud itself: up, down, status, env, exec."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scones.cli import local_target as local
from scones.cli import options
from scones.cli.errors import Command, UserError, defer_interrupts
from scones.cloud import workspace
from scones.cloud.process import lifecycle

if TYPE_CHECKING:  # it loads boto3, which `--help` does not need
    from scones.workflow.target import Target

MAX_SHOWN = 10
"""Maximum number of names of one kind that `scones status` prints."""
_CLI_WITH_ENDPOINT_URL = 13
"""Minor version of the first AWS CLI 2 that reads AWS_ENDPOINT_URL."""
_DAMAGED = "Warning: {damage} See docs/explanation/recovery.md."
EXIT_HUNG = 3
"""Exit status of `scones status` for a cloud that runs but does not respond."""


@click.command(cls=Command, short_help="Start the local cloud.")
@click.option("--detach", is_flag=True, help="Return when the cloud is ready, and keep it running in the background.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 selects any free port.  [default: 4566, or a free port if 4566 is in use]",
)
@click.option("--region", help="AWS region, fixed at the first start.  [default: us-east-1]")
@click.option("--account", help="AWS account ID, fixed at the first start.  [default: 111122223333]")
@click.option("--recover", is_flag=True, help="Do not resume earlier work, and salvage a damaged database.")
@options.data_dir
@options.verbose
def up(
    detach: bool,
    port: int | None,
    region: str | None,
    account: str | None,
    recover: bool,
    data_dir: Path,
) -> int:
    """Start the local cloud in the foreground until Ctrl-C, or in the background with --detach.

    \b
    scones up --detach
    eval "$(scones env)"
    aws s3 ls

    With --recover, no executions, jobs, endpoints, schedules or deliveries of an earlier run are resumed;
    `scones status` lists them. Stop or delete those that you do not want, then restart without --recover to resume
    the rest.
    """
    if detach:
        known = lifecycle.find(data_dir)
        with defer_interrupts():
            running = lifecycle.start(
                data_dir, port=port, region=region, account=account, verbose=options.is_verbose(), recover=recover
            )
        click.echo(
            f"The local cloud {'is already running' if known else 'is ready'} at {running.url}; "
            f"its data folder is {data_dir}."
        )
        if damage := running.state().get("damage"):
            click.echo(_DAMAGED.format(damage=damage), err=True)
        click.echo(f"Stop it with `scones down{_data_dir_option(data_dir)}`.")
        return 0
    if lifecycle.find(data_dir):
        raise UserError(f"A local cloud is already running on {data_dir}; stop it with `scones down`.")
    click.echo(f"Data folder: {data_dir}. Press Ctrl-C to stop.", err=True)
    command = lifecycle.server_command(
        data_dir.resolve(), port=port, region=region, account=account, verbose=options.is_verbose(), recover=recover
    )
    os.execve(command[0], command, lifecycle.server_environment())  # noqa: S606 - this process gets the signals
    return 0


def _data_dir_option(data_dir: Path) -> str:
    """Return the data folder as an option for the suggested next command, if it was given as an option."""
    source = click.get_current_context().get_parameter_source("data_dir")
    return f" --data-dir {shlex.quote(str(data_dir))}" if source is click.core.ParameterSource.COMMANDLINE else ""


@click.command(cls=Command, short_help="Stop the local cloud and its child processes.")
@options.data_dir
def down(data_dir: Path) -> int:
    """Stop the local cloud of a data folder and its child processes. Stored data is kept.

    \b
    scones down
    scones down --data-dir /tmp/other
    """
    with defer_interrupts():
        stopped = lifecycle.stop(data_dir)
    click.echo(_stop_summary(data_dir, stopped))
    return 0


def _stop_summary(data_dir: Path, stopped: lifecycle.Stopped | None) -> str:
    if stopped is None:
        return f"No local cloud is running on {data_dir}."
    how = ""
    if not stopped.responded:
        how = f" (process {stopped.pid}) did not respond and"
    elif stopped.killed:
        how = f" (process {stopped.pid}) did not shut down in time and"
    killed = f"; processes killed: {stopped.killed}" if stopped.killed else ""
    return f"The local cloud on {data_dir}{how} has been stopped{killed}."


@click.command(cls=Command, short_help="Show the status of the local cloud.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@options.data_dir
@options.verbose
def status(as_json: bool, data_dir: Path) -> int:
    """Show the local cloud, its endpoints, and its running training jobs and executions.

    The exit status is 1 if no local cloud is running, and 3 if the local cloud does not respond.

    \b
    scones status --json
    """
    try:
        running = lifecycle.find(data_dir)
    except lifecycle.UnresponsiveError as hung:
        click.echo(json.dumps(_hung_status(hung)) if as_json else str(hung))
        return EXIT_HUNG
    if running is None:
        click.echo(
            json.dumps({"running": False, "data_dir": str(data_dir)})
            if as_json
            else f"No local cloud is running on {data_dir}; start one with `scones up --detach`."
        )
        return 1
    found = {
        "running": True,
        "answers": True,
        "data_dir": str(running.data_dir),
        "url": running.url,
        "pid": running.pid,
        "account": running.account,
        "region": running.region,
        **_condition(running),
        **_activity(local.use_cloud(running)),
    }
    click.echo(json.dumps(found, indent=2) if as_json else _as_text(found))
    return 0


def _hung_status(hung: lifecycle.UnresponsiveError) -> dict[str, Any]:
    return {
        "running": True,
        "answers": False,
        "data_dir": str(hung.data_dir),
        "pid": hung.pid,
        "started": hung.started,
        "silent_since": hung.since,
    }


def _condition(running: lifecycle.RunningCloud) -> dict[str, Any]:
    """Return the writes that wait for disk space, the damage, and the work that --recover did not resume, if any."""
    found: dict[str, Any] = {}
    state = running.state()
    if full := state.get("full"):
        since = datetime.fromtimestamp(full["since"], UTC).isoformat(timespec="seconds")
        found["disk_full"] = {"since": since, "waiting_writes": full["waiting"]}
    if "damage" in state:
        found["damage"] = state["damage"]
    if "left" in state:
        found["left"] = running.not_resumed() if state["left"] else {}
    return found


def _activity(target: Target) -> dict[str, Any]:
    sagemaker, states = target.client("sagemaker"), target.client("stepfunctions")
    endpoints = [found for page in sagemaker.get_paginator("list_endpoints").paginate() for found in page["Endpoints"]]
    jobs = [
        job for page in sagemaker.get_paginator("list_training_jobs").paginate() for job in page["TrainingJobSummaries"]
    ]
    machines = [
        machine for page in states.get_paginator("list_state_machines").paginate() for machine in page["stateMachines"]
    ]
    executions = [
        {"name": execution["name"], "state_machine": machine["name"], "since": execution["startDate"].isoformat()}
        for machine in machines
        if machine["type"] == "STANDARD"  # Step Functions does not list the executions of Express state machines
        for page in states.get_paginator("list_executions").paginate(
            stateMachineArn=machine["stateMachineArn"], statusFilter="RUNNING"
        )
        for execution in page["executions"]
    ]
    return {
        "endpoints": [{"name": found["EndpointName"], "status": found["EndpointStatus"]} for found in endpoints],
        "training_jobs": [{"name": job["TrainingJobName"], "status": job["TrainingJobStatus"]} for job in jobs],
        "state_machines": [machine["name"] for machine in machines],
        "running_executions": executions,
    }


def _as_text(found: dict[str, Any]) -> str:
    lines = [
        f"The local cloud is running at {found['url']} (process {found['pid']}, account {found['account']}, "
        f"region {found['region']}); data folder: {found['data_dir']}.",
        *_condition_as_text(found),
        *(f"Endpoint {endpoint['name']}: {endpoint['status']}" for endpoint in found["endpoints"]),
        *(f"Training job {job['name']}: {job['status']}" for job in found["training_jobs"]),
        *(f"State machine {name}" for name in found["state_machines"]),
        *(
            f"Execution {run['name']} of {run['state_machine']}: RUNNING since {run['since']}"
            for run in found["running_executions"]
        ),
    ]
    return "\n".join(lines)


def _condition_as_text(found: dict[str, Any]) -> Iterator[str]:
    if full := found.get("disk_full"):
        yield (
            f"The disk has been full since {full['since']}: write requests are rejected, and background work "
            f"is paused ({full['waiting_writes']} writes waiting). Free up disk space; the work then resumes "
            "automatically."
        )
    if damage := found.get("damage"):
        yield _DAMAGED.format(damage=damage)
    if "left" not in found:
        return
    yield "Started with --recover: no earlier work has been resumed."
    for kind, names in found["left"].items():
        more = f" and {len(names) - MAX_SHOWN} more" if len(names) > MAX_SHOWN else ""
        yield f"Not resumed, {kind} ({len(names)}): {', '.join(names[:MAX_SHOWN])}{more}"
    yield (
        "Stop or delete the executions, jobs, state machines, rules and endpoints that you do not want; then "
        "run `scones down` and `scones up --detach` to resume the rest."
    )


@click.command(cls=Command, short_help="Print shell exports for the local cloud.")
@click.option("--json", "as_json", is_flag=True, help="Print the variables as JSON.")
@options.data_dir
def env(as_json: bool, data_dir: Path) -> int:
    """Print shell exports that direct boto3, the AWS CLI and the SDKs to the local cloud.

    \b
    eval "$(scones env)"
    """
    variables = workspace.environment(local.running_at(data_dir))
    if as_json:
        click.echo(json.dumps(variables, indent=2))
        return 0
    click.echo(f"unset {' '.join(lifecycle.CLEARED_VARIABLES)}")
    for name, value in variables.items():
        click.echo(f"export {name}={shlex.quote(value)}")
    return 0


@click.command(
    "exec",
    cls=Command,
    short_help="Run a command in the local cloud's environment.",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("command", nargs=-1, required=True, metavar="-- CMD…", type=click.UNPROCESSED)
@options.data_dir
def exec_(command: tuple[str, ...], data_dir: Path) -> None:
    """Run a command that uses the local cloud instead of AWS, and return its exit status.

    \b
    scones exec -- aws s3 ls
    scones exec -- python notebook.py
    """
    running = local.running_at(data_dir)
    environment = {name: value for name, value in os.environ.items() if name not in lifecycle.CLEARED_VARIABLES}
    environment |= workspace.environment(running)
    environment["PATH"] = _path(environment)
    program = shutil.which(command[0], path=environment["PATH"])
    if program is None:
        install = f"install it with `{shlex.quote(sys.executable)} -m pip install awscli`"
        advice = install if command[0] == "aws" else "check the spelling and PATH"
        raise UserError(f"Command not found: {command[0]!r}; {advice}.")
    _warn_of_old_cli(program)
    try:
        os.execve(program, command, environment)  # noqa: S606 - the command gets signals, returns its status
    except OSError as error:
        raise UserError(f"{command[0]!r} could not be run: {error.strerror}.") from error


def _warn_of_old_cli(program: str) -> None:
    """Warn of an installer's AWS CLI 2 before 2.13, which calls AWS itself; the start-up hook mends other clients."""
    installed = re.search(r"/v2/(2\.(\d+)\.\d+)/", str(Path(program).resolve()))
    if installed and int(installed[2]) < _CLI_WITH_ENDPOINT_URL:
        click.echo(
            f"Warning: AWS CLI {installed[1]} does not read AWS_ENDPOINT_URL and calls AWS itself. Add --endpoint-url "
            f"$AWS_ENDPOINT_URL to the command, or install AWS CLI 2.{_CLI_WITH_ENDPOINT_URL} or later.",
            err=True,
        )


def _path(environment: dict[str, str]) -> str:
    """Return PATH with the commands next to our Python (aws, python) at its end."""
    return os.pathsep.join([environment.get("PATH", os.defpath), str(Path(sys.executable).parent)])

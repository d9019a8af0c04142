"""Control of a data folder's local cloud from other processes: start, find and stop it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from scones.cloud.core.credentials import Credentials
from scones.cloud.core.data_folder import Identity, identify, require_own, require_state_files, restrict_to_owner
from scones.cloud.core.durable_files import open_file, read_object, write_durably
from scones.cloud.core.endpoint_variables import endpoint_variables
from scones.cloud.core.json_types import JsonDocument
from scones.cloud.errors import CloudError, start_failure
from scones.cloud.process.folder_lock import FolderLock, holder
from scones.cloud.process.watchdog import mark_stuck, stuck_since

_SERVICE_IDS = (
    *("CLOUDWATCH", "CLOUDWATCH_LOGS", "EVENTBRIDGE", "IAM", "LAMBDA", "S3"),
    *("SAGEMAKER", "SAGEMAKER_RUNTIME", "SCHEDULER", "SFN", "SNS", "SQS", "STS"),
)
CLEARED_VARIABLES = (
    *("AWS_PROFILE", "AWS_DEFAULT_PROFILE"),
    *("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION"),
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    *(f"AWS_ENDPOINT_URL_{service}" for service in _SERVICE_IDS),
)
"""Variables that would make a client use another endpoint or account; remove them before adding a cloud's variables."""


START_SECONDS = 60.0
"""Seconds within which a cloud must respond after its start; a busy machine may need more than fifteen."""
RECOVER_SECONDS = 3600.0
"""Seconds within which a cloud must respond after a start that first checks, and perhaps salvages, its database."""
STOP_SECONDS = 30.0
"""Seconds that a cloud has for an orderly shutdown before it is killed."""
HUNG_SECONDS = 5.0
"""Seconds that an unresponsive cloud has to end before it is killed."""
HEALTH_SECONDS = 2.0
"""Timeout of a health check in seconds."""


class UnresponsiveError(CloudError):
    """A process holds the data folder's lock but does not respond: the cloud is stuck, suspended, or ending.

    `pid` is 0 if the process is in another PID namespace. `since` is the time from which it is known not to respond,
    and `started` its start time (both in Unix seconds; `started` is None if it is unknown).
    """

    def __init__(self, data_dir: Path, pid: int, started: float | None) -> None:
        self.data_dir, self.pid, self.started = data_dir, pid, started
        self.since = stuck_since(data_dir) or time.time() - HEALTH_SECONDS
        process = f"process {pid}" if pid else "a process in another PID namespace"
        begun = f", started at {_clock(started)}" if started else ""
        super().__init__(
            f"The local cloud on {data_dir} ({process}{begun}) has not responded since {_clock(self.since)}: "
            f"stop it with `scones down`, and see {data_dir / 'cloud.log'}."
        )


def _clock(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))


@dataclass(frozen=True, slots=True)
class Stopped:
    """The result of a stop: the cloud's process id, whether it responded before, and the number of killed processes."""

    pid: int
    responded: bool
    killed: int


@dataclass(frozen=True, slots=True)
class RunningCloud:
    """A local cloud that responds to requests."""

    data_dir: Path
    pid: int
    url: str
    region: str
    account: str

    @classmethod
    def in_this_process(cls, data_dir: Path, *, url: str, region: str, account: str) -> RunningCloud:
        """Return the description of the cloud in this process."""
        return cls(data_dir, os.getpid(), url, region, account)

    def announce(self) -> None:
        """Write cloud.json: this cloud responds to requests."""
        write_durably(_cloud_file(self.data_dir), json.dumps({**asdict(self), "data_dir": str(self.data_dir)}))

    def withdraw(self) -> None:
        """Delete cloud.json."""
        _cloud_file(self.data_dir).unlink(missing_ok=True)

    def environment(self) -> dict[str, str]:
        """Return the environment variables that make boto3, the AWS CLI and the SDKs use this cloud."""
        keys = Credentials.read(self.data_dir / "credentials.json")
        no_proxy = [os.environ.get("NO_PROXY", os.environ.get("no_proxy", "")), "127.0.0.1", "localhost"]
        return {
            **endpoint_variables(self.url),
            "AWS_ACCESS_KEY_ID": keys.access_key_id,
            "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": ",".join(filter(None, no_proxy)),
        }

    def healthy(self) -> bool:
        """Return True if the cloud responds to a health check within two seconds."""
        try:
            return bool(self.state())
        except (OSError, ValueError, http.client.HTTPException):
            return False

    def state(self) -> JsonDocument:
        """Return the cloud's health document; raises `OSError`, `ValueError` or `HTTPException`."""
        host = self.url.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=HEALTH_SECONDS)
        try:
            connection.request("GET", "/_scones/health")
            response = connection.getresponse()
            state: JsonDocument = json.loads(response.read()) if response.status == 200 else {}
            return state
        finally:
            connection.close()

    def require(self, *, region: str | None, account: str | None) -> None:
        """Raise `CloudError` if the cloud has another region or account than the given ones."""
        for name, wanted, has in (("region", region, self.region), ("account", account, self.account)):
            if wanted and wanted != has:
                raise CloudError(
                    f"The local cloud on {self.data_dir} runs with {name} {has}, not {wanted}: leave out --{name}, or "
                    "give another folder with --data-dir."
                )

    def not_resumed(self) -> dict[str, list[str]]:
        """Return the names of the work that a start with `recover` did not resume, by kind."""
        left: dict[str, list[str]] = read_object(self.data_dir / "left.json")
        return left


@contextmanager
def lock_data_folder(
    data_dir: Path, *, region: str | None, account: str | None
) -> Iterator[tuple[Identity, FolderLock]]:
    """Lock a data folder for this process, creating it at first use; raises `CloudError` if another process has it."""
    os.umask(0o077)  # files of this process and its children are accessible to their owner only
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    require_own(data_dir)
    require_state_files(data_dir)
    lock = FolderLock(data_dir)
    if not lock.acquire():
        raise CloudError(f"A local cloud is already running on {data_dir}; stop it with `scones down`.")
    try:
        _cloud_file(data_dir).unlink(missing_ok=True)
        mark_stuck(data_dir, None)
        restrict_to_owner(data_dir)
        yield identify(data_dir, region, account), lock
    finally:
        lock.release()


def start(
    data_dir: Path,
    *,
    port: int | None = None,
    region: str | None = None,
    account: str | None = None,
    verbose: bool = False,
    recover: bool = False,
    timeout: float | None = None,
) -> RunningCloud:
    """Start a local cloud in the background and wait until it responds; if one already runs, return it.

    The cloud logs to `cloud.log` in its data folder. The default of `timeout` is 15 seconds, or an hour with `recover`.
    Raises `CloudError` with the log's last line if the process ends or does not respond in time, `CloudError` if the
    cloud that runs has another region or account, and `UnresponsiveError` if an unresponsive cloud holds the folder.
    """
    data_dir = data_dir.resolve()
    if timeout is None:
        timeout = RECOVER_SECONDS if recover else START_SECONDS
    if running := find(data_dir):
        running.require(region=region, account=account)
        return running
    command = server_command(data_dir, port=port, region=region, account=account, verbose=verbose, recover=recover)
    log = data_dir / "cloud.log"
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        require_own(data_dir)
        require_state_files(data_dir)
        pid, begun = _spawn(command, log)
    except OSError as error:
        if failure := start_failure(error, data_dir):
            raise failure from error
        raise
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            if running := find(data_dir):  # another command started one at the same time
                running.require(region=region, account=account)
                return running
            raise CloudError(_exit_reason(os.waitstatus_to_exitcode(status), log, begun))
        if (running := _read_cloud_file(data_dir)) and running.pid == pid and running.healthy():
            return running
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise CloudError(_last_line(log, begun) or f"The local cloud did not respond within {timeout:g} s; see {log}.")


def server_command(
    data_dir: Path,
    *,
    port: int | None,
    region: str | None,
    account: str | None,
    verbose: bool,
    recover: bool = False,
) -> list[str]:
    """Return the command line of a cloud's process; `-P` excludes the current folder from its imports."""
    options = [("--port", port), ("--region", region), ("--account", account)]
    command = [sys.executable, "-P", "-m", "scones.cloud", "--data-dir", str(data_dir)]
    command += [part for name, value in options if value is not None for part in (name, str(value))]
    return command + ["--verbose"] * verbose + ["--recover"] * recover


def server_environment() -> dict[str, str]:
    """Return the environment of a cloud's process: this process's variables.

    Relative and empty entries of PYTHONPATH are omitted, because they depend on the current folder.
    """
    variables = dict(os.environ)
    if "PYTHONPATH" in variables:
        entries = variables.pop("PYTHONPATH").split(os.pathsep)
        if kept := os.pathsep.join(filter(os.path.isabs, entries)):
            variables["PYTHONPATH"] = kept
    return variables


def _spawn(command: list[str], log_path: Path) -> tuple[int, int]:
    """Start a process that outlives this one; return its id and the log's offset at which its own lines begin."""
    log = open_file(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        begun = os.lseek(log, 0, os.SEEK_END)
        no_input = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
        actions = [(os.POSIX_SPAWN_DUP2, log, stream) for stream in (1, 2)]
        return os.posix_spawn(
            command[0], command, server_environment(), file_actions=[no_input, *actions], setsid=True
        ), begun
    finally:
        os.close(log)


def _exit_reason(code: int, log_path: Path, begun: int) -> str:
    """Return the reason why a process ended at its start: the last line that it logged, unless a signal ended it."""
    last = _last_line(log_path, begun)
    if last and code >= 0:
        return last
    if not last and not os.statvfs(log_path.parent).f_bavail:  # it could not log the reason
        return f"The disk of {log_path.parent} is full: free up space, then start the cloud again."
    how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit status {code}"
    return f"The local cloud exited {how} during start-up; see {log_path}."


def _last_line(log_path: Path, begun: int) -> str:
    with log_path.open("rb") as log:
        log.seek(begun)
        lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


def find(data_dir: Path) -> RunningCloud | None:
    """Return the local cloud that runs on a data folder, or None; waits for one that is starting.

    Raises `UnresponsiveError` if a process holds the folder's lock but does not respond, and `CloudError` for another
    user's folder.
    """
    data_dir = data_dir.resolve()
    require_own(data_dir)
    while (pid := holder(data_dir)) is not None:
        running = _read_cloud_file(data_dir)
        if running is not None and running.healthy():
            return running
        started = _start_time(pid)
        announced = running is not None and running.pid == pid
        starting = not announced and started is not None and time.time() - started < START_SECONDS
        if not starting and holder(data_dir) == pid:
            raise UnresponsiveError(data_dir, pid, started)
        time.sleep(0.02)
    return None


def _read_cloud_file(data_dir: Path) -> RunningCloud | None:
    """Return the cloud that cloud.json describes, or None."""
    try:
        described = read_object(_cloud_file(data_dir), "data_dir", "url", "region", "account")
        return RunningCloud(**{**described, "data_dir": Path(described["data_dir"])})
    except (FileNotFoundError, CloudError, TypeError):  # the next start replaces a broken file
        return None


def _start_time(pid: int) -> float | None:
    import psutil

    try:
        return psutil.Process(pid).create_time() if pid else None
    except psutil.NoSuchProcess:
        return None


def stop(data_dir: Path, timeout: float = STOP_SECONDS) -> Stopped | None:
    """Stop the local cloud of a data folder and all its processes; return None if none runs.

    The process is the one that holds the folder's lock, or that is about to take it, even if it does not respond. It
    gets SIGTERM, and SIGKILL if it has not ended after `timeout` seconds, or after 5 if it does not respond. The folder
    may belong to another user: the operating system decides whether its process may be stopped.
    """
    import psutil

    from scones.cloud.process.process_tree import ProcessTree

    data_dir = data_dir.resolve()
    pid = holder(data_dir)
    if pid is None:
        pid = _find_starting(data_dir)
    if pid is None:
        return None
    if not pid:
        raise CloudError(f"The local cloud on {data_dir} is running in another PID namespace: stop it from there.")
    running = _read_cloud_file(data_dir)
    answered = running is not None and running.pid == pid and running.healthy()
    try:
        tree = ProcessTree(pid, data_dir)
        if tree.head.uids().effective != data_dir.stat().st_uid:  # the lock may be a hard link to another user's file
            raise CloudError(
                f"Process {pid} holds the lock of {data_dir} but belongs to a user who does not own the folder."
            )
        if (
            holder(data_dir) != pid and _find_starting(data_dir) != pid
        ):  # it has ended in the meantime, and its id may be reused
            return Stopped(pid, answered, 0)
        tree.head.send_signal(signal.SIGTERM)
    except psutil.NoSuchProcess:
        return Stopped(pid, answered, 0)
    tree.ended(timeout if answered else min(timeout, HUNG_SECONDS))
    return Stopped(pid, answered, tree.kill())


def _find_starting(data_dir: Path) -> int | None:
    """Return this user's process that was started as a data folder's cloud, or None; it may not have the lock yet."""
    import psutil

    command = server_command(data_dir, port=None, region=None, account=None, verbose=False)[1:]
    found = {
        process.pid: process.info["ppid"]
        for process in psutil.process_iter(["cmdline", "ppid", "uids"])
        if (process.info["cmdline"] or [])[1 : len(command) + 1] == command
        and process.info["uids"].effective == os.geteuid()
    }
    # The cloud's watchdog and other forks of it have the same command line.
    return next((pid for pid, parent in found.items() if parent not in found), None)


def _cloud_file(data_dir: Path) -> Path:
    return data_dir / "cloud.json"

"""Starting, finding and stopping the local cloud of a data folder, from another process."""

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
from typing import TYPE_CHECKING, Any

from scones.cloud.credentials import Credentials
from scones.cloud.data_folder import Identity, close_to_others, identify, require_own, require_state_files
from scones.cloud.durable_files import open_file, read_object, write_durably
from scones.cloud.errors import CloudError, start_failure
from scones.cloud.folder_lock import FolderLock, holder
from scones.cloud.watchdog import mark_stuck, stuck_since

if TYPE_CHECKING:
    from scones.cloud.cloud import CloudSettings

CLEARED = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_STS")
"""Variables that would send a client elsewhere, to be taken out of an environment that gets ours."""


START_SECONDS = 15.0
"""Seconds in which a cloud has to answer after its start."""
RECOVER_SECONDS = 3600.0
"""Seconds in which one has to answer that checks its database first, and salvages a damaged one."""
STOP_SECONDS = 30.0
"""Seconds that a cloud has to end in order before it is killed."""
HUNG_SECONDS = 5.0
"""Seconds that a cloud has to end before it is killed, if it does not answer."""
HEALTH_SECONDS = 2.0
"""Seconds in which a running cloud has to answer a health check."""


class UnresponsiveError(CloudError):
    """A process holds the data folder's lock but does not answer: a cloud that is stuck, stopped, or ending.

    `pid` is 0 where it is in another PID namespace. `since` is the moment from which on it has been known not to
    answer, and `started` that of its start (seconds since 1970; `started` is None where it is not known).
    """

    def __init__(self, data_dir: Path, pid: int, started: float | None) -> None:
        self.data_dir, self.pid, self.started = data_dir, pid, started
        self.since = stuck_since(data_dir) or time.time() - HEALTH_SECONDS
        process = f"process {pid}" if pid else "a process that cannot be seen from here"
        begun = f", started at {_clock(started)}" if started else ""
        super().__init__(
            f"The local cloud on {data_dir} ({process}{begun}) has not answered since {_clock(self.since)}: "
            f"stop it with `scones down`, and see {data_dir / 'cloud.log'}."
        )


def _clock(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))


@dataclass(frozen=True, slots=True)
class Stopped:
    """A cloud that was stopped: its process, whether it answered before, and how many processes had to be killed."""

    pid: int
    answered: bool
    killed: int


@dataclass(frozen=True, slots=True)
class RunningCloud:
    """A local cloud that answers."""

    data_dir: Path
    pid: int
    url: str
    region: str
    account: str

    @classmethod
    def of(cls, settings: CloudSettings) -> RunningCloud:
        """Describe the cloud that this process is."""
        url = f"http://{settings.host}:{settings.port}"
        return cls(settings.data_dir, os.getpid(), url, settings.region, settings.account)

    def announce(self) -> None:
        """Leave word in the data folder that this cloud answers."""
        write_durably(_word(self.data_dir), json.dumps({**asdict(self), "data_dir": str(self.data_dir)}))

    def withdraw(self) -> None:
        """Take the word back."""
        _word(self.data_dir).unlink(missing_ok=True)

    def environment(self) -> dict[str, str]:
        """Return the variables that make boto3, the AWS CLI and the SDKs use this cloud."""
        keys = Credentials.read(self.data_dir / "credentials.json")
        no_proxy = [os.environ.get("NO_PROXY", os.environ.get("no_proxy", "")), "127.0.0.1", "localhost"]
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": keys.access_key_id,
            "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            # StartSyncExecution and TestState would put `sync-` before the host's name.
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": ",".join(filter(None, no_proxy)),
        }

    def healthy(self) -> bool:
        """Return True if the cloud answers within two seconds."""
        try:
            return bool(self.state())
        except (OSError, ValueError, http.client.HTTPException):
            return False

    def state(self) -> dict[str, Any]:
        """Return what the cloud answers about itself; raises `OSError`, `ValueError` or `HTTPException`."""
        host = self.url.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=HEALTH_SECONDS)
        try:
            connection.request("GET", "/_scones/health")
            answer = connection.getresponse()
            state: dict[str, Any] = json.loads(answer.read()) if answer.status == 200 else {}
            return state
        finally:
            connection.close()

    def left(self) -> dict[str, list[str]]:
        """Return the names of what a start with `recover` left, by kind."""
        left: dict[str, list[str]] = read_object(self.data_dir / "left.json")
        return left


@contextmanager
def hold(data_dir: Path, *, region: str | None, account: str | None) -> Iterator[tuple[Identity, FolderLock]]:
    """Take a data folder for this process, making it on first use; raises `CloudError` where another has it."""
    os.umask(0o077)  # all that this process and its children make is their owner's alone
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    require_own(data_dir)
    require_state_files(data_dir)
    lock = FolderLock(data_dir)
    if not lock.take():
        raise CloudError(f"A local cloud already runs on {data_dir}; stop it with `scones down`.")
    try:
        _word(data_dir).unlink(missing_ok=True)
        mark_stuck(data_dir, None)
        close_to_others(data_dir)
        yield identify(data_dir, region, account), lock
    finally:
        lock.release()


def start(
    data_dir: Path, *, port: int | None = None, region: str | None = None, account: str | None = None,
    verbose: bool = False, recover: bool = False, timeout: float | None = None,
) -> RunningCloud:  # fmt: skip
    """Start a local cloud in the background and return it when it answers; one that runs already is returned.

    It logs to `cloud.log` in its data folder. `timeout` is 15 seconds, or an hour with `recover`. Raises `CloudError`
    with that log's end where the process ends or does not come up in time, and `UnresponsiveError` where one holds the
    folder that does not answer.
    """
    data_dir = data_dir.resolve()
    if timeout is None:
        timeout = RECOVER_SECONDS if recover else START_SECONDS
    if running := find(data_dir):
        return running
    command = server_command(
        data_dir, port=port, region=region, account=account, verbose=verbose, recover=recover
    )  # fmt: skip
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
            if running := find(data_dir):  # another command has started one at the same moment
                return running
            raise CloudError(_ending(os.waitstatus_to_exitcode(status), log, begun))
        if (running := _described(data_dir)) and running.pid == pid and running.healthy():
            return running
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise CloudError(_last_line(log, begun) or f"The local cloud did not answer within {timeout:g} s; see {log}.")


def server_command(
    data_dir: Path,
    *,
    port: int | None,
    region: str | None,
    account: str | None,
    verbose: bool,
    recover: bool = False,
) -> list[str]:
    """Return the command of a cloud's process: `-P` keeps the current folder out of what it imports."""
    options = [("--port", port), ("--region", region), ("--account", account)]
    command = [sys.executable, "-P", "-m", "scones.cloud", "--data-dir", str(data_dir)]
    command += [part for name, value in options if value is not None for part in (name, str(value))]
    return command + ["--verbose"] * verbose + ["--recover"] * recover


def server_environment() -> dict[str, str]:
    """Return this process's variables for a cloud's process.

    Relative and empty entries of PYTHONPATH are left out: they mean the current folder or folders in it.
    """
    variables = dict(os.environ)
    if "PYTHONPATH" in variables:
        entries = variables.pop("PYTHONPATH").split(os.pathsep)
        if kept := os.pathsep.join(filter(os.path.isabs, entries)):
            variables["PYTHONPATH"] = kept
    return variables


def _spawn(command: list[str], log_path: Path) -> tuple[int, int]:
    """Start a process that outlives this one; return its id and where in the log its own lines begin."""
    log = open_file(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        begun = os.lseek(log, 0, os.SEEK_END)
        actions: list[Any] = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
        actions += [(os.POSIX_SPAWN_DUP2, log, stream) for stream in (1, 2)]
        return os.posix_spawn(command[0], command, server_environment(), file_actions=actions, setsid=True), begun
    finally:
        os.close(log)


def _ending(code: int, log_path: Path, begun: int) -> str:
    """Return why a process ended that did not come up: the last line that it logged, unless it was killed."""
    last = _last_line(log_path, begun)
    if last and code >= 0:
        return last
    if not last and not os.statvfs(log_path.parent).f_bavail:  # it could not log that
        return f"The disk of {log_path.parent} is full: make room, and start the cloud again."
    how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit status {code}"
    return f"The local cloud ended {how} as it started; see {log_path}."


def _last_line(log_path: Path, begun: int) -> str:
    with log_path.open("rb") as log:
        log.seek(begun)
        lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


def find(data_dir: Path) -> RunningCloud | None:
    """Return the local cloud that runs on a data folder, or None; one that starts is waited for.

    Raises `UnresponsiveError` where a process holds the folder's lock but does not answer, and `CloudError` for
    another user's folder.
    """
    data_dir = data_dir.resolve()
    require_own(data_dir)
    while (pid := holder(data_dir)) is not None:
        running = _described(data_dir)
        if running is not None and running.healthy():
            return running
        started = _start_time(pid)
        announced = running is not None and running.pid == pid
        starting = not announced and started is not None and time.time() - started < START_SECONDS
        if not starting and holder(data_dir) == pid:
            raise UnresponsiveError(data_dir, pid, started)
        time.sleep(0.02)
    return None


def _described(data_dir: Path) -> RunningCloud | None:
    """Return the cloud that cloud.json describes, or None."""
    try:
        described = read_object(_word(data_dir), "data_dir", "url", "region", "account")
        return RunningCloud(**{**described, "data_dir": Path(described["data_dir"])})
    except (FileNotFoundError, CloudError, TypeError):  # the next start replaces a broken one
        return None


def _start_time(pid: int) -> float | None:
    import psutil

    try:
        return psutil.Process(pid).create_time() if pid else None
    except psutil.NoSuchProcess:
        return None


def stop(data_dir: Path, timeout: float = STOP_SECONDS) -> Stopped | None:
    """Stop the local cloud of a data folder with all its processes; return None where none ran.

    The process is the one that holds the folder's lock, whether it answers or not, or that is about to take it. It gets
    SIGTERM, and SIGKILL if it has not ended after `timeout` seconds, or after 5 if it does not answer. The folder may
    be another user's: the system decides if its process may be stopped.
    """
    import psutil

    from scones.cloud.process_tree import ProcessTree

    data_dir = data_dir.resolve()
    pid = holder(data_dir)
    if pid is None:
        pid = _starting(data_dir)
    if pid is None:
        return None
    if not pid:
        raise CloudError(f"The local cloud on {data_dir} runs in another PID namespace: stop it there.")
    running = _described(data_dir)
    answered = running is not None and running.pid == pid and running.healthy()
    try:
        tree = ProcessTree(pid, data_dir)
        if tree.head.uids().effective != data_dir.stat().st_uid:  # the lock may be another name of a stranger's file
            raise CloudError(f"The owner of {data_dir} is not the user of process {pid}, which has its lock.")
        if (
            holder(data_dir) != pid and _starting(data_dir) != pid
        ):  # it has ended meanwhile, and its id may be another process's
            return Stopped(pid, answered, 0)
        tree.head.send_signal(signal.SIGTERM)
    except psutil.NoSuchProcess:
        return Stopped(pid, answered, 0)
    tree.ended(timeout if answered else min(timeout, HUNG_SECONDS))
    return Stopped(pid, answered, tree.kill())


def _starting(data_dir: Path) -> int | None:
    """Return this user's process that was started as a data folder's cloud, or None; it need not have the lock."""
    import psutil

    command = server_command(data_dir, port=None, region=None, account=None, verbose=False)[1:]
    found = {
        process.pid: process.info["ppid"]
        for process in psutil.process_iter(["cmdline", "ppid", "uids"])
        if (process.info["cmdline"] or [])[1 : len(command) + 1] == command
        and process.info["uids"].effective == os.geteuid()
    }
    # Its watchdog and other forks have the same command.
    return next((pid for pid, parent in found.items() if parent not in found), None)


def _word(data_dir: Path) -> Path:
    return data_dir / "cloud.json"

"""Starting, finding and stopping the local cloud of a data folder, from another process."""

from __future__ import annotations

import contextlib
import fcntl
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

import psutil

from scones.cloud.credentials import Credentials
from scones.cloud.data_folder import Identity, close_to_others, identify
from scones.cloud.durable_files import BrokenFileError, read_object, write_durably
from scones.cloud.errors import CloudError

if TYPE_CHECKING:
    from scones.cloud.cloud import CloudSettings

CLEARED = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_STS")
"""Variables that would send a client elsewhere, to be taken out of an environment that gets ours."""


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
        """Tell whether the cloud answers."""
        host = self.url.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=2)
        try:
            connection.request("GET", "/_scones/health")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


@contextmanager
def hold(data_dir: Path, *, region: str | None, account: str | None) -> Iterator[Identity]:
    """Take a data folder for this process, making it on first use; raises `CloudError` where another has it."""
    os.umask(0o077)  # all that this process and its children make is their owner's alone
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _lock(data_dir).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CloudError(f"A local cloud already runs on {data_dir}; stop it with `scones down`.") from error
        _word(data_dir).unlink(missing_ok=True)
        close_to_others(data_dir)
        yield identify(data_dir, region, account)


def start(
    data_dir: Path, *, port: int | None = None, region: str | None = None, account: str | None = None,
    verbose: bool = False, timeout: float = 15.0,
) -> RunningCloud:  # fmt: skip
    """Start a local cloud in the background and return it when it answers; one that runs already is returned.

    It logs to `cloud.log` in its data folder. Raises `CloudError` with that log's end where it does not come up
    within `timeout` seconds.
    """
    data_dir = data_dir.resolve()
    if running := find(data_dir):
        return running
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = [("--port", port), ("--region", region), ("--account", account)]
    command = [sys.executable, "-m", "scones.cloud", "--data-dir", str(data_dir)]
    command += [part for name, value in options if value is not None for part in (name, str(value))]
    pid, begun = _spawn(command + ["--verbose"] * verbose, data_dir / "cloud.log")
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and os.waitpid(pid, os.WNOHANG) == (0, 0):
        if (running := find(data_dir)) and running.pid == pid:
            return running
        time.sleep(0.01)
    raise CloudError(_reason(pid, data_dir / "cloud.log", begun, timeout))


def _spawn(command: list[str], log_path: Path) -> tuple[int, int]:
    """Start a process that outlives this one; return its id and where in the log its own lines begin."""
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        begun = os.lseek(log, 0, os.SEEK_END)
        actions: list[Any] = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
        actions += [(os.POSIX_SPAWN_DUP2, log, stream) for stream in (1, 2)]
        return os.posix_spawn(command[0], command, os.environ, file_actions=actions, setsid=True), begun
    finally:
        os.close(log)


def _reason(pid: int, log_path: Path, begun: int, timeout: float) -> str:
    """Put an end to a process that did not come up, and return the last line that it logged."""
    if psutil.pid_exists(pid):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    with log_path.open("rb") as log:
        log.seek(begun)
        lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"The local cloud did not answer within {timeout:g} s; see {log_path}."


def find(data_dir: Path) -> RunningCloud | None:
    """Return the local cloud that runs on a data folder and answers, or None."""
    word = _word(data_dir.resolve())
    try:
        described = read_object(word, "data_dir", "url", "region", "account")
        running = RunningCloud(**{**described, "data_dir": Path(described["data_dir"])})
    except (FileNotFoundError, BrokenFileError, TypeError):  # the next start replaces a broken one
        return None
    return running if _held(data_dir) and running.healthy() else None


def stop(data_dir: Path, timeout: float = 30.0) -> bool:
    """Stop the local cloud of a data folder with all its children; return False where none ran."""
    running = find(data_dir)
    if running is None:
        return False
    try:
        process = psutil.Process(running.pid)
        children = process.children(recursive=True)
        process.send_signal(signal.SIGTERM)
    except psutil.NoSuchProcess:
        return True
    _, alive = psutil.wait_procs([process], timeout=timeout)
    _, left = psutil.wait_procs(children, timeout=1)
    for survivor in [*alive, *left]:
        with contextlib.suppress(psutil.NoSuchProcess):
            survivor.kill()
    psutil.wait_procs([*alive, *left], timeout=5)
    return True


def _held(data_dir: Path) -> bool:
    """Tell whether a process holds the folder: its lock ends with it, however it ends."""
    try:
        with _lock(data_dir.resolve()).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _lock(data_dir: Path) -> Path:
    return data_dir / "lock"


def _word(data_dir: Path) -> Path:
    return data_dir / "cloud.json"

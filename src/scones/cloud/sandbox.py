"""Child processes with a private /tmp and /opt/ml, limits, a clean environment, and an end with their whole tree.

On Linux a program runs in user, mount, PID and IPC namespaces of its own (`launcher.py`): it sees the host's file
system but for what is mounted, hidden or private, no process but its own, and nothing of the host's environment. The
network is the host's: programs reach the cloud over loopback.

Where namespaces are not allowed (`isolation` tells why) a program runs in a session of its own with a clean environment
alone: nothing is mounted or hidden, /tmp is everybody's, and what leaves the session outlives `kill`. Whoever starts
one there names its folders in the environment (TMPDIR, SAGEMAKER_BASE_DIR) and runs what would clash one at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Protocol

from scones.cloud.program_output import Output, ProgramOutput

log = logging.getLogger(__name__)

LAUNCHER = Path(__file__).with_name("launcher.py")
PAGE = os.sysconf("SC_PAGE_SIZE")
_probing = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run, and what it may see.

    `env` is the whole environment. `mounts` maps paths inside to host folders; those in `read_only` cannot be written.
    `files` puts host files in the place of those that are there. `hidden` are host folders that are empty inside.
    `visible` are host folders that are shown, read-only, even below one that is mounted or hidden.
    `whole_host` shows all of the host, and what its user may write is writable: for a user's own workspace.
    `limits` are resource limits by name (`{"RLIMIT_NOFILE": 1024}`). `hostname` is the program's own, "" the machine's.
    Without `shared_memory` there is no /dev/shm.
    """

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str = "/"
    mounts: Mapping[str, Path] = field(default_factory=dict)
    read_only: frozenset[str] = frozenset()
    files: Mapping[str, Path] = field(default_factory=dict)
    hidden: Sequence[Path] = ()
    visible: Sequence[Path] = ()
    whole_host: bool = False
    hostname: str = ""
    shared_memory: bool = True
    limits: Mapping[str, int] = field(default_factory=lambda: {"RLIMIT_CORE": 0})


class Process(Protocol):
    """The process that stands for a program's tree: a child of the cloud, or of a process that the cloud asked."""

    @property
    def pid(self) -> int:
        """Its process id."""

    @property
    def returncode(self) -> int | None:
        """The program's exit status, or -signal; None while it runs."""

    async def wait(self) -> int:
        """Wait until the program has ended; return its exit status, or -signal."""

    def send_signal(self, signal: int, /) -> None:
        """Send it a signal; raises `ProcessLookupError` where it has ended."""

    def kill(self) -> None:
        """Send it SIGKILL."""


class Sandbox:
    """A running program; `pid` is the process that stands for its tree on the host."""

    def __init__(self, process: Process, output: ProgramOutput) -> None:
        self._process = process
        self._output = output
        self.pid = process.pid

    @property
    def running(self) -> bool:
        """Whether the program has not ended yet, as far as is known."""
        return self._process.returncode is None

    async def wait(self) -> int:
        """Wait until the program has ended and its output has been read; return its exit status, or -signal."""
        status = await self._process.wait()
        await self._output.finish()
        return status

    async def drain(self, seconds: float) -> None:
        """Hand what the program has written until now to `on_output`; what takes longer than `seconds` comes later."""
        await self._output.drain(seconds)

    def terminate(self) -> None:
        """Ask the program to end (SIGTERM)."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the program with every descendant; `wait` tells when they have ended."""
        with contextlib.suppress(ProcessLookupError):
            if isolation() is None:
                self._process.kill()
            else:  # without namespaces, what has left the session is out of reach
                os.killpg(self.pid, signal.SIGKILL)

    def memory(self) -> int:
        """Return the resident memory of the program's tree, in bytes; 0 where it has ended or cannot be told."""
        return sum(_resident(pid) for pid in _program_processes(self.pid))

    def memory_shared_once(self) -> int:
        """Return the same with each shared page counted once: processes that were forked share most. Blocks."""
        return sum(_proportional(pid) for pid in _program_processes(self.pid))


async def spawn(program: Program, on_output: Output) -> Sandbox:
    """Start a program. `on_output` gets what it writes to standard output and error, as it comes (`program_output`).

    Raises `OSError` where the launcher cannot be started; a program that cannot be found ends with status 127.
    """
    isolated = await asyncio.to_thread(isolation) is None
    receive, send = os.pipe()
    output = ProgramOutput(receive, on_output)
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", str(LAUNCHER), env={}, cwd="/",
            stdin=subprocess.PIPE, stdout=send, stderr=send, start_new_session=True,
        )  # fmt: skip
    finally:
        os.close(send)
    assert process.stdin is not None
    process.stdin.write(json.dumps(describe(program, isolated=isolated)).encode())
    process.stdin.close()
    return Sandbox(process, output)


def describe(program: Program, *, isolated: bool) -> dict[str, object]:
    """Return a program as `launcher.py` takes it, to be started by this process."""
    return {
        "parent": os.getpid(),
        "root": str(_root()) if isolated else None,  # one mkdir: no work for a thread
        "argv": list(program.argv),
        "env": dict(program.env),
        "cwd": program.cwd,
        "mounts": {target: str(source.resolve()) for target, source in program.mounts.items()},
        "read_only": sorted(program.read_only),
        "files": {target: str(source.resolve()) for target, source in program.files.items()},
        "hostname": program.hostname,
        "hidden": [str(path.resolve()) for path in program.hidden] + ([] if program.whole_host else _private()),
        "whole_host": program.whole_host,
        "visible": [*_visible(), *(str(path.resolve()) for path in program.visible)],
        "shared_memory": program.shared_memory,
        "limits": dict(program.limits),
    }


@cache
def _visible() -> list[str]:
    """Return what a Python program needs of the host, wherever it lies: a virtual environment in /tmp, say."""
    found = [sys.prefix, sys.base_prefix, sys.exec_prefix, *(path for path in sys.path if Path(path).is_dir())]
    found += [str(Path(__file__).parents[2]), *_interpreter_folders()]
    return sorted({str(Path(path).resolve()) for path in found})


def _interpreter_folders() -> list[str]:
    """Return the folders of the symbolic links that lead to this interpreter."""
    path = Path(sys.executable)
    found: list[str] = []
    while path.is_symlink() and len(found) < 10:
        found.append(str(path.parent))
        path = path.parent / path.readlink()
    return found


@cache
def _private() -> list[str]:
    """Return the user's home and the usual folders of keys in it, for where a home is shown after all."""
    home = Path.home().resolve()
    return [str(path) for path in (home, home / ".aws", home / ".ssh", home / ".scones") if path != Path("/")]


def _root() -> Path:
    """Return the empty folder on which every sandbox mounts its own root; the host never sees anything in it.

    One for each user, so that clouds that are killed leave no more than that behind.
    """
    path = Path(tempfile.gettempdir(), f"scones-root-{os.getuid()}").resolve()
    path.mkdir(mode=0o700, exist_ok=True)
    if path.stat().st_uid != os.getuid():
        raise PermissionError(f"{path} belongs to another user: remove it, or set TMPDIR to a folder of your own.")
    return path


def isolation() -> str | None:
    """Return None where programs can be isolated by namespaces, else the reason why they cannot. Blocks at first."""
    with _probing:  # whoever else asks meanwhile waits for the one answer
        return _probe()


@cache
def _probe() -> str | None:
    if sys.platform != "linux":
        return f"{sys.platform} has no namespaces"
    spec = describe(Program(argv=["/bin/true"], env={}), isolated=True)
    probe = subprocess.run(
        [sys.executable, "-I", "-S", str(LAUNCHER)], input=json.dumps(spec), capture_output=True, text=True, check=False
    )
    if probe.returncode == 0:
        return None
    reason = (probe.stderr.strip().splitlines() or ["namespaces are not allowed"])[-1]
    log.warning(
        "Programs run without isolation from each other's /tmp and from the host: namespaces are not allowed (%s)",
        reason,
    )
    return reason


def _program_processes(launcher: int) -> Iterator[int]:
    """Yield the processes below a launcher; with namespaces, without the launcher's own init."""
    skipped = 1 if isolation() is None else 0
    for depth, pid in _descendants(launcher, 0):
        if depth > skipped or not skipped:
            yield pid


def _descendants(pid: int, depth: int) -> Iterator[tuple[int, int]]:
    if depth or isolation() is not None:
        yield depth, pid
    for child in _children(pid):
        yield from _descendants(child, depth + 1)


def _children(pid: int) -> list[int]:
    """Return the children of a process, whichever of its threads began them; none where it has ended."""
    found: list[int] = []
    with contextlib.suppress(OSError):  # or where the kernel does not tell
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    return found


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def _proportional(pid: int) -> int:
    """Return a process's resident memory, each page divided by the number of processes that share it."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended, or the kernel does not say
        return _resident(pid)
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)

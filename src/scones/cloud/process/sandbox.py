"""Sandboxes: child processes with a private /tmp and /opt/ml, resource limits and a clean environment.

On Linux a program runs in its own user, mount, PID and IPC namespaces (`launcher.py`). It sees the host's system
folders, read-only, and the files and folders that its description names; with `whole_host` it sees the host's file
system except for mounts and for hidden folders. It sees no processes but its own, and nothing of the host's
environment. It shares the host's network: programs reach the cloud over loopback. The end of a sandbox ends its whole
process tree.

If namespaces are not allowed (`isolation` returns the reason), a program only gets its own session and a clean
environment: nothing is mounted or hidden, /tmp is shared, and a process that leaves the session survives `kill`. The
caller must then set the program's folders in the environment (TMPDIR, SAGEMAKER_BASE_DIR), and run conflicting programs
one at a time.
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

from scones.cloud.process.program_output import Output, ProgramOutput

log = logging.getLogger(__name__)

LAUNCHER = Path(__file__).with_name("launcher.py")
PAGE = os.sysconf("SC_PAGE_SIZE")
_probing = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program to run, and the parts of the host that it may see.

    `env` is the complete environment. `mounts` maps paths inside to host folders; those in `read_only` are read-only.
    `files` maps existing files inside to host files that replace them. `hidden` are host folders that appear empty
    inside. `visible` are host folders that are shown read-only, even inside a mounted or hidden folder. `whole_host`
    shows the whole host, with the user's write permissions; it is for a user's own workspace. `limits` are resource
    limits by name (`{"RLIMIT_NOFILE": 1024}`). `hostname` is the program's host name; "" means that of the machine.
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
    """The process that represents a program's tree: a child of the cloud, or of a process that forks for the cloud."""

    @property
    def pid(self) -> int:
        """Process id."""

    @property
    def returncode(self) -> int | None:
        """Exit status of the program, or -signal; None while it runs."""

    async def wait(self) -> int:
        """Wait until the program has ended; return its exit status, or -signal."""

    def send_signal(self, signal: int, /) -> None:
        """Send a signal to the process; raises `ProcessLookupError` if it has ended."""

    def kill(self) -> None:
        """Send SIGKILL to the process."""


class Sandbox:
    """A running program; `pid` is the process that represents its tree on the host."""

    def __init__(self, process: Process, output: ProgramOutput) -> None:
        self._process = process
        self._output = output
        self.pid = process.pid

    @property
    def running(self) -> bool:
        """True if the program is not known to have ended."""
        return self._process.returncode is None

    async def wait(self) -> int:
        """Wait until the program has ended and its output has been read; return its exit status, or -signal."""
        status = await self._process.wait()
        await self._output.finish()
        return status

    async def drain(self, seconds: float) -> None:
        """Pass the output written so far to `on_output`, for at most `seconds`; the rest follows later."""
        await self._output.drain(seconds)

    def terminate(self) -> None:
        """Send SIGTERM to the program."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the program and all its descendants; use `wait` to wait for their end."""
        with contextlib.suppress(ProcessLookupError):
            if isolation() is None:
                self._process.kill()
            else:  # without namespaces, this misses processes that left the session
                os.killpg(self.pid, signal.SIGKILL)

    def memory(self) -> int:
        """Return the resident memory of the program's tree in bytes; 0 if it has ended or the size is unknown."""
        return sum(_resident(pid) for pid in _program_processes(self.pid))

    def memory_shared_once(self) -> int:
        """Return the resident memory of the program's tree in bytes, counting pages that forks share once. Blocks."""
        return sum(_proportional(pid) for pid in _program_processes(self.pid))


async def spawn(program: Program, on_output: Output) -> Sandbox:
    """Start a program; `on_output` gets its standard output and error in pieces (`program_output`).

    Raises `OSError` if the launcher cannot be started. A program that does not exist ends with status 127.
    """
    isolated = await asyncio.to_thread(isolation) is None
    receive, send = os.pipe()
    output = ProgramOutput(receive, on_output)
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            str(LAUNCHER),
            env={},
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=send,
            stderr=send,
            start_new_session=True,
        )
    finally:
        os.close(send)
    assert process.stdin is not None
    process.stdin.write(json.dumps(describe(program, isolated=isolated)).encode())
    process.stdin.close()
    return Sandbox(process, output)


def describe(program: Program, *, isolated: bool) -> dict[str, object]:
    """Return the description of a program that `launcher.py` reads; this process is the launcher's parent."""
    return {
        "parent": os.getpid(),
        "root": str(_root()) if isolated else None,  # a single mkdir needs no thread
        "argv": list(program.argv),
        "env": dict(program.env),
        "cwd": program.cwd,
        "mounts": {target: str(source.resolve()) for target, source in program.mounts.items()},
        "read_only": sorted(program.read_only),
        "files": {target: str(source.resolve()) for target, source in program.files.items()},
        "hostname": program.hostname,
        "hidden": [str(path.resolve()) for path in program.hidden] + ([] if program.whole_host else _secret_folders()),
        "whole_host": program.whole_host,
        "visible": [*_visible(), *(str(path.resolve()) for path in program.visible)],
        "shared_memory": program.shared_memory,
        "limits": dict(program.limits),
    }


@cache
def _visible() -> list[str]:
    """Return the host folders that a Python program needs, for example a virtual environment in /tmp."""
    found = [sys.prefix, sys.base_prefix, sys.exec_prefix, *(path for path in sys.path if Path(path).is_dir())]
    found += [str(Path(__file__).parents[3]), *_interpreter_folders()]
    return sorted({str(Path(path).resolve()) for path in found})


def _interpreter_folders() -> list[str]:
    """Return the folders of the symbolic links to this interpreter."""
    path = Path(sys.executable)
    found: list[str] = []
    while path.is_symlink() and len(found) < 10:
        found.append(str(path.parent))
        path = path.parent / path.readlink()
    return found


@cache
def _secret_folders() -> list[str]:
    """Return the user's home and its usual folders with keys, which stay hidden even if the home folder is visible."""
    home = Path.home().resolve()
    return [str(path) for path in (home, home / ".aws", home / ".ssh", home / ".scones") if path != Path("/")]


def _root() -> Path:
    """Return the empty folder on which each sandbox mounts its root; on the host it stays empty.

    There is one per user, so that killed clouds leave nothing else behind.
    """
    path = Path(tempfile.gettempdir(), f"scones-root-{os.getuid()}").resolve()
    path.mkdir(mode=0o700, exist_ok=True)
    if path.stat().st_uid != os.getuid():
        raise PermissionError(f"{path} belongs to another user: remove it, or set TMPDIR to your own folder.")
    return path


def isolation() -> str | None:
    """Return None if programs can be isolated by namespaces, else the reason why not. The first call blocks."""
    with _probing:  # concurrent callers wait for the same result
        return _probe()


@cache
def _probe() -> str | None:
    if sys.platform != "linux":
        return f"{sys.platform} does not support namespaces"
    spec = describe(Program(argv=["/bin/true"], env={}), isolated=True)
    probe = subprocess.run(
        [sys.executable, "-I", "-S", str(LAUNCHER)], input=json.dumps(spec), capture_output=True, text=True, check=False
    )
    if probe.returncode == 0:
        return None
    reason = (probe.stderr.strip().splitlines() or ["namespaces are not allowed"])[-1]
    log.warning(
        "Programs are not isolated from each other's /tmp and from the host: namespaces are not allowed (%s)",
        reason,
    )
    return reason


def _program_processes(launcher: int) -> Iterator[int]:
    """Yield the descendants of a launcher; with namespaces, without the sandbox's init process."""
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
    """Return the children of all threads of a process; none if it has ended."""
    found: list[int] = []
    with contextlib.suppress(OSError):  # the process has ended, or the kernel does not provide the list
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    return found


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def _proportional(pid: int) -> int:
    """Return a process's resident memory in bytes, each page divided by the number of processes that share it."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # the process has ended, or the kernel does not provide the file
        return _resident(pid)
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)

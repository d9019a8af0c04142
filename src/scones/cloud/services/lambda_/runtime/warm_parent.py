"""Execution environments forked from a process that has loaded boto3, if this makes no difference to the function."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
from collections.abc import Collection, Mapping
from pathlib import Path

from scones.cloud.process.program_output import Output, ProgramOutput
from scones.cloud.process.sandbox import LAUNCHER, Program, Sandbox, describe

log = logging.getLogger(__name__)

WARM_PARENT_PROCESS = Path(__file__).with_name("warm_parent_process.py")
STARTING = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "PATH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
"""Variables that an interpreter reads when it starts; all forks have the values of the warm parent."""
MESSAGE_LIMIT = 1 << 16


class WarmParent:
    """The warm parent of one interpreter."""

    def __init__(self, interpreter: str, variables: Mapping[str, str]) -> None:
        self._interpreter = interpreter
        self._variables = {name: variables[name] for name in STARTING if name in variables}
        self._process: asyncio.subprocess.Process | None = None
        self._control: socket.socket | None = None
        self._names: frozenset[str] = frozenset()
        self._foreign: frozenset[str] = frozenset()
        self._shadowing: dict[Path, bool] = {}

    async def start(self) -> None:
        """Start the process and wait until its modules are loaded; if loading fails, functions start without it."""
        own_socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        own_socket.setblocking(False)
        try:
            self._process = await asyncio.create_subprocess_exec(
                self._interpreter,
                str(WARM_PARENT_PROCESS),
                str(LAUNCHER),
                str(theirs.fileno()),
                env=self._variables,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        finally:
            theirs.close()
        message = await asyncio.get_running_loop().sock_recv(own_socket, MESSAGE_LIMIT)
        if not message:
            own_socket.close()
            log.info("Functions start without preloaded boto3: %s cannot import it", self._interpreter)
            return
        reply = json.loads(message)
        self._names, self._foreign = frozenset(reply["names"]), frozenset(reply["foreign"])
        self._control = own_socket

    async def stop(self) -> None:
        """End the process and its forks."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    def serves(self, program: Program, folders: Collection[Path]) -> bool:
        """Return True if a fork can run a program whose modules are in `folders`. Blocks: call it in a thread.

        A fork cannot if the program has its own copy of a module that the warm parent has loaded, such as boto3, even
        in a folder that the program itself adds to its path. Nor can it if the program's variables change how an
        interpreter starts.
        """
        if self._control is None or program.argv[0] != self._interpreter:
            return False
        own_socket = {
            name: value for name, value in program.env.items() if name in STARTING or name.startswith("PYTHON")
        }
        if own_socket != self._variables or any(name.startswith("LD_") for name in program.env):
            return False
        for folder in folders:  # a folder is named by its content, which does not change
            if folder not in self._shadowing:
                self._shadowing[folder] = self._shadows(folder)
        return not any(self._shadowing[folder] for folder in folders)

    def _shadows(self, folder: Path) -> bool:
        importable = {folder, folder / "python", *folder.glob("python/lib/python3*/site-packages")}
        for path, folders, files in os.walk(folder):
            names = {*folders, *(name.partition(".")[0] for name in files if name.endswith((".py", ".so")))}
            if names & (self._names if Path(path) in importable else self._foreign):
                return True
        return False

    async def spawn(self, program: Program, on_output: Output) -> Sandbox | None:
        """Start a program for which `serves` is True; return None if the warm parent cannot start it."""
        if self._control is None:
            return None
        receive, send = os.pipe()
        reply, report = os.pipe()
        try:
            socket.send_fds(self._control, [json.dumps(describe(program, isolated=True)).encode()], [send, report])
        except OSError:  # the warm parent has ended, or has too many requests waiting
            for descriptor in (receive, reply):
                os.close(descriptor)
            return None
        finally:
            os.close(send)
            os.close(report)
        process = _ForkedProcess(reply)
        await process.begun
        if not process.pid:
            os.close(receive)
            return None
        return Sandbox(process, ProgramOutput(receive, on_output))


class _ForkedProcess:
    """A launcher that the warm parent forked; it reports its process id, and later how the program ended.

    `returncode` is the program's exit status, or -signal; -SIGKILL if the launcher was killed.
    """

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._received = b""
        self._handle: int | None = None
        self._ended: asyncio.Future[int] = self._loop.create_future()
        self.begun: asyncio.Future[None] = self._loop.create_future()
        self.pid = 0
        self._loop.add_reader(descriptor, self._read)

    @property
    def returncode(self) -> int | None:
        return self._ended.result() if self._ended.done() else None

    async def wait(self) -> int:
        return await asyncio.shield(self._ended)

    def send_signal(self, number: int, /) -> None:
        if self._handle is None:
            raise ProcessLookupError
        signal.pidfd_send_signal(self._handle, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _read(self) -> None:
        chunk = os.read(self._descriptor, 8)
        self._received += chunk
        if not self.begun.done() and (len(self._received) >= 4 or not chunk):
            self._begin()
        if not chunk:
            self._end()

    def _begin(self) -> None:
        if len(self._received) >= 4:
            self.pid = int.from_bytes(self._received[:4], "little")
            with contextlib.suppress(ProcessLookupError):
                self._handle = os.pidfd_open(self.pid)
        self.begun.set_result(None)

    def _end(self) -> None:
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        status = self._received[4:8]
        ended = os.waitstatus_to_exitcode(int.from_bytes(status, "little")) if status else -signal.SIGKILL
        self._ended.set_result(ended)

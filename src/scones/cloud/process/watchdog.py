"""The watchdog: a small process that ends a cloud whose event loop is stuck, and logs where it is stuck.

While C code holds the interpreter lock, no Python code runs in the cloud's process, including signal handlers. Python's
signal handler in C does run: it writes the signal's number to the wakeup descriptor, which is connected to the
watchdog. The watchdog sends the number back so that the event loop can shut down, and kills the cloud if the loop makes
no progress. It is forked before the cloud loads anything, so it costs only a few milliseconds and little memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import logging
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

from scones.cloud.core.durable_files import open_file
from scones.cloud.errors import CloudError
from scones.cloud.process.folder_lock import lock_path

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
"""Seconds between two heartbeats of the event loop."""
STUCK_SECONDS = 5.0
"""Seconds without a heartbeat after which the loop is reported as stuck."""
ENDING_STUCK_SECONDS = 3.0
"""Seconds without a heartbeat after which the cloud is killed, once it has been asked to end."""
ENDING_SECONDS = 30.0
"""Seconds after which a cloud that was asked to end is killed in any case."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)
_DUMP = signal.SIGUSR2
"""Signal on which the cloud's process writes its main thread's stack to standard error."""
_BEAT = 0


class Watchdog:
    """The cloud's side of the connection to its watchdog."""

    def __init__(self, data_dir: Path) -> None:
        """Fork the watchdog of this process; call this before threads are started and before the folder is locked."""
        own_socket, theirs = socket.socketpair()
        cloud = os.getpid()
        if not os.fork():
            own_socket.close()
            _run(theirs, cloud, data_dir)
        theirs.close()
        own_socket.setblocking(False)
        self._link = own_socket
        self._loop_wakeup = -1
        faulthandler.register(_DUMP, all_threads=False)
        # Until `attach`, both signals end this process at once; a KeyboardInterrupt could get lost in an import.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    def attach(self, on_signal: Callable[[], object], on_beat: Callable[[], None]) -> None:
        """Connect the running event loop: call `on_signal` on SIGINT and SIGTERM, and start sending heartbeats.

        `on_beat` runs with each heartbeat, once a second.
        """
        self._loop = asyncio.get_running_loop()
        self.on_signal = on_signal
        self._on_beat = on_beat
        self._loop.add_reader(self._link, self._receive)
        for number in SIGNALS:
            signal.signal(number, _ignore_signal)
        self._loop_wakeup = signal.set_wakeup_fd(self._link.fileno(), warn_on_full_buffer=False)
        self._beat()

    def _beat(self) -> None:
        self._on_beat()
        with contextlib.suppress(OSError):  # `_receive` notices a watchdog that has ended
            self._link.send(bytes([_BEAT]))
        self._timer = self._loop.call_later(BEAT_SECONDS, self._beat)

    def _receive(self) -> None:
        try:
            numbers = self._link.recv(64)
        except BlockingIOError:
            return
        except ConnectionError:
            numbers = b""
        for _ in numbers:
            self._signalled()
        if not numbers:
            self._detach()

    def _signalled(self) -> None:
        self.on_signal()

    def _detach(self) -> None:
        """Handle signals without the watchdog, which has been killed."""
        log.warning("The watchdog process has exited: signals cannot stop this cloud while its event loop is stuck")
        self._timer.cancel()
        self._loop.remove_reader(self._link)
        signal.set_wakeup_fd(self._loop_wakeup)
        for number in SIGNALS:
            self._loop.add_signal_handler(number, self._signalled)


def _ignore_signal(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the signal has been written to the watchdog, which sends it back to the event loop."""


def _run(link: socket.socket, cloud: int, data_dir: Path) -> NoReturn:
    """Run the watchdog; never returns."""
    try:
        os.setsid()  # only the cloud gets a terminal's Ctrl-C
        os.umask(0o077)
        for number in (*SIGNALS, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        _Watch(link, cloud, data_dir).run()
    finally:
        os._exit(0)


class _Watch:
    """The watchdog's view of the cloud's process."""

    def __init__(self, link: socket.socket, cloud: int, data_dir: Path) -> None:
        self._link = link
        self._cloud = cloud
        self._data_dir = data_dir
        self._last_beat: float | None = None
        self._stop_requested: float | None = None
        self._reported = False

    def run(self) -> None:
        """Watch until the cloud's process has ended."""
        while True:
            if select.select([self._link], [], [], BEAT_SECONDS)[0]:
                received = self._link.recv(4096)
                if not received:
                    return
                self._record(received)
            if self._overdue():
                self._kill()
                return
            if not self._reported and self._seconds_silent() > STUCK_SECONDS:
                self._report()

    def _record(self, received: bytes) -> None:
        now = time.monotonic()
        if _BEAT in received:
            if self._reported:
                self._recovered()
            self._last_beat = now
        if numbers := received.replace(bytes([_BEAT]), b""):
            self._stop_requested = self._stop_requested or now
            self._link.send(numbers)

    def _seconds_silent(self) -> float:
        """Return the seconds since the last heartbeat; 0 before the first."""
        return 0.0 if self._last_beat is None else time.monotonic() - self._last_beat

    def _overdue(self) -> bool:
        """Return True if the cloud was asked to end and is stuck, or has taken too long.

        The loss of its data folder counts as a request to end for a stuck cloud, because no command can find it any
        more.
        """
        if self._stop_requested is None:
            return self._reported and not lock_path(self._data_dir).exists()
        stop_requested = time.monotonic() - self._stop_requested
        return stop_requested > ENDING_SECONDS or min(stop_requested, self._seconds_silent()) > ENDING_STUCK_SECONDS

    def _report(self) -> None:
        self._reported = True
        _write(f"The event loop has been stuck for {self._seconds_silent():.0f} s at:")
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._cloud, _DUMP)
        mark_stuck(self._data_dir, time.time() - self._seconds_silent())

    def _recovered(self) -> None:
        self._reported = False
        _write(f"The event loop is running again; it was stuck for {self._seconds_silent():.0f} s")
        mark_stuck(self._data_dir, None)

    def _kill(self) -> None:
        from scones.cloud.process.process_tree import ProcessTree

        _write("The event loop is stuck while the cloud is stopping; killing its processes")
        ProcessTree(self._cloud, self._data_dir).kill()


def mark_stuck(data_dir: Path, since: float | None) -> None:
    """Record the time since which a cloud's event loop has been stuck (Unix seconds); None deletes the record."""
    with contextlib.suppress(OSError):
        if since is None:
            _mark_path(data_dir).unlink(missing_ok=True)
        else:
            _mark_path(data_dir).write_text(f"{since:.3f}")


def stuck_since(data_dir: Path) -> float | None:
    """Return the time since which a cloud has been stuck (Unix seconds), or None if it is not known to be stuck."""
    try:
        with os.fdopen(open_file(_mark_path(data_dir), os.O_RDONLY)) as file:
            return float(file.read())
    except (OSError, ValueError, CloudError):
        return None


def _mark_path(data_dir: Path) -> Path:
    return data_dir / "stuck"


def _write(message: str) -> None:
    """Write a line to standard error in the log's format."""
    moment = time.strftime("%Y-%m-%d %H:%M:%S")
    with contextlib.suppress(OSError):
        os.write(2, f"{moment},000 ERROR   {__name__}: {message}\n".encode())
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()

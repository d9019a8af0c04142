"""Servers under measurement: each is a separate process on a loopback port, stopped with its children at the end."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
READY_SECONDS = 90.0
GRACE = 10.0


class NotReadyError(Exception):
    """A server did not respond in time; the message ends with its log."""


def free_port() -> int:
    """Return a free loopback port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def environment(added: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment without proxies, since all measured servers are on loopback."""
    return {name: value for name, value in os.environ.items() if name not in PROXIES} | dict(added)


@contextmanager
def server(
    command: Sequence[str], folder: Path, port: int, added: Mapping[str, str] | None = None, ready: str = "/"
) -> Iterator[psutil.Process]:
    """Run a server in a folder until the block ends. It is ready when GET `ready` returns 200.

    Raises `NotReadyError`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "server.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment(added or {}), stdout=output, stderr=output, stdin=subprocess.DEVNULL
        )
    member = psutil.Process(process.pid)
    try:
        _await(process, port, ready, log)
        yield member
    finally:
        _end(member)
        process.wait()


def _await(process: subprocess.Popen[bytes], port: int, ready: str, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if answers(port, ready):
            return
        time.sleep(0.02)
    end = log.read_text(errors="replace")[-800:]
    raise NotReadyError(f"{process.args!r} did not answer GET {ready} within {READY_SECONDS:.0f} s: {end}")


def answers(port: int, path: str) -> bool:
    """Return True if GET `path` on a loopback port returns 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _end(process: psutil.Process) -> None:
    members = [process, *process.children(recursive=True)] if process.is_running() else []
    for member in members:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.terminate()
    _, alive = psutil.wait_procs(members, timeout=GRACE)
    for member in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()


def resident(process: psutil.Process) -> float:
    """Return the resident memory of a process and its descendants in megabytes; each counts shared pages."""
    total = 0
    for member in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            total += member.memory_info().rss
    return total / 1e6

"""A warm parent: a process that has the runtime client's modules and boto3 loaded, and forks execution environments.

Run by `warm_parent.py` as `python zygote.py LAUNCHER CONTROL`, with the environment that functions have in common.
It has one thread and no file open but CONTROL, a socket, on which it tells what it is and then gets sandboxes to
launch: each a JSON text as `launcher.py` takes it, with two descriptors, for the program's output and for the launcher
to tell its process id and the program's end. No code of a function ever runs in it. It ends with the cloud.

The runtime client itself is loaded in each fork: it reads its server's address when it is imported.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import runpy
import signal
import socket
import sys
from types import ModuleType
from typing import Any

RUNTIME = (
    "awslambdaric.lambda_config", "awslambdaric.lambda_context", "awslambdaric.lambda_runtime_exception",
    "awslambdaric.lambda_runtime_log_utils", "awslambdaric.lambda_runtime_marshaller", "traceback", "http.client",
)  # fmt: skip
"""What the runtime client imports but its connection: functions find it imported on every start."""
WARM = ("boto3.session", "botocore.client", "botocore.endpoint", "botocore.httpsession", "botocore.retries.standard")
"""What most functions import."""
MESSAGE_LIMIT = 1 << 20


def preload() -> set[str]:
    """Import everything; return the top-level names that a plain start would not have imported."""
    for name in RUNTIME:
        importlib.import_module(name)
    plain = set(sys.modules)
    for name in WARM:
        importlib.import_module(name)
    return {name.partition(".")[0] for name in set(sys.modules) - plain}


def installed(name: str) -> bool:
    """Tell whether an imported module is not of the standard library."""
    file = getattr(sys.modules[name], "__file__", None) or ""
    return "site-packages" in file or "dist-packages" in file


def load_launcher(path: str) -> ModuleType:
    """Import launcher.py from where it lies: another interpreter has no `scones`."""
    spec = importlib.util.spec_from_file_location("scones_launcher", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def serve(control: socket.socket, launcher: ModuleType) -> dict[str, Any]:
    """Launch what is asked for until the cloud hangs up; returns in a program's process alone, with its description."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps: launchers tell the cloud how they ended
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, MESSAGE_LIMIT, 2)
        if not message:
            os._exit(0)
        zygote = os.getpid()
        if not os.fork():
            control.close()
            spec: dict[str, Any] = {**json.loads(message), "parent": zygote}
            begin(spec, launcher, *descriptors)
            return spec
        for descriptor in descriptors:
            os.close(descriptor)


def begin(spec: dict[str, Any], launcher: ModuleType, output: int, report: int) -> None:
    """Be a launcher with the descriptors of one; returns in the program's process, with no others open."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, launcher.FORWARDED)
    os.setsid()
    os.write(report, os.getpid().to_bytes(4, "little"))
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)

    def end(status: int) -> None:
        os.write(report, status.to_bytes(4, "little"))
        os._exit(0)

    launcher.launch(spec, end)
    os.closerange(3, launcher.OPEN_LIMIT)


def become(spec: dict[str, Any]) -> None:
    """Run the program as its command would: Python with a script and its arguments."""
    os.environ.clear()
    os.environ.update(spec["env"])
    _, script, *arguments = spec["argv"]
    sys.argv = [script, *arguments]
    runpy.run_path(script, run_name="__main__")


def main() -> dict[str, Any]:
    """Load, tell what is loaded, and serve."""
    del sys.path[0]  # this file's folder, which no function has on its path
    launcher = load_launcher(sys.argv[1])
    launcher.die_with_parent(os.getppid())
    number = int(sys.argv[2])
    os.closerange(3, number)  # what the cloud's event loop left open
    os.closerange(number + 1, launcher.OPEN_LIMIT)
    control = socket.socket(fileno=number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    try:
        names = preload()
    except ImportError:  # an interpreter without boto3: its functions start each by itself
        os._exit(0)
    foreign = [name for name in names if name in sys.modules and installed(name)]
    gc.collect()
    gc.freeze()  # a collection in a fork leaves the shared pages alone
    try:
        control.send(json.dumps({"names": sorted(names), "foreign": foreign}).encode())
    except ConnectionError:  # the cloud has ended meanwhile
        os._exit(0)
    return serve(control, launcher)


if __name__ == "__main__":
    become(main())

"""A warm parent: a process that has loaded the runtime client's modules and boto3, and forks execution environments.

`warm_parent.py` runs it as `python warm_parent_process.py LAUNCHER CONTROL`, with the environment variables that all
functions have in common. It has one thread, and no open file except the standard streams and CONTROL, a socket. On this
socket it first sends the names of its loaded modules, then receives sandboxes to launch. Each is a JSON text in the
format of `launcher.py` with two descriptors: one for the program's output, and one on which the launcher reports its
process id and later how the program ended. No code of a function runs in the warm parent itself. It ends with the
cloud.

Each fork loads the runtime client itself, because the client reads its server's address when it is imported.
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
    "awslambdaric.lambda_config",
    "awslambdaric.lambda_context",
    "awslambdaric.lambda_runtime_exception",
    "awslambdaric.lambda_runtime_log_utils",
    "awslambdaric.lambda_runtime_marshaller",
    "traceback",
    "http.client",
)
"""Modules that the runtime client imports, except its connection; a start without a warm parent imports them too."""
WARM = ("boto3.session", "botocore.client", "botocore.endpoint", "botocore.httpsession", "botocore.retries.standard")
"""Modules that most functions import."""
MESSAGE_LIMIT = 1 << 20
Specification = dict[str, Any]
"""The description of a program and its sandbox: `launcher.Specification`, which this program cannot import."""


def preload() -> set[str]:
    """Import all modules; return the top-level names that a start without a warm parent would not have imported."""
    for name in RUNTIME:
        importlib.import_module(name)
    plain = set(sys.modules)
    for name in WARM:
        importlib.import_module(name)
    return {name.partition(".")[0] for name in set(sys.modules) - plain}


def installed(name: str) -> bool:
    """Return True if an imported module is an installed package, not part of the standard library."""
    file = getattr(sys.modules[name], "__file__", None) or ""
    return "site-packages" in file or "dist-packages" in file


def load_launcher(path: str) -> ModuleType:
    """Import launcher.py by its path, because another interpreter does not have `scones` installed."""
    spec = importlib.util.spec_from_file_location("scones_launcher", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def serve(control: socket.socket, launcher: ModuleType) -> Specification:
    """Launch sandboxes on request until the cloud closes the socket.

    Returns only in the process of a program, with the program's description.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps launchers: they report to the cloud
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, MESSAGE_LIMIT, 2)
        if not message:
            os._exit(0)
        parent = os.getpid()
        if not os.fork():
            control.close()
            spec: Specification = {**json.loads(message), "parent": parent}
            become_launcher(spec, launcher, *descriptors)
            return spec
        for descriptor in descriptors:
            os.close(descriptor)


def become_launcher(spec: Specification, launcher: ModuleType, output: int, report: int) -> None:
    """Become a launcher that uses `output` and `report`; return in the program's process with no other file open."""
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


def run_program(spec: Specification) -> None:
    """Run a program's script with its arguments, as its command would."""
    os.environ.clear()
    os.environ.update(spec["env"])
    _, script, *arguments = spec["argv"]
    sys.argv = [script, *arguments]
    runpy.run_path(script, run_name="__main__")


def main() -> Specification:
    """Load the modules, report their names, and serve."""
    del sys.path[0]  # this file's folder, which is not on any function's path
    launcher = load_launcher(sys.argv[1])
    launcher.die_with_parent(os.getppid())
    number = int(sys.argv[2])
    os.closerange(3, number)  # descriptors that the cloud's event loop left open
    os.closerange(number + 1, launcher.OPEN_LIMIT)
    control = socket.socket(fileno=number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    try:
        names = preload()
    except ImportError:  # an interpreter without boto3: its functions start without a warm parent
        os._exit(0)
    foreign = [name for name in names if name in sys.modules and installed(name)]
    gc.collect()
    gc.freeze()  # so that a collection in a fork does not write to shared pages
    try:
        control.send(json.dumps({"names": sorted(names), "foreign": foreign}).encode())
    except ConnectionError:  # the cloud has ended meanwhile
        os._exit(0)
    return serve(control, launcher)


if __name__ == "__main__":
    run_program(main())

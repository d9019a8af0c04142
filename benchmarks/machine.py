"""The machine of the measurements, and the versions of the software."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil

from benchmarks.clouds import MINISTACK, MOTO
from benchmarks.serving.frameworks import FRAMEWORKS

OURS = ("scones", "onnxruntime", "pillow", "uvicorn", "uvloop", "httptools", "boto3", "awscli", "torch")


def describe() -> dict[str, str]:
    """Return the properties of this machine that a reader needs."""
    return {
        "processor": _processor(),
        "CPUs that this process may use": str(len(os.sched_getaffinity(0))),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "load before the first measurement": f"{os.getloadavg()[0]:.2f}",
    }


def versions() -> dict[str, str]:
    """Return the versions of Scones, of the packages that determine its speed, and of the peers."""
    peers = [MINISTACK, MOTO, *(framework.peer for framework in FRAMEWORKS)]
    pinned = {
        name: rest
        for peer in peers
        for name, rest in (entry.split("==") for entry in peer.requirements if "==" in entry)
    }
    return {name: version(name) for name in OURS} | {name: pinned[name] for name in pinned if name not in OURS}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()

"""Fixtures that most tests use; the main one is a local cloud in a separate process."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
from botocore.config import Config

from scones.cloud.process import lifecycle
from scones.testing import LocalCloud
from support.order import longest_first
from support.scones_command import SconesCommand

SHARED = Path(__file__).resolve().parents[2] / "shared"
"""Real images, captures and recordings, if the checkout has them next to it."""


@pytest.hookimpl(trylast=True)  # after `-m` and `-k` have deselected tests
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if worker := getattr(config, "workerinput", None):
        items[:] = longest_first(items, worker["workercount"])


@dataclass(frozen=True)
class CloudUnderTest:
    """A running local cloud, and its clients."""

    local: LocalCloud

    @property
    def running(self) -> lifecycle.RunningCloud:
        return self.local.running

    @property
    def url(self) -> str:
        return self.local.url

    @property
    def data_dir(self) -> Path:
        return self.local.data_dir

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a shell that has evaluated `scones env`."""
        kept = {name: value for name, value in os.environ.items() if name not in lifecycle.CLEARED_VARIABLES}
        return kept | self.local.environment()

    def session(self) -> boto3.Session:
        return self.local.session()

    def client(self, service: str, **config: Any) -> Any:
        """Return a boto3 client; `config` goes to botocore's Config. No retries, so that errors show immediately."""
        settings = {"retries": {"total_max_attempts": 1}, **config}
        return self.local.client(service, config=Config(**settings))

    def run(self, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command in the cloud's environment, with this interpreter's scripts (aws, scones) first in PATH."""
        scripts = str(Path(sys.executable).parent)
        environment = self.environment | {"PATH": f"{scripts}:{os.environ['PATH']}"}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, **options)

    def kill(self) -> None:
        """Kill all the cloud's processes with SIGKILL, as in a crash."""
        process = psutil.Process(self.running.pid)
        tree = [process, *process.children(recursive=True)]
        for member in tree:  # most child processes end when the first is killed
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(tree, timeout=10)


StartCloud = Callable[..., CloudUnderTest]


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudUnderTest]:
    """Yield a local cloud that all tests of a worker share; use unique names in it, and leave it running."""
    data_dir = tmp_path_factory.mktemp("cloud")
    with LocalCloud(data_dir) as local:
        yield CloudUnderTest(local)
    _check_log(data_dir)


@pytest.fixture
def start_cloud(tmp_path: Path) -> Iterator[StartCloud]:
    """Yield a function that starts a cloud for this test; `start_cloud("other")` uses a second data folder."""
    started: set[Path] = set()
    with ExitStack() as clouds:

        def start(name: str = "data", **options: Any) -> CloudUnderTest:
            data_dir = tmp_path / name
            started.add(data_dir)
            return CloudUnderTest(clouds.enter_context(LocalCloud(data_dir, **options)))

        yield start
    for data_dir in started:
        _check_log(data_dir)


def _check_log(data_dir: Path) -> None:
    """Delete a data folder, and fail if the cloud logged a traceback."""
    log = data_dir / "cloud.log"
    text = log.read_text() if log.exists() else ""
    shutil.rmtree(data_dir, ignore_errors=True)
    assert "Traceback" not in text, f"the local cloud logged a failure:\n{text}"


@pytest.fixture(scope="session")
def archive() -> Path:
    """Return the path of the real images: 1,000 for training and 200 for testing, in CIFAR-100's archive format."""
    path = SHARED / "data" / "cifar-100-python.tar.gz"
    if not path.exists():
        pytest.skip("no real images next to this checkout (../shared/data/cifar-100-python.tar.gz)")
    return path


@pytest.fixture
def scones(tmp_path: Path) -> Iterator[SconesCommand]:
    """The `scones` command in a folder of the test; a cloud that it leaves running is stopped."""
    decoys = tmp_path / "decoys"
    decoys.mkdir()
    for name in ("aws", "docker"):  # a machine may have them or not: no test may run them
        (decoys / name).write_text("#!/bin/sh\nexit 97\n")
        (decoys / name).chmod(0o755)
    command = SconesCommand(tmp_path)
    yield command
    lifecycle.stop(command.data_dir)
    log = command.data_dir / "cloud.log"
    assert "Traceback" not in (log.read_text() if log.exists() else "")

"""Fixtures: a new job for each test, and one trained job that all tests share."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator

import pytest
import torch

from support.image_classification_jobs import Job, make


@pytest.fixture
def job(tmp_path) -> Job:
    return make(tmp_path / "ml")


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> tuple[Job, str]:
    """A finished job that tests only read, and its log; the first test worker trains it for all of them."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "trained"
    folder.mkdir(exist_ok=True)
    log = folder / "log"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not log.exists():
            done = make(folder / "ml", train=120).train(epochs="8", mini_batch_size="5", num_training_samples="120")
            assert done.returncode == 0, done.stdout + done.stderr
            log.write_text(done.stdout)
    return Job(folder / "ml"), log.read_text()


@pytest.fixture
def threads() -> Iterator[None]:
    """Make PyTorch use two threads, whatever the number of cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)

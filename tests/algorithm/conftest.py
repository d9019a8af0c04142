"""Jobs: one of a test's own, and one that a module shares once it is trained."""

from __future__ import annotations

import pytest
from jobs import Job, make


@pytest.fixture
def job(tmp_path) -> Job:
    return make(tmp_path / "ml")


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Job, str]:
    """A job that has run, and its log."""
    made = make(tmp_path_factory.mktemp("trained") / "ml", train=120)
    done = made.train(epochs="14", mini_batch_size="5", num_training_samples="120")
    assert done.returncode == 0, done.stdout + done.stderr
    return made, done.stdout

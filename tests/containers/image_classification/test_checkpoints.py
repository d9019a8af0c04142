"""Checkpoints: an interrupted job continues from its last one."""

from __future__ import annotations

import pytest

from support.image_classification_jobs import Job, make


def interrupted(job: Job, line: str, **parameters: str) -> None:
    """Start a job and kill it as soon as a line of its log contains `line`."""
    job.configure(**parameters)
    with job.start() as process:
        assert process.stdout
        found = any(line in each for each in process.stdout)
        process.kill()
    assert found


@pytest.mark.parametrize("parameters", [{}, {"early_stopping": "True"}, {"optimizer": "adam", "learning_rate": "0.01"}])
def test_a_killed_job_resumes_and_ends_with_the_same_model(tmp_path, parameters):
    whole, cut = make(tmp_path / "whole"), make(tmp_path / "cut")
    assert whole.train(epochs="4", **parameters).returncode == 0
    (cut.base / "checkpoints").mkdir()
    interrupted(cut, "Epoch[2] Train-accuracy", epochs="4", **parameters)
    done = cut.train(epochs="4", **parameters)
    assert "Resuming after epoch 1 from a checkpoint" in done.stdout
    assert "Epoch[1] " not in done.stdout
    assert (cut.model / "model.onnx").read_bytes() == (whole.model / "model.onnx").read_bytes()


def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(tmp_path):
    job = make(tmp_path / "ml")
    folder = job.base / "checkpoints"
    folder.mkdir()
    assert job.train(epochs="3").returncode == 0
    kept = (job.model / "model.onnx").read_bytes()
    (folder / "latest.pt").write_bytes((folder / "latest.pt").read_bytes()[:5000])
    done = job.train(epochs="3")
    assert "The checkpoint latest.pt cannot be read and is ignored" in done.stdout
    assert "Resuming after epoch 1 from a checkpoint" in done.stdout
    assert (job.model / "model.onnx").read_bytes() == kept


def test_the_checkpoints_of_another_job_are_left_out(tmp_path):
    job = make(tmp_path / "ml")
    (job.base / "checkpoints").mkdir()
    assert job.train(epochs="2").returncode == 0
    done = job.train(epochs="2", mini_batch_size="10")
    assert "The checkpoint latest.pt belongs to another job" in done.stdout
    assert "Epoch[0] Train-accuracy" in done.stdout


def test_checkpoints_are_written_at_the_requested_frequency(tmp_path):
    job = make(tmp_path / "ml")
    (job.base / "checkpoints").mkdir()
    interrupted(job, "Epoch[2] Train-accuracy", epochs="4", checkpoint_frequency="2")
    assert [path.name for path in (job.base / "checkpoints").iterdir()] == ["latest.pt"]


def test_a_checkpoint_frequency_without_a_checkpoint_config_is_reported(job):
    assert (
        "checkpoint_frequency has no effect without a CheckpointConfig." in job.train(checkpoint_frequency="1").stdout
    )

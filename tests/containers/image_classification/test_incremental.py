"""Incremental training, which starts from an earlier job's model."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from support.image_classification_jobs import Job, make, needs_weights

HARDLY = {"epochs": "1", "optimizer": "sgd", "learning_rate": "1e-9", "use_pretrained_model": "0"}
"""Hyperparameters with which training changes the weights hardly at all, so that the result shows the start."""


def weights(model: Path) -> dict[str, np.ndarray]:
    return {value.name: numpy_helper.to_array(value) for value in onnx.load(model).graph.initializer}


def give(job: Job, content: Path, name: str = "model.onnx") -> None:
    """Put an archive that contains the file `content` into the channel `model`."""
    channel = job.base / "input" / "data" / "model"
    channel.mkdir()
    with tarfile.open(channel / "model.tar.gz", "w:gz") as archive:
        archive.add(content, name)


@pytest.mark.parametrize("pretrained", ["0", pytest.param("1", marks=needs_weights)])
def test_training_begins_from_the_model_of_an_earlier_job(tmp_path, pretrained):
    first, second = make(tmp_path / "first"), make(tmp_path / "second")
    first.train(use_pretrained_model=pretrained, epochs="1")
    give(second, first.model / "model.onnx")
    done = second.train(**HARDLY)
    assert "Starting from the model in the channel model." in done.stdout
    before, after = (weights(job.model / "model.onnx") for job in (first, second))
    assert np.abs(before["head.weight"]).max() > 0.001
    np.testing.assert_allclose(before["head.weight"], after["head.weight"], atol=1e-5)


def test_a_model_of_other_classes_is_rejected(trained, job):
    give(job, trained[0].model / "model.onnx")
    assert job.train(num_classes="3").returncode == 2
    assert job.failure == "The model in the channel model has 2 classes: set num_classes to 2."


@pytest.mark.parametrize("name", ["model.onnx", "other.bin"])
def test_a_model_of_another_algorithm_is_rejected(tmp_path, name):
    job = make(tmp_path / "ml")
    (tmp_path / "file").write_bytes(b"no model at all")
    give(job, tmp_path / "file", name)
    assert job.train().returncode == 2
    assert job.failure.startswith(
        "The channel model does not contain a model of this algorithm: specify the S3 URI of a job's model"
    )


def test_the_model_of_another_network_is_rejected(tmp_path):
    job = make(tmp_path / "ml")
    nothing = onnx.helper.make_model(onnx.helper.make_graph([], "nothing", [], []))
    onnx.save(nothing, tmp_path / "other.onnx")
    give(job, tmp_path / "other.onnx")
    assert job.train().returncode == 2
    assert "was not made by this algorithm: it has no " in job.failure

"""Distributed training: several instances train one model in step, each with its part of the images."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from support.image_classification_jobs import Job, draw_image, make

HOSTS = ["127.0.0.1", "127.0.0.2"]


@pytest.fixture
def port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def instance(base: Path, host: str, **parameters: str) -> Job:
    """Create the folders of one of two instances, with all images."""
    job = make(base)
    job.configure(**parameters)
    config = {"hosts": HOSTS, "current_host": host}
    (base / "input" / "config" / "resourceconfig.json").write_text(json.dumps(config))
    return job


@pytest.mark.slow
def test_two_instances_train_one_model(tmp_path, port):
    first, second = (instance(tmp_path / host, host, epochs="24", mini_batch_size="5") for host in HOSTS)
    processes = [job.start(MASTER_PORT=port) for job in (first, second)]
    logs = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], logs
    assert "Epoch[23] Validation-accuracy" in logs[0]
    assert "Epoch[23]" not in logs[1]
    assert "The first instance stores the model." in logs[1]
    assert not (second.model / "model.onnx").exists()
    session = onnxruntime.InferenceSession(first.model / "model.onnx", providers=["CPUExecutionProvider"])
    pixels = np.stack([np.asarray(draw_image(index % 2, 7000 + index)) for index in range(20)])
    (answers,) = session.run(None, {"pictures": pixels})
    assert (answers.argmax(1) == np.arange(20) % 2).mean() >= 0.9


@pytest.mark.slow
def test_the_failure_of_an_instance_ends_the_others_with_a_reason(tmp_path, port):
    first, second = (instance(tmp_path / host, host, epochs="500", mini_batch_size="5") for host in HOSTS)
    leader, other = first.start(MASTER_PORT=port), second.start(MASTER_PORT=port)
    assert leader.stdout
    assert any("Epoch[1] Train-accuracy" in line for line in leader.stdout)
    other.kill()
    other.communicate()
    leader.communicate(timeout=60)
    assert leader.returncode == 1
    assert first.failure.startswith("Another instance of this job ended prematurely")


@pytest.mark.slow
def test_a_stop_that_reaches_one_instance_stops_all_and_keeps_the_model(tmp_path, port):
    first, second = (instance(tmp_path / host, host, epochs="500", mini_batch_size="5") for host in HOSTS)
    leader, other = first.start(MASTER_PORT=port), second.start(MASTER_PORT=port)
    assert leader.stdout
    assert any("Epoch[1] Train-accuracy" in line for line in leader.stdout)
    other.send_signal(signal.SIGTERM)
    log, _ = leader.communicate(timeout=60)
    other.communicate(timeout=60)
    assert "Stopping: keeping the current model." in log
    assert (leader.returncode, other.returncode) == (0, 0)
    assert (first.model / "model.onnx").exists()

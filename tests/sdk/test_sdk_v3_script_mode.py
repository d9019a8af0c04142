"""ModelTrainer and ModelBuilder of SageMaker SDK v3 with users' scripts."""

from __future__ import annotations

from typing import Any

import pytest

from scones.cloud.process.sandbox import isolation


@pytest.mark.slow
@pytest.mark.skipif(isolation() is not None, reason="scripts that write to /opt/ml need namespaces")
def test_a_model_trainer_runs_torchrun_on_two_instances_and_a_model_builder_serves(
    cloud: Any, run_program: Any
) -> None:
    ran = run_program(cloud, "v3", "model_trainer_v3.py")
    assert "epochs=3 rows=2 rank=0 of 2" in ran.output
    assert "epochs=3 rows=2 rank=1 of 2" in ran.output
    assert ran.results == {"training job": "Completed", "answer": {"rows": 2, "given": [1, 2]}}


@pytest.mark.slow
@pytest.mark.skipif(isolation() is not None, reason="the SDK's programs read /opt/ml")
def test_a_remote_function_runs_as_a_training_job(cloud: Any, run_program: Any) -> None:
    ran = run_program(cloud, "v3", "remote_function_v3.py")
    assert ran.results == {"remote function": [[1.5, 2.0], "divided"]}

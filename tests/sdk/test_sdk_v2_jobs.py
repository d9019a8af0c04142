"""Processors, a tuner and the model registry of SageMaker SDK v2."""

from __future__ import annotations

from typing import Any

import pytest

from scones.cloud.process.sandbox import isolation

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(isolation() is not None, reason="scripts that write to /opt/ml need namespaces"),
]


def test_processors_run_scripts_concurrently_and_report_failures(cloud: Any, run_program: Any) -> None:
    ran = run_program(cloud, "v2", "processing_v2.py")
    assert "80 rows to train with, 20 to test with" in ran.output
    assert (ran.results["train_data"], ran.results["test_data"]) == (80, 20)
    assert ran.results["evaluation"] == {"answer": 42, "variable": "test"}
    status, message = ran.results["failure"]
    assert status == "Failed"
    assert "exit code: 3" in message


def test_a_tuner_finds_the_best_of_a_scripts_runs_and_its_model_serves_and_transforms(
    cloud: Any, run_program: Any
) -> None:
    results = run_program(cloud, "v2", "tuning_v2.py").results
    columns, rows = results["table"]
    assert rows == 3
    assert {"FinalObjectiveValue", "TrainingJobName", "TrainingJobStatus", "depth", "kind", "rate"} <= set(columns)
    best, value, rate = results["top"]
    assert value == pytest.approx(rate + 0.2, abs=0.001)  # the script's last score
    assert results["best"] == best
    kinds = ["CategoricalParameterRanges", "ContinuousParameterRanges", "IntegerParameterRanges"]
    assert results["attached"] == [best, kinds]
    assert results["ranges"] == ["depth", "kind", "rate"]
    columns, scores = results["metrics"]
    assert columns == ["timestamp", "metric_name", "value"]
    assert scores
    assert rate - 0.001 <= min(scores) <= max(scores) <= rate + 0.201
    sums = [3, 7, 11, 15]
    assert results["predicted"] == pytest.approx([rate * each for each in sums[:2]])
    assert results["transformed"] == pytest.approx([rate * each for each in sums])


def test_a_registered_model_is_approved_deployed_and_captured(cloud: Any, run_program: Any) -> None:
    assert run_program(cloud, "v2", "registry_v2.py").results == {
        "registered": ["factors/1", "factors/2"],
        "group": ["Factors", "Completed"],
        "package": ["Approved", {"factor": "3", "owner": "tests"}],
        "approved": "factors/2",
        "prediction": [3, 6],
        "captured": ["[1, 2]", "[3, 6]"],
        "sampling percentage": 50,
        "updated": ["InService", [15]],
        "image": "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:1.7-1",
    }

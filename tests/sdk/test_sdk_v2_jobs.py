"""Processors, a tuner and the model registry of SageMaker SDK v2."""

from __future__ import annotations

from typing import Any

import pytest

from scones.cloud.process.sandbox import isolation

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(isolation() is not None, reason="scripts that write to /opt/ml need namespaces"),
]


def test_processors_run_scripts_at_the_same_time_and_tell_of_failures(cloud: Any, run_program: Any) -> None:
    told = run_program(cloud, "v2", "processing_v2.py")
    assert "80 rows to train with, 20 to test with" in told
    assert "SPLIT train_data 80" in told
    assert "SPLIT test_data 20" in told
    assert "EVALUATED {'answer': 42, 'variable': 'test'}" in told
    assert "REFUSED Failed True" in told


def test_a_tuner_finds_the_best_of_a_scripts_runs_and_its_model_serves_and_transforms(
    cloud: Any, run_program: Any
) -> None:
    told = run_program(cloud, "v2", "tuning_v2.py")
    assert "'TrainingJobStatus', 'TrainingStartTime', 'depth', 'kind', 'rate'] 3" in told
    assert "BEST True True" in told
    kinds = "['CategoricalParameterRanges', 'ContinuousParameterRanges', 'IntegerParameterRanges']"
    assert f"ATTACHED True {kinds}" in told
    assert "RANGES ['depth', 'kind', 'rate']" in told
    assert "METRICS ['timestamp', 'metric_name', 'value'] True" in told
    assert "PREDICTED True" in told
    assert "TRANSFORMED True" in told


def test_a_registered_model_is_approved_deployed_and_captured(cloud: Any, run_program: Any) -> None:
    told = run_program(cloud, "v2", "registry_v2.py")
    assert "REGISTERED ['factors/1', 'factors/2']" in told
    assert "GROUP Factors Completed" in told
    assert "PACKAGE Approved {'factor': '3', 'owner': 'tests'}" in told
    assert "APPROVED True" in told
    assert "PREDICTED [3, 6]" in told
    assert "CAPTURED [1, 2] [3, 6]" in told
    assert "CAPTURES 50" in told
    assert "UPDATED InService [15]" in told
    assert "IMAGE 141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:1.7-1" in told

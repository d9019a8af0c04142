"""Exercises of the course's lessons, with SageMaker SDK v2 against the local cloud."""

from __future__ import annotations

from typing import Any

import pytest

from scones.cloud.process.sandbox import isolation

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(isolation() is not None, reason="scripts that write to /opt/ml need namespaces"),
]


def test_a_state_machine_runs_a_processing_job_and_a_function_reads_its_output(cloud: Any, run_program: Any) -> None:
    ran = run_program(cloud, "v2", "lesson_workflow_v2.py")
    assert ran.results == {
        "execution": ["SUCCEEDED", '{"statusCode":200,"sentences":3}'],
        "processing job": "Completed",
    }


def test_xgboost_transforms_and_blazingtext_serves(cloud: Any, run_program: Any) -> None:
    pytest.importorskip("xgboost", reason="the package behind AWS's XGBoost image is not installed")
    pytest.importorskip("floret", reason="the package that trains in BlazingText's place is not installed")
    results = run_program(cloud, "v2", "lesson_algorithms_v2.py").results
    assert results["transformed rows"] == 50
    assert results["mean error"] < 1  # prices are between 16 and 30
    assert results["reviews"] == [["__label__1"], ["__label__2"]]

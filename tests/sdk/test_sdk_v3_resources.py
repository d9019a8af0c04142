"""Resource objects and classes of SageMaker SDK v3."""

from __future__ import annotations

from typing import Any

import pytest

from scones.cloud.process.sandbox import isolation


@pytest.mark.slow
@pytest.mark.skipif(isolation() is not None, reason="scripts that write to /opt/ml need namespaces")
def test_resources_are_created_waited_for_listed_and_deleted(cloud: Any, run_program: Any) -> None:
    results = run_program(cloud, "v3", "resources_v3.py").results
    assert results.pop("deleted endpoint").startswith("Could not find endpoint")
    assert results == {
        "trained": ["Completed", "model.tar.gz"],
        "listed": ["resources-v3-train"],
        "processed": ["Completed", "made"],
        "transformed": ["Completed", ["2.0", "4.0", "6.0"]],
        "answer": [["8.0", "10.0"], "text/csv"],
        "registered": "Approved",
        "groups left": [],
    }


@pytest.mark.slow
@pytest.mark.skipif(isolation() is not None, reason="scripts that write to /opt/ml need namespaces")
def test_sdk_v3_classes_for_training_processing_tuning_and_the_registry_work(cloud: Any, run_program: Any) -> None:
    results = run_program(cloud, "v3", "classes_v3.py").results
    best, value = results.pop("best")
    assert results.pop("best by the tuner") == best
    assert 0.1 <= value <= 0.9
    assert results == {
        "built-in": ["Completed", ["train:accuracy", "validation:accuracy"]],
        "script processor": "script 3",
        "framework processor": "framework 3",
        "tuning": ["Completed", 2],
        "registered": "Approved",
        "transformed": [10.0, 20.0, 30.0],
    }

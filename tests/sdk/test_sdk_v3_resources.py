"""Resource objects and classes of SageMaker SDK v3."""

from __future__ import annotations

from typing import Any

import pytest

from scones.cloud.process.sandbox import isolation


@pytest.mark.slow
@pytest.mark.skipif(isolation() is not None, reason="scripts that write to /opt/ml need namespaces")
def test_resources_are_created_waited_for_listed_and_deleted(cloud: Any, run_program: Any) -> None:
    told = run_program(cloud, "v3", "resources_v3.py")
    assert "TRAINED Completed True" in told
    assert "LISTED ['resources-v3-train']" in told
    assert "PROCESSED Completed made" in told
    assert "TRANSFORMED Completed ['2.0', '4.0', '6.0']" in told
    assert "ANSWERED ['8.0', '10.0'] text/csv" in told
    assert "GONE True" in told
    assert "REGISTERED Approved" in told
    assert "LEFT []" in told


@pytest.mark.slow
@pytest.mark.skipif(isolation() is not None, reason="scripts that write to /opt/ml need namespaces")
def test_the_built_in_algorithm_processors_a_tuner_and_the_registry_work_by_their_classes(
    cloud: Any, run_program: Any
) -> None:
    told = run_program(cloud, "v3", "classes_v3.py")
    assert "BUILTIN Completed ['train:accuracy', 'validation:accuracy']" in told
    assert "PROCESSED script 3" in told
    assert "PROCESSED framework 3" in told
    assert "TUNED Completed 2" in told
    assert "BEST True True" in told
    assert "REGISTERED Approved" in told
    assert "TRANSFORMED [10.0, 20.0, 30.0]" in told

from __future__ import annotations

from typing import Any

import pytest

from scones.cloud.sandbox import isolation

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(isolation() is not None, reason="scripts that write to /opt/ml need namespaces"),
]


def test_a_lessons_state_machine_processes_reviews_and_a_function_counts_them(cloud: Any, run_program: Any) -> None:
    told = run_program(cloud, "v2", "lesson_workflow_v2.py")
    assert 'EXECUTION SUCCEEDED {"statusCode":200,"sentences":3}' in told
    assert "JOB Completed" in told

from __future__ import annotations

from typing import Any

import pytest

from scones.cloud.sandbox import isolation


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

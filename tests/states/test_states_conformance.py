"""Executions and answers recorded on AWS, replayed against the local cloud with the recordings' own comparer.

L1 is status and error name, L2 output and cause (or the whole answer), L3 the full history. `REACHED` holds what has
been reached per area: fewer is a regression. Areas that need services or features that are not there yet have none.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "conformance"
KINDS = ("execution", "api", "create_error", "validate", "test_state")

REACHED: dict[tuple[str, str], tuple[int, int, int]] = {
    ("assign", "execution"): (21, 21, 20),
    ("base", "execution"): (17, 17, 17),
    ("choice_operators", "execution"): (342, 342, 342),
    ("comments", "execution"): (1, 1, 1),
    ("context_object", "execution"): (3, 3, 3),
    ("credentials", "create_error"): (2, 2, 2),
    ("error_handling/states_errors", "execution"): (4, 4, 4),
    ("error_handling/task_lambda", "execution"): (5, 5, 5),
    ("error_handling/task_service_lambda", "execution"): (6, 6, 6),
    ("evaluate_jsonata", "execution"): (12, 12, 12),
    ("intrinsic_functions", "execution"): (117, 117, 117),
    ("logs", "execution"): (6, 6, 6),
    ("outputdecl", "execution"): (15, 15, 15),
    ("query_language", "execution"): (6, 6, 6),
    ("scenarios", "create_error"): (8, 8, 8),
    ("scenarios", "execution"): (75, 73, 55),
    ("services/lambda_task", "execution"): (9, 9, 9),
    ("services/lambda_task_service", "execution"): (9, 9, 9),
    ("sfn_api", "api"): (48, 47, 47),
    ("sfn_api", "create_error"): (2, 2, 2),
    ("sfn_api", "execution"): (3, 3, 3),
    ("sfn_api_express", "create_error"): (2, 2, 2),
    ("sfn_api_logs", "api"): (11, 11, 11),
    ("sfn_api_logs", "create_error"): (1, 1, 1),
    ("sfn_api_map_run", "api"): (1, 1, 1),
    ("sfn_api_map_run", "create_error"): (2, 0, 0),
    ("sfn_api_tagging", "api"): (39, 39, 39),
    ("sfn_api_validation", "validate"): (8, 8, 8),
    ("sfn_api_versioning", "api"): (45, 43, 43),
    ("states_variables", "execution"): (7, 7, 7),
    ("test_state", "test_state"): (141, 141, 141),
    ("timeouts", "execution"): (2, 2, 2),
}


@pytest.mark.slow
def test_recorded_cases(start_cloud, tmp_path, record_property):
    if not RECORDINGS.exists():
        pytest.skip("the recordings are not beside this checkout")
    out = tmp_path / "results.jsonl"
    areas = "|".join(sorted({area for area, _ in REACHED}))
    command = [sys.executable, RECORDINGS / "compare.py", RECORDINGS / "cases.jsonl", "--out", out, "--jobs", "2"]
    cloud = start_cloud()
    subprocess.run(
        [*command, "--areas", f"^({areas})$", "--kinds", ",".join(KINDS), "--timeout", "20"],
        env=cloud.environment, check=True, capture_output=True, timeout=280,
    )  # fmt: skip
    reached: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for line in out.read_text().splitlines():
        result = json.loads(line)
        counts = reached[result["area"], result["kind"]]
        for index, level in enumerate(("L1", "L2", "L3")):
            counts[index] += result[level]
    record_property("reached", {f"{area} [{kind}]": counts for (area, kind), counts in reached.items()})
    fewer = {
        area: {"reached": reached[area], "before": before}
        for area, before in REACHED.items()
        if any(now < then for now, then in zip(reached[area], before, strict=True))
    }
    assert fewer == {}

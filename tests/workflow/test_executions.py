"""Executions, counted by result: passed, stopped by the confidence gate, or failed."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from scones.workflow.executions import Executions, execute
from scones.workflow.observer import silent
from scones.workflow.target import Target

ROLE = "arn:aws:iam::111122223333:role/states"
DEFINITION = {
    "StartAt": "Look",
    "States": {
        "Look": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.s3_key", "StringMatches": "pass*", "Next": "Pass"},
                {"Variable": "$.s3_key", "StringMatches": "gate*", "Next": "Score"},
            ],
            "Default": "Break",
        },
        "Pass": {"Type": "Pass", "Result": {"inferences": [0.97, 0.03]}, "End": True},
        "Score": {"Type": "Pass", "Result": {"inferences": [0.4, 0.6]}, "Next": "FilterInferences"},
        "FilterInferences": {"Type": "Fail", "Error": "ThresholdConfidenceNotMet", "Cause": "too low"},
        "Break": {"Type": "Fail", "Error": "Broken", "Cause": "it broke"},
    },
}


@pytest.fixture
def ended(cloud: Any) -> Executions:
    local_target = Target(cloud.session(), cloud.url)
    machine = local_target.client("stepfunctions").create_state_machine(
        name=f"machine-{uuid.uuid4().hex}", definition=json.dumps(DEFINITION), roleArn=ROLE
    )["stateMachineArn"]
    keys = ["pass-1", "gate-1", "break-1", "pass-2", "gate-2"]
    return execute(local_target, machine, "bucket", keys, concurrency=3, progress=silent)


def test_each_execution_keeps_its_image_key_and_its_prediction(ended: Executions) -> None:
    assert [execution.image_key for execution in ended.ended] == ["pass-1", "gate-1", "break-1", "pass-2", "gate-2"]
    assert ended.ended[0].inferences == (0.97, 0.03)
    assert ended.ended[1].inferences == (0.4, 0.6)
    assert ended.ended[2].inferences == ()


def test_succeeded_gated_and_failed_executions_are_counted_separately(ended: Executions) -> None:
    assert (ended.succeeded, ended.gated, len(ended.failed)) == (2, 2, 1)
    assert ended.errors == {"FilterInferences": {"ThresholdConfidenceNotMet": 2}, "Break": {"Broken": 1}}
    assert ended.invocations == 4
    assert ended.failed[0].cause == "it broke"


def test_percentiles_are_durations_that_occurred(ended: Executions) -> None:
    durations = sorted(execution.milliseconds for execution in ended.ended)
    assert ended.percentile(0.5) == durations[2]
    assert ended.percentile(0.95) == durations[4]
    assert Executions(()).percentile(0.5) is None

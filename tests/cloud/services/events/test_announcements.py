"""Status changes of executions as EventBridge events."""

from __future__ import annotations

import json
import uuid
from typing import Any

ROLE = "arn:aws:iam::111122223333:role/workflow"


def test_the_status_changes_of_executions_are_announced(cloud: Any, make_queue: Any) -> None:
    events, sfn, queue = cloud.client("events"), cloud.client("stepfunctions"), make_queue()
    name = f"m-{uuid.uuid4().hex[:12]}"
    definition = {"StartAt": "No", "States": {"No": {"Type": "Fail", "Error": "Broken", "Cause": "It broke."}}}
    machine = sfn.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)["stateMachineArn"]
    pattern = {"source": ["aws.states"], "detail": {"stateMachineArn": [machine]}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": queue.arn}])
    execution = sfn.start_execution(stateMachineArn=machine, input='{"n": 1}')["executionArn"]
    reported = {event["detail"]["status"]: event for event in map(json.loads, queue.bodies(2))}
    assert set(reported) == {"RUNNING", "FAILED"}
    assert reported["RUNNING"]["detail-type"] == "Step Functions Execution Status Change"
    assert reported["RUNNING"]["resources"] == [execution]
    assert reported["RUNNING"]["detail"]["redriveStatusReason"] == "Execution is RUNNING and cannot be redriven"
    assert "redriveStatusReason" not in reported["FAILED"]["detail"]
    detail = reported["FAILED"]["detail"]
    assert (detail["error"], detail["cause"], detail["input"]) == ("Broken", "It broke.", '{"n": 1}')
    described = sfn.describe_execution(executionArn=execution)
    assert detail["stopDate"] == round(described["stopDate"].timestamp() * 1000)

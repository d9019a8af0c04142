"""Page tokens that no list operation returned: every service rejects them with its own error code."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

TOKENS = ["x", "MTA", "LTE=", "²", "9" * 5000, "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "/w==", "ICAx"]


def refusal(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return str(caught.value.response["Error"]["Code"])


@pytest.mark.parametrize("token", TOKENS)
def test_an_invented_pagination_token_is_rejected(cloud: Any, token: str) -> None:
    client = cloud.client
    validated = {"parameter_validation": False}
    calls = [
        (client("cloudwatch").describe_alarm_history, "NextToken", "InvalidParameterValue"),
        (client("cloudwatch").describe_alarms, "NextToken", "InvalidParameterValue"),
        (client("cloudwatch").list_metrics, "NextToken", "InvalidParameterValue"),
        (client("events", **validated).list_archives, "NextToken", "ValidationException"),
        (client("events", **validated).list_replays, "NextToken", "ValidationException"),
        (client("events", **validated).list_rules, "NextToken", "ValidationException"),
        (client("iam", **validated).list_roles, "Marker", "ValidationError"),
        (client("iam", **validated).list_users, "Marker", "ValidationError"),
        (client("lambda").list_functions, "Marker", "InvalidParameterValueException"),
        (client("scheduler", **validated).list_schedules, "NextToken", "ValidationException"),
        (client("sns").list_topics, "NextToken", "InvalidParameter"),
        (client("sagemaker", **validated).list_training_jobs, "NextToken", "ValidationException"),
        (client("stepfunctions", **validated).list_activities, "nextToken", ("InvalidToken", "ValidationException")),
    ]
    for call, member, code in calls:
        given = refusal(call, **{member: token})
        assert given in (code if isinstance(code, tuple) else (code,)), (call, given)


@pytest.mark.parametrize("token", ["x", "MTA", "²", "/w==", "9" * 5000])
def test_a_token_that_is_not_a_name_is_rejected(cloud: Any, token: str) -> None:
    logs = cloud.client("logs", parameter_validation=False)
    calls = (logs.describe_log_groups, logs.describe_metric_filters, logs.describe_queries)
    for call in (*calls, logs.describe_query_definitions, logs.describe_resource_policies):
        assert refusal(call, nextToken=token) == "InvalidParameterException", call


def token_of(key: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


@pytest.mark.parametrize(
    "key", [10, [1], [1, 2], [None, "a"], [{"a": 1}, "b"], ["a", 10**30], ["\ud800", "a"], {"a": 1, "b": 2}]
)
def test_a_token_with_another_key_is_rejected(cloud: Any, key: Any) -> None:
    assert refusal(cloud.client("sagemaker").list_models, NextToken=token_of(key)) == "ValidationException"


def test_a_token_with_a_number_that_the_database_cannot_hold_is_rejected(cloud: Any) -> None:
    search = cloud.client("sagemaker").search
    assert refusal(search, Resource="TrainingJob", NextToken=token_of([2**63])) == "ValidationException"


def test_a_position_after_the_last_event_is_rejected(cloud: Any) -> None:
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="page-tokens")
    logs.create_log_stream(logGroupName="page-tokens", logStreamName="a")
    for token in ("f/" + "9" * 40, "b/" + "0" * 21 + "9" * 19, "f/" + "٣" * 40):
        call = logs.get_log_events
        assert refusal(call, logGroupName="page-tokens", logStreamName="a", nextToken=token) == (
            "InvalidParameterException"
        )

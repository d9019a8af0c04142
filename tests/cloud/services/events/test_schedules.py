"""Schedule expressions and scheduled rules of EventBridge."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from scones.cloud.services.events.rule_records import Rule
from scones.cloud.services.events.schedule import parse_schedule
from scones.cloud.services.events.scheduler import next_time


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("rate(5 minutes)", "2024-01-01T00:07:00", "2024-01-01T00:10:00"),
        ("rate(1 day)", "2024-01-01T00:00:00", "2024-01-02T00:00:00"),
        ("cron(0 12 * * ? *)", "2024-01-01T12:00:00", "2024-01-02T12:00:00"),
        ("cron(0/15 8-10 ? * MON-FRI *)", "2024-01-05T10:45:00", "2024-01-08T08:00:00"),
        ("cron(30 6 L * ? *)", "2024-02-01T00:00:00", "2024-02-29T06:30:00"),
        ("cron(0 9 15W * ? 2024)", "2024-06-01T00:00:00", "2024-06-14T09:00:00"),
        ("cron(0 0 ? * 6#3 *)", "2024-03-01T00:00:00", "2024-03-15T00:00:00"),
        ("cron(0 0 ? * FRIL *)", "2024-03-01T00:00:00", "2024-03-29T00:00:00"),
        ("cron(0 0 29 FEB ? *)", "2024-03-01T00:00:00", "2028-02-29T00:00:00"),
        ("cron(0 0 1 1 ? 2020)", "2024-03-01T00:00:00", None),
    ],
)
def test_next_time(expression: str, after: str, expected: str | None) -> None:
    found = parse_schedule(expression).next(at(after), at("2024-01-01T00:00:00"))
    assert found == (at(expected) if expected else None)


@pytest.mark.parametrize(
    "expression",
    [
        "rate(1 minutes)",
        "rate(5 minute)",
        "rate(0 days)",
        "cron(0 12 * * * *)",
        "cron(60 12 * * ? *)",
        "hourly",
        "cron(0 0 31 2 ? *)",
        "cron(0 0 30 FEB ? 2199)",
        "rate(" + "9" * 200 + " days)",
        "rate(\u0665 hours)",
        "cron(\u0661 * * * ? *)",
        "cron(0/\u00b2 * * * ? *)",
        "cron(0 0 \u0661W * ? *)",
        "cron(0 0 ? * \u0665#\u0661 *)",
        "cron(0 +1 * * ? *)",
    ],
)
def test_invalid_schedule_expressions_are_rejected(cloud: Any, expression: str) -> None:
    with pytest.raises(ClientError) as caught:
        cloud.client("events").put_rule(Name="refused", ScheduleExpression=expression)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert caught.value.response["Error"]["Message"] == "Parameter ScheduleExpression is not valid."


@pytest.mark.slow
def test_a_rule_fires_at_its_time(cloud: Any, make_queue: Any) -> None:
    events, queue = cloud.client("events"), make_queue()
    arn = events.put_rule(Name="every-minute", ScheduleExpression="cron(* * * * ? *)")["RuleArn"]
    events.put_targets(Rule="every-minute", Targets=[{"Id": "q", "Arn": queue.arn, "InputPath": "$.resources[0]"}])
    sqs = cloud.client("sqs")
    found: list[Any] = []
    for _ in range(5):
        found = found or sqs.receive_message(QueueUrl=queue.url, WaitTimeSeconds=20).get("Messages", [])
    events.disable_rule(Name="every-minute")
    assert [message["Body"] for message in found] == [f'"{arn}"']


def test_a_rule_that_was_put_before_its_schedule_was_refused_never_fires() -> None:
    rules = [
        Rule("default", name, None, schedule, "ENABLED", {}, {}, 0.0)
        for name, schedule in (
            ("old", "cron(0 0 31 2 ? *)"),
            ("endless", f"rate({'9' * 200} days)"),
            ("good", "rate(1 day)"),
        )
    ]
    assert [next_time(rule, 0.0) for rule in rules] == [None, None, 86_400.0]

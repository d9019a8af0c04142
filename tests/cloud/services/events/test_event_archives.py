"""Archives keep the events of a bus, and replays send them again."""

from __future__ import annotations

import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def ended(events: Any, name: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while (replay := events.describe_replay(ReplayName=name))["State"] in ("STARTING", "RUNNING", "CANCELLING"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return dict(replay)


def period() -> dict[str, datetime]:
    now = datetime.now(UTC)
    return {"EventStartTime": now - timedelta(minutes=1), "EventEndTime": now + timedelta(minutes=5)}


@pytest.fixture
def bus(cloud: Any) -> Any:
    name = f"bus-{uuid.uuid4().hex[:8]}"
    return name, cloud.client("events").create_event_bus(Name=name)["EventBusArn"]


def test_archived_events_are_replayed_to_the_rules_of_the_bus(cloud: Any, bus: Any, make_queue: Any) -> None:
    events, queue, second, (name, arn) = cloud.client("events"), make_queue(), make_queue(), bus
    pattern = {"source": ["shop"], "detail": {"n": [{"numeric": [">", 1]}]}}
    created = events.create_archive(
        ArchiveName=f"a-{name}", EventSourceArn=arn, EventPattern=json.dumps(pattern), RetentionDays=1
    )
    rule = events.put_rule(Name="all", EventBusName=name, EventPattern='{"source": ["shop"]}')["RuleArn"]
    events.put_rule(Name="other", EventBusName=name, EventPattern='{"source": ["shop"]}')
    for each, target in (("all", queue), ("other", second)):
        events.put_targets(Rule=each, EventBusName=name, Targets=[{"Id": "q", "Arn": target.arn}])
    events.put_events(
        Entries=[
            {"Source": "shop", "DetailType": "d", "Detail": json.dumps({"n": n}), "EventBusName": name} for n in (1, 2)
        ]
    )
    originals = {event["detail"]["n"]: event for event in map(json.loads, queue.bodies(2))}
    assert len(second.bodies(2)) == 2
    described = events.describe_archive(ArchiveName=f"a-{name}")
    assert (described["EventCount"], described["State"], described["RetentionDays"]) == (1, "ENABLED", 1)
    assert described["SizeBytes"] > 0
    started = events.start_replay(
        ReplayName=f"r-{name}",
        EventSourceArn=created["ArchiveArn"],
        Destination={"Arn": arn, "FilterArns": [rule]},
        **period(),
    )
    assert started["State"] == "STARTING"
    (replayed,) = map(json.loads, queue.bodies(1))
    assert replayed == {**originals[2], "replay-name": f"r-{name}"}
    assert ended(events, f"r-{name}")["State"] == "COMPLETED"
    assert "Messages" not in cloud.client("sqs").receive_message(QueueUrl=second.url)
    assert events.describe_archive(ArchiveName=f"a-{name}")["EventCount"] == 1  # a replayed event is not archived again
    (listed,) = events.list_replays(EventSourceArn=created["ArchiveArn"])["Replays"]
    assert listed["EventLastReplayedTime"] >= listed["EventStartTime"]
    refusal = refused(events.cancel_replay, ReplayName=f"r-{name}")
    assert refusal == ("IllegalStatusException", f"Replay r-{name} is not in a valid state for this operation.")


def test_archives_and_replays_are_refused_in_awss_words(cloud: Any, bus: Any) -> None:
    events, (name, arn) = cloud.client("events"), bus
    archive = events.create_archive(ArchiveName=name, EventSourceArn=arn)["ArchiveArn"]
    again = refused(events.create_archive, ArchiveName=name, EventSourceArn=arn)
    assert again == ("ResourceAlreadyExistsException", f"Archive {name} already exists.")
    for call in (events.describe_archive, events.delete_archive):
        assert refused(call, ArchiveName="no") == ("ResourceNotFoundException", "Archive no does not exist.")
    assert refused(events.update_archive, ArchiveName="no") == (
        "ValidationException",
        "At least one of EventPattern, RetentionDays or Description must be provided.",
    )
    absent = {"EventSourceArn": f"{arn}-absent"}
    for call, more in ((events.create_archive, {"ArchiveName": "b"}), (events.list_archives, {})):
        expected = ("ResourceNotFoundException", f"Event bus {name}-absent does not exist.")
        assert refused(call, **absent, **more) == expected
    assert refused(events.delete_event_bus, Name=name)[0] == "ValidationException"
    now = datetime.now(UTC)
    other = events.describe_event_bus(Name="default")["Arn"]
    for changed, reason in (
        (
            {"EventSourceArn": f"{archive}-no"},
            f"EventSourceArn is not valid. Reason: Archive {name}-no does not exist.",
        ),
        ({"EventEndTime": now - timedelta(minutes=9)}, "EventEndTime is not valid. Reason: EventStartTime must be bef"),
        ({"Destination": {"Arn": other}}, "Destination.Arn is not valid. Reason: Cross event bus replay is not permit"),
    ):
        given = {"ReplayName": name, "EventSourceArn": archive, "Destination": {"Arn": arn}, **period(), **changed}
        code, message = refused(events.start_replay, **given)
        assert (code, message.startswith(f"Parameter {reason}")) == ("ValidationException", True)
    assert refused(events.describe_replay, ReplayName="no") == (
        "ResourceNotFoundException",
        "Replay no does not exist.",
    )
    events.start_replay(ReplayName=name, EventSourceArn=archive, Destination={"Arn": arn}, **period())
    again = refused(events.start_replay, ReplayName=name, EventSourceArn=archive, Destination={"Arn": arn}, **period())
    assert again == ("ResourceAlreadyExistsException", f"Replay {name} already exists.")
    assert ended(events, name)["State"] == "COMPLETED"
    events.update_archive(ArchiveName=name, Description="new", RetentionDays=2)
    assert events.describe_archive(ArchiveName=name)["RetentionDays"] == 2
    (listed,) = events.list_archives(EventSourceArn=arn)["Archives"]
    assert (listed["ArchiveName"], "Description" in listed) == (name, False)
    events.delete_archive(ArchiveName=name)
    assert events.list_archives(NamePrefix=name)["Archives"] == []
    events.delete_event_bus(Name=name)


def test_a_bus_has_a_policy_of_statements(cloud: Any, bus: Any) -> None:
    events, (name, arn) = cloud.client("events"), bus
    assert "Policy" not in events.describe_event_bus(Name=name)
    given = {"EventBusName": name, "Action": "events:PutEvents", "StatementId": "one"}
    for principal in ("*", "111122223333"):  # the second replaces the first
        events.put_permission(**given, Principal=principal)
    events.put_permission(
        EventBusName=name,
        Action="events:PutEvents",
        StatementId="two",
        Principal="*",
        Condition={"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-1234567890"},
    )
    first, second = json.loads(events.describe_event_bus(Name=name)["Policy"])["Statement"]
    assert first == {
        "Sid": "one",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": "events:PutEvents",
        "Resource": arn,
    }
    assert (second["Principal"], second["Condition"]) == ("*", {"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}})
    missing = ("ResourceNotFoundException", "Statement with the provided id does not exist.")
    assert refused(events.remove_permission, EventBusName=name, StatementId="three") == missing
    events.remove_permission(EventBusName=name, StatementId="one")
    (listed,) = events.list_event_buses(NamePrefix=name)["EventBuses"]
    assert [each["Sid"] for each in json.loads(listed["Policy"])["Statement"]] == ["two"]
    events.remove_permission(EventBusName=name, RemoveAllPermissions=True)
    assert "Policy" not in events.describe_event_bus(Name=name)
    policy = {"Version": "2012-10-17", "Statement": [{"Sid": "s", "Effect": "Allow", "Principal": "*"}]}
    events.put_permission(EventBusName=name, Policy=json.dumps(policy))
    assert json.loads(events.describe_event_bus(Name=name)["Policy"]) == policy
    assert refused(events.put_permission, EventBusName=name, Policy="[]")[0] == "ValidationException"
    absent = refused(events.put_permission, **{**given, "EventBusName": "absent", "Principal": "*"})
    assert absent == ("ResourceNotFoundException", "Event bus absent does not exist.")


def test_a_replay_continues_after_a_crash(start_cloud: Any) -> None:
    cloud = start_cloud()
    events, sqs = cloud.client("events"), cloud.client("sqs")
    url = sqs.create_queue(QueueName="replayed")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    arn = events.describe_event_bus(Name="default")["Arn"]
    archive = events.create_archive(ArchiveName="all", EventSourceArn=arn)["ArchiveArn"]
    numbers = list(range(60))
    for begin in range(0, 60, 10):
        events.put_events(
            Entries=[
                {"Source": "shop", "DetailType": "d", "Detail": json.dumps({"n": n})}
                for n in numbers[begin : begin + 10]
            ]
        )
    events.put_rule(Name="all", EventPattern='{"source": ["shop"]}')
    events.put_targets(Rule="all", Targets=[{"Id": "q", "Arn": queue}])
    events.start_replay(ReplayName="r", EventSourceArn=archive, Destination={"Arn": arn}, **period())
    cloud.kill()
    cloud = start_cloud()
    events, sqs = cloud.client("events"), cloud.client("sqs")
    assert ended(events, "r")["State"] == "COMPLETED"
    url = sqs.get_queue_url(QueueName="replayed")["QueueUrl"]
    found: set[int] = set()
    deadline = time.monotonic() + 60
    while len(found) < 60 and time.monotonic() < deadline:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5).get("Messages", []):
            found.add(json.loads(message["Body"])["detail"]["n"])
    assert found == set(numbers)

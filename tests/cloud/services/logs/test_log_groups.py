"""Settings of log groups: retention, tags, protection; rejected events; live tails."""

from __future__ import annotations

import contextlib
import time
import uuid

import pytest

from support.refusals import refusal

HOUR = 3_600_000


@pytest.fixture
def group(cloud):
    logs, name = cloud.client("logs"), f"/settings/{uuid.uuid4().hex}"
    logs.create_log_group(logGroupName=name, tags={"env": "testing"})
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    return name


def test_events_that_are_too_old_or_too_new_are_rejected(cloud, group):
    logs, now = cloud.client("logs"), int(time.time() * 1000)
    times = [now - 20 * 24 * HOUR, now - HOUR, now + 3 * HOUR]
    events = [{"timestamp": at, "message": str(number)} for number, at in enumerate(times)]
    named = {"logGroupName": group, "logStreamName": "s"}
    rejected = logs.put_log_events(**named, logEvents=events)["rejectedLogEventsInfo"]
    assert rejected == {"tooOldLogEventEndIndex": 1, "tooNewLogEventStartIndex": 2}
    assert [event["message"] for event in logs.get_log_events(**named)["events"]] == ["1"]
    logs.put_retention_policy(logGroupName=group, retentionInDays=1)
    old = [{"timestamp": now - 48 * HOUR, "message": "expired"}]
    assert logs.put_log_events(**named, logEvents=old)["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}


def test_events_that_are_older_than_the_retention_period_are_deleted(cloud, group):
    logs, now = cloud.client("logs"), int(time.time() * 1000)
    events = [{"timestamp": now - 48 * HOUR, "message": "old"}, {"timestamp": now, "message": "new"}]
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
    logs.put_retention_policy(logGroupName=group, retentionInDays=1)
    end = time.monotonic() + 60
    while len(found := logs.filter_log_events(logGroupName=group)["events"]) > 1 and time.monotonic() < end:
        time.sleep(0.1)
    assert [event["message"] for event in found] == ["new"]
    logs.delete_retention_policy(logGroupName=group)
    assert "retentionInDays" not in logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]


def test_tags_are_the_same_by_name_and_by_arn(cloud, group):
    logs = cloud.client("logs")
    arn = f"arn:aws:logs:us-east-1:111122223333:log-group:{group}"
    logs.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
    logs.tag_log_group(logGroupName=group, tags={"a": "3"})
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"env": "testing", "a": "3", "b": "2"}
    logs.untag_log_group(logGroupName=group, tags=["env"])
    logs.untag_resource(resourceArn=arn, tagKeys=["b"])
    assert logs.list_tags_log_group(logGroupName=group)["tags"] == {"a": "3"}


def test_a_protected_group_is_not_deleted(cloud, group):
    logs = cloud.client("logs")
    logs.put_log_group_deletion_protection(logGroupIdentifier=group, deletionProtectionEnabled=True)
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["deletionProtectionEnabled"] is True
    assert refusal(logs.delete_log_group, logGroupName=group)[0] == "ValidationException"


def test_names_that_are_too_long_are_rejected(cloud):
    assert refusal(cloud.client("logs").create_log_group, logGroupName="x" * 513)[2] == (
        "Invalid LogGroup or LogStream, both must have length less than or equal to 512."
    )


def test_resource_policies_are_stored(cloud):
    logs, name = cloud.client("logs"), f"policy-{uuid.uuid4().hex}"
    put = logs.put_resource_policy(policyName=name, policyDocument="{}")["resourcePolicy"]
    assert put.keys() == {"policyName", "policyDocument", "policyScope", "lastUpdatedTime"}
    assert put in logs.describe_resource_policies()["resourcePolicies"]
    logs.delete_resource_policy(policyName=name)
    assert refusal(logs.delete_resource_policy, policyName=name)[2] == f"Policy with name [{name}] does not exist."


def test_a_live_tail_sends_matching_events_while_they_are_written(cloud, group):
    logs = cloud.client("logs", inject_host_prefix=False)
    arn = f"arn:aws:logs:us-east-1:111122223333:log-group:{group}"
    started = logs.start_live_tail(logGroupIdentifiers=[arn], logEventFilterPattern="wanted")
    with contextlib.closing(started["responseStream"]) as stream:
        events = iter(stream)
        assert next(events)["sessionStart"]["logGroupIdentifiers"] == [arn]
        now = int(time.time() * 1000)
        written = [{"timestamp": now, "message": "wanted"}, {"timestamp": now, "message": "other"}]
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=written)
        results: list[dict[str, object]] = []
        while not results:
            results = next(events)["sessionUpdate"]["sessionResults"]
    assert [(each["message"], each["logStreamName"]) for each in results] == [("wanted", "s")]


def test_exports_are_refused_by_name(cloud, group):
    params = {"logGroupName": group, "fromTime": 1, "to": 2, "destination": "bucket"}
    code, _, message = refusal(cloud.client("logs").create_export_task, **params)
    assert (code, "logs:CreateExportTask" in message) == ("NotImplemented", True)

"""Metrics that the cloud's services publish."""

from __future__ import annotations

import json
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from scones.cloud.core.service_metrics import MAX_VALUES, ServiceMetrics
from scones.testing import LocalCloud
from support.refusals import refusal
from support.zips import zip_of

HANDLER = "def handler(event, context):\n    return event['missing']"


def totals(cloud, namespace, dimensions, names):
    """Wait until metrics have values; return their sums of the last hours."""
    client, now = cloud.client("cloudwatch"), datetime.now(UTC)
    listed = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    queries = [
        {
            "Id": f"m{number}",
            "MetricStat": {
                "Metric": {"Namespace": namespace, "MetricName": name, "Dimensions": listed},
                "Period": 3600,
                "Stat": "Sum",
            },
        }
        for number, name in enumerate(names)
    ]
    window = {"StartTime": now - timedelta(hours=2), "EndTime": now + timedelta(hours=1)}
    end = time.monotonic() + 120
    while True:
        found = client.get_metric_data(MetricDataQueries=queries, **window)["MetricDataResults"]
        if all(each["Values"] for each in found) or time.monotonic() > end:
            return {name: sum(each["Values"]) for name, each in zip(names, found, strict=True)}
        time.sleep(1)


def test_values_of_a_minute_are_counted_and_taken_once():
    metrics = ServiceMetrics()
    for value in (1.0, 1.0, 2.5):
        metrics.add("AWS/SQS", "m", (), value)
    taken = metrics.take()
    assert sum(sum(values.values()) for values in taken.values()) == 3
    assert (metrics.take(), metrics.added.is_set()) == ({}, False)


def test_many_different_values_of_a_minute_are_rounded():
    metrics = ServiceMetrics()
    for number in range(10 * MAX_VALUES):
        metrics.add("AWS/Lambda", "Duration", (), 1000 + number)
    for values in metrics.take().values():
        assert len(values) <= MAX_VALUES + 20


def test_a_queue_publishes_what_was_done_with_its_messages(cloud, make_queue):
    queue, sqs = make_queue(), cloud.client("sqs")
    for _ in range(2):
        sqs.send_message(QueueUrl=queue.url, MessageBody="four")
    sqs.send_message_batch(QueueUrl=queue.url, Entries=[{"Id": "a", "MessageBody": "four"}])
    for message in sqs.receive_message(QueueUrl=queue.url, MaxNumberOfMessages=1)["Messages"]:
        sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=message["ReceiptHandle"])
    sqs.purge_queue(QueueUrl=queue.url)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue.url)
    dimensions = {"QueueName": queue.arn.rpartition(":")[2]}
    sent = ["NumberOfMessagesSent", "SentMessageSize", "NumberOfMessagesDeleted", "NumberOfEmptyReceives"]
    counted = ["ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"]
    found = totals(cloud, "AWS/SQS", dimensions, [*sent, *counted])
    assert [found[name] for name in sent] == [3, 12, 1, 1]
    assert found["ApproximateNumberOfMessagesVisible"] == 0


def test_a_function_publishes_its_invocations_and_errors(cloud):
    client, name = cloud.client("lambda"), f"failing-{uuid.uuid4().hex}"
    role = "arn:aws:iam::111122223333:role/functions"
    code = {"ZipFile": zip_of({"index.py": HANDLER})}
    client.create_function(FunctionName=name, Runtime="python3.11", Handler="index.handler", Role=role, Code=code)
    for payload in ("{}", '{"missing": 1}'):
        client.invoke(FunctionName=name, Payload=payload)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert refusal(client.invoke, FunctionName=name)[0] == "TooManyRequestsException"
    names = ["Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions"]
    found = totals(cloud, "AWS/Lambda", {"FunctionName": name}, names)
    assert [found[each] for each in names if each != "Duration"] == [2, 1, 1, 2]
    assert found["Duration"] > 0


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_a_state_machine_publishes_its_executions(cloud, kind):
    client = cloud.client("stepfunctions")
    definition = json.dumps({"StartAt": "a", "States": {"a": {"Type": "Pass", "End": True}}})
    role, name = "arn:aws:iam::111122223333:role/machines", f"machine-{uuid.uuid4().hex}"
    machine = client.create_state_machine(name=name, definition=definition, roleArn=role, type=kind)["stateMachineArn"]
    client.start_execution(stateMachineArn=machine)
    names = ["ExecutionsStarted", "ExecutionsSucceeded", "ExecutionsFailed", "ExecutionTime"]
    found = totals(cloud, "AWS/States", {"StateMachineArn": machine}, names)
    assert [found[each] for each in names[:3]] == [1, 1, 0]


def test_a_topic_publishes_its_messages_and_notifications(cloud, make_queue):
    sns, queue, name = cloud.client("sns"), make_queue(), f"metrics-{uuid.uuid4().hex}"
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    sns.publish(TopicArn=topic, Message="a")
    queue.receive(1)
    found = totals(
        cloud, "AWS/SNS", {"TopicName": name}, ["NumberOfMessagesPublished", "NumberOfNotificationsDelivered"]
    )
    assert found == {"NumberOfMessagesPublished": 1, "NumberOfNotificationsDelivered": 1}


def test_metrics_of_services_are_stored_when_the_cloud_stops(tmp_path):
    with LocalCloud(tmp_path) as first:
        url = first.client("sqs").create_queue(QueueName="stopped")["QueueUrl"]
        first.client("sqs").send_message(QueueUrl=url, MessageBody="x")
    with LocalCloud(tmp_path) as again:
        found = totals(again, "AWS/SQS", {"QueueName": "stopped"}, ["NumberOfMessagesSent"])
    assert found == {"NumberOfMessagesSent": 1}

"""Event source mappings: functions receive a queue's messages in batches, and failed messages return to the queue."""

from __future__ import annotations

import itertools
import json
import time

import pytest
from botocore.exceptions import ClientError

from support.function_workbench import ROLE, archive

_numbers = itertools.count()
FORWARDS = """
import boto3, json
sqs = boto3.client("sqs")
def handler(event, context):
    failed = []
    for record in event["Records"]:
        if record["body"] == "fail":
            failed.append({"itemIdentifier": record["messageId"]})
            source = sqs.get_queue_url(QueueName=record["eventSourceARN"].rpartition(":")[2])["QueueUrl"]
            sqs.change_message_visibility(
                QueueUrl=source, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=0
            )
        else:
            sqs.send_message(QueueUrl="RESULTS", MessageBody=json.dumps(record))
    return {"batchItemFailures": failed}
"""


def make_queue(sqs, suffix="", **attributes):
    url = sqs.create_queue(QueueName=f"source-{next(_numbers)}{suffix}", Attributes=attributes)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def received(sqs, url, count=1):
    bodies, deadline = [], time.monotonic() + 60
    while len(bodies) < count and time.monotonic() < deadline:
        for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5, MaxNumberOfMessages=10).get("Messages", []):
            bodies.append(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert len(bodies) == count
    return bodies


def remaining(sqs, url):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return sum(
        int(count) for count in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()
    )


def until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def test_a_message_reaches_the_function_in_awss_form_and_is_deleted(cloud, function):
    sqs = cloud.client("sqs")
    (source, arn), (results, _) = make_queue(sqs), make_queue(sqs)
    made = function(FORWARDS.replace("RESULTS", results))
    mapping = made.client.create_event_source_mapping(FunctionName=made.name, EventSourceArn=arn)
    assert (mapping["State"], mapping["BatchSize"]) == ("Creating", 10)
    assert made.client.get_event_source_mapping(UUID=mapping["UUID"])["State"] == "Enabled"
    attribute = {"DataType": "String", "StringValue": "x"}
    sent = sqs.send_message(QueueUrl=source, MessageBody="hello", MessageAttributes={"a": attribute})
    record = json.loads(received(sqs, results)[0])
    assert record.pop("receiptHandle")
    assert record.pop("attributes")["ApproximateReceiveCount"] == "1"
    assert record == {
        "messageId": sent["MessageId"],
        "body": "hello",
        "messageAttributes": {
            "a": {"stringValue": "x", "stringListValues": [], "binaryListValues": [], "dataType": "String"}
        },
        "md5OfMessageAttributes": sent["MD5OfMessageAttributes"],
        "md5OfBody": sent["MD5OfMessageBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": "us-east-1",
    }
    until(lambda: remaining(sqs, source) == 0)
    assert made.client.delete_event_source_mapping(UUID=mapping["UUID"])["State"] == "Deleting"
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        made.client.get_event_source_mapping(UUID=mapping["UUID"])


@pytest.mark.parametrize("suffix", ["", ".fifo"])
def test_reported_failures_go_to_the_dead_letter_queue_and_filters_drop(cloud, function, suffix):
    sqs = cloud.client("sqs")
    fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if suffix else {}
    (dead, dead_arn), (results, _) = make_queue(sqs, suffix, **fifo), make_queue(sqs)
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1})
    source, arn = make_queue(sqs, suffix, VisibilityTimeout="60", RedrivePolicy=redrive, **fifo)
    made = function(FORWARDS.replace("RESULTS", results), Timeout=60)
    made.client.create_event_source_mapping(
        FunctionName=made.name,
        EventSourceArn=arn,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        ScalingConfig={"MaximumConcurrency": 2},
        FilterCriteria={"Filters": [{"Pattern": '{"body": ["fail"]}'}, {"Pattern": '{"body": {"n": [1]}}'}]},
    )
    for group, body in enumerate(("fail", '{"n": 1}', '{"n": 2}')):
        sqs.send_message(QueueUrl=source, MessageBody=body, **({"MessageGroupId": str(group)} if suffix else {}))
    assert json.loads(received(sqs, results)[0])["body"] == '{"n": 1}'
    assert received(sqs, dead) == ["fail"]
    until(lambda: remaining(sqs, source) == 0)
    assert remaining(sqs, results) == 0


def test_invalid_mappings_are_rejected_with_the_messages_of_aws(cloud, function):
    sqs = cloud.client("sqs")
    _, arn = make_queue(sqs, VisibilityTimeout="5")
    made = function(FORWARDS)
    create = made.client.create_event_source_mapping
    created = create(FunctionName=made.name, EventSourceArn=arn, Enabled=False, Tags={"a": "1"})
    assert created["State"] == "Disabled"
    tagged = {"Resource": created["EventSourceMappingArn"]}
    made.client.tag_resource(**tagged, Tags={"b": "2"})
    made.client.untag_resource(**tagged, TagKeys=["a"])
    assert made.client.list_tags(**tagged)["Tags"] == {"b": "2"}
    assert made.client.get_event_source_mapping(UUID=created["UUID"])["State"] == "Disabled"
    with pytest.raises(ClientError, match="ResourceConflictException.*already exists.*" + created["UUID"]):
        create(FunctionName=made.name, EventSourceArn=arn)
    with pytest.raises(ClientError, match="InvalidParameterValueException.*Function does not exist"):
        create(FunctionName="absent", EventSourceArn=arn)
    with pytest.raises(ClientError, match="InvalidParameterValueException.*Unrecognized event source"):
        create(FunctionName=made.name)
    with pytest.raises(ClientError, match="InvalidParameterValueException.*NonExistentQueue"):
        create(FunctionName=made.name, EventSourceArn=f"{arn}-absent")
    with pytest.raises(ClientError, match="greater than 0 if maximum batch size"):
        made.client.update_event_source_mapping(UUID=created["UUID"], BatchSize=11)
    slow = function(FORWARDS, Timeout=6)
    with pytest.raises(ClientError, match="visibility timeout: 5 seconds is less than Function timeout: 6 seconds"):
        create(FunctionName=slow.name, EventSourceArn=arn)
    listed = made.client.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"]
    assert [each["UUID"] for each in listed] == [created["UUID"]]


def test_an_event_source_mapping_continues_after_a_crash(start_cloud):
    cloud = start_cloud()
    sqs, functions = cloud.client("sqs"), cloud.client("lambda")
    (source, arn), (results, _) = make_queue(sqs), make_queue(sqs)
    code = FORWARDS.replace(
        'QueueUrl="RESULTS"', f'QueueUrl=sqs.get_queue_url(QueueName="{results.split("/")[-1]}")["QueueUrl"]'
    )
    functions.create_function(
        FunctionName="f", Runtime="python3.11", Role=ROLE, Handler="code.handler", Code={"ZipFile": archive(code=code)}
    )
    functions.create_event_source_mapping(FunctionName="f", EventSourceArn=arn)
    cloud.kill()
    cloud = start_cloud()
    sqs = cloud.client("sqs")
    source, results = (sqs.get_queue_url(QueueName=url.split("/")[-1])["QueueUrl"] for url in (source, results))
    sqs.send_message(QueueUrl=source, MessageBody="after")
    assert json.loads(received(sqs, results)[0])["body"] == "after"


COUNTS = """
import boto3, json
sqs = boto3.client("sqs")
def handler(event, context):
    bodies = [record["body"] for record in event["Records"]]
    size = len(json.dumps(event, ensure_ascii=False).encode())
    sqs.send_message(QueueUrl="RESULTS", MessageBody=json.dumps([size, "".join(body[0] for body in bodies)]))
"""


def test_a_batch_above_six_megabytes_of_utf_8_becomes_several_invocations(cloud, function):
    """Ten messages of 1,000,000 bytes but 500,000 characters are one receive, and too large for one invocation."""
    sqs = cloud.client("sqs")
    (source, arn), (results, _) = make_queue(sqs), make_queue(sqs)
    made = function(COUNTS.replace("RESULTS", results))
    mapping = made.client.create_event_source_mapping(FunctionName=made.name, EventSourceArn=arn, Enabled=False)
    for number in range(10):
        sqs.send_message(QueueUrl=source, MessageBody=str(number) + "é" * 500_000)
    made.client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    parts = [json.loads(body) for body in received(sqs, results, 2)]
    assert all(size <= 6_291_456 for size, _ in parts)
    assert sorted("".join(numbers for _, numbers in parts)) == list("0123456789")
    until(lambda: remaining(sqs, source) == 0)

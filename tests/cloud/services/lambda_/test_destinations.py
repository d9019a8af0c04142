"""The results of asynchronous invocations: the destinations that receive them, and their format."""

from __future__ import annotations

import itertools
import json
import time

import pytest
from botocore.exceptions import ClientError

_numbers = itertools.count()
WORKS = "def handler(e, c):\n    return {'seen': e}"
FAILS = "def handler(e, c):\n    raise ValueError('no')"


@pytest.fixture
def queue(cloud):
    """A new queue: its ARN, and a function that waits for a message and returns it."""
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName=f"results-{next(_numbers)}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def receive():
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5, MessageAttributeNames=["All"])
            if messages := answer.get("Messages"):
                return messages[0]
        raise AssertionError("no message came")

    return arn, receive


def configure(made, **destinations):
    config = {member: {"Destination": arn} for member, arn in destinations.items()}
    answer = made.client.put_function_event_invoke_config(
        FunctionName=made.name, MaximumRetryAttempts=0, DestinationConfig=config
    )
    return answer["DestinationConfig"]


def invoke_later(made, event):
    return made.client.invoke(FunctionName=made.name, InvocationType="Event", Payload=json.dumps(event))[
        "ResponseMetadata"
    ]["RequestId"]


def test_a_success_record_has_the_form_of_aws(function, queue):
    arn, receive = queue
    made = function(WORKS)
    assert configure(made, OnSuccess=arn) == {"OnSuccess": {"Destination": arn}, "OnFailure": {}}
    request_id = invoke_later(made, {"a": "ü"})
    record = json.loads(receive()["Body"])
    assert record.pop("timestamp").endswith("Z")
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"arn:aws:lambda:us-east-1:111122223333:function:{made.name}:$LATEST",
            "condition": "Success",
            "approximateInvokeCount": 1,
        },
        "requestPayload": {"a": "ü"},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": {"seen": {"a": "ü"}},
    }


def test_a_payload_that_pythons_parser_rejects_is_delivered_unchanged(function, queue):
    arn, receive = queue
    made = function(WORKS)
    configure(made, OnSuccess=arn, OnFailure=arn)
    deep = b"[" * 5_000 + b"]" * 5_000
    made.client.invoke(FunctionName=made.name, InvocationType="Event", Payload=deep)
    assert f'"requestPayload": {deep.decode()}, "responseContext"' in receive()["Body"]


def test_a_failure_record_is_sent_to_a_function(cloud, function, queue):
    arn, receive = queue
    made, forwarder = function(FAILS), function(WORKS)
    configure(forwarder, OnSuccess=arn)
    target = forwarder.client.get_function(FunctionName=forwarder.name)["Configuration"]["FunctionArn"]
    configure(made, OnFailure=target)
    invoke_later(made, 1)
    record = json.loads(receive()["Body"])["requestPayload"]
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["responseContext"]["functionError"] == "Unhandled"
    assert record["responsePayload"]["errorType"] == "ValueError"


def test_event_bridge_gets_an_event(cloud, function, queue):
    arn, receive = queue
    events = cloud.client("events")
    made = function(FAILS)
    rule = f"results-{made.name}"
    pattern = {"source": ["lambda"], "detail": {"requestPayload": [made.name]}}
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": arn}])
    configure(made, OnFailure="arn:aws:events:us-east-1:111122223333:event-bus/default")
    invoke_later(made, made.name)
    event = json.loads(receive()["Body"])
    assert event["detail-type"] == "Lambda Function Invocation Result - Failure"
    assert event["resources"][0].endswith(f":function:{made.name}:$LATEST")
    assert event["detail"]["requestContext"]["condition"] == "RetriesExhausted"


def test_a_dead_letter_is_the_event_itself(function, queue):
    arn, receive = queue
    made = function(FAILS, DeadLetterConfig={"TargetArn": arn})
    configure(made)
    request_id = invoke_later(made, {"b": 2})
    message = receive()
    assert json.loads(message["Body"]) == {"b": 2}
    reported = {name: attribute["StringValue"] for name, attribute in message["MessageAttributes"].items()}
    assert reported == {"RequestID": request_id, "ErrorCode": "200", "ErrorMessage": "no"}


def test_without_any_concurrency_an_event_is_a_failure_at_once(function, queue):
    arn, receive = queue
    made = function(WORKS)
    configure(made, OnFailure=arn)
    made.client.put_function_concurrency(FunctionName=made.name, ReservedConcurrentExecutions=0)
    invoke_later(made, 3)
    record = json.loads(receive()["Body"])
    assert record["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert "responsePayload" not in record


@pytest.mark.parametrize(
    ("member", "arn", "reason"),
    [
        ("OnSuccess", "arn:aws:sqs:us-east-1:111122223333:queue.fifo", "FIFO resources are not allowed"),
        (
            "OnSuccess",
            "arn:aws:s3:::bucket",
            r"OnSuccess\(destination=arn:aws:s3:::bucket\), onFailure=null\) is invalid",
        ),
        ("OnFailure", "arn:aws:kinesis:us-east-1:111122223333:stream/one", r"onSuccess=null, .*one\)\) is invalid"),
    ],
)
def test_other_destinations_are_rejected_by_name(function, member, arn, reason):
    with pytest.raises(ClientError, match=reason):
        configure(function(WORKS), **{member: arn})

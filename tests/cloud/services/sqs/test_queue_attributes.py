"""Attributes of queues and of messages: accepted forms, and AWS's refusals."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture(scope="module")
def sqs(cloud: Any) -> Any:
    return cloud.client("sqs")


@pytest.fixture
def queue(sqs: Any) -> str:
    return sqs.create_queue(QueueName=f"q-{uuid.uuid4().hex}")["QueueUrl"]


@pytest.fixture
def fifo(sqs: Any) -> str:
    return sqs.create_queue(QueueName=f"q-{uuid.uuid4().hex}.fifo", Attributes={"FifoQueue": "True"})["QueueUrl"]


def attributes(sqs: Any, queue: str, *names: str) -> dict[str, str]:
    return sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=list(names)).get("Attributes", {})


def refusal(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_booleans_are_accepted_in_any_case(sqs: Any, fifo: str) -> None:
    sqs.set_queue_attributes(QueueUrl=fifo, Attributes={"ContentBasedDeduplication": "TRUE", "FifoQueue": "true"})
    found = attributes(sqs, fifo, "FifoQueue", "ContentBasedDeduplication")
    assert found == {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    name = fifo.rsplit("/", 1)[1]
    assert sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "tRue"})["QueueUrl"] == fifo


def test_the_type_of_a_queue_is_fixed(sqs: Any, queue: str, fifo: str) -> None:
    for name, message in (
        ("FifoQueue", "Unknown Attribute FifoQueue."),
        ("ContentBasedDeduplication", "Unknown Attribute ContentBasedDeduplication."),
    ):
        for value in ("true", "false"):
            answer = refusal(sqs.set_queue_attributes, QueueUrl=queue, Attributes={name: value})
            assert answer == ("InvalidAttributeName", message)
    assert refusal(sqs.set_queue_attributes, QueueUrl=fifo, Attributes={"FifoQueue": "false"}) == (
        "InvalidAttributeValue",
        "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.",
    )


def test_a_queue_has_one_type_of_encryption(sqs: Any, queue: str) -> None:
    key, period, managed = "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled"
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={key: "testKeyId", period: "6000"})
    assert attributes(sqs, queue, key, period, managed) == {key: "testKeyId", period: "6000", managed: "false"}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={key: "", period: "300"})
    assert attributes(sqs, queue, key, period, managed) == {managed: "false"}
    both = {key: "testKeyId", managed: "true"}
    assert refusal(sqs.set_queue_attributes, QueueUrl=queue, Attributes=both) == (
        "InvalidAttributeName",
        "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.",
    )


def test_a_queue_is_found_by_its_name_alone(cloud: Any, queue: str) -> None:
    sqs = cloud.client("sqs")
    name = queue.rsplit("/", 1)[1]
    sqs.send_message(QueueUrl=name, MessageBody="b")
    assert sqs.receive_message(QueueUrl=name)["Messages"][0]["Body"] == "b"
    assert refusal(sqs.receive_message, QueueUrl="none")[0] == "AWS.SimpleQueueService.NonExistentQueue"


def test_message_attributes_are_chosen_by_name(sqs: Any, queue: str) -> None:
    given = {name: {"DataType": "String", "StringValue": "v"} for name in ("attr.1øßä", "Help.Me", "Hello")}
    sqs.send_message(QueueUrl=queue, MessageBody="b", MessageAttributes=given)

    def names(*chosen: str) -> list[str]:
        params = {"MessageAttributeNames": list(chosen), "VisibilityTimeout": 0}
        (message,) = sqs.receive_message(QueueUrl=queue, **params)["Messages"]
        return sorted(message.get("MessageAttributes", {}))

    assert names("*") == names("All") == names(".*") == sorted(given)
    assert names("Help.*", "None") == ["Help.Me"]
    assert names("Help") == []


def test_a_batch_to_a_fifo_queue_is_refused_as_a_whole(sqs: Any, fifo: str) -> None:
    complete = {"Id": "1", "MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "d"}
    for member, message in (
        ("MessageGroupId", "The request must contain the parameter MessageGroupId."),
        (
            "MessageDeduplicationId",
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
            "explicitly",
        ),
    ):
        lacking = {name: value for name, value in complete.items() if name != member}
        answer = refusal(sqs.send_message_batch, QueueUrl=fifo, Entries=[complete, {**lacking, "Id": "2"}])
        assert answer == ("InvalidParameterValue", message)
    assert "Messages" not in sqs.receive_message(QueueUrl=fifo)


def test_invalid_values_have_the_words_of_aws(sqs: Any, queue: str) -> None:
    for name in ("MessageGroupId", "MessageDeduplicationId"):
        code, message = refusal(sqs.send_message, QueueUrl=queue, MessageBody="b", **{name: "group 123"})
        assert code == "InvalidParameterValue"
        assert name in message
    assert refusal(sqs.send_message, QueueUrl=queue, MessageBody="b", MessageGroupId="group 123") == (
        "InvalidParameterValue",
        "Value group 123 for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric "
        "and punctuation characters. 1 to 128 in length.",
    )
    empty = {"ErrorDetails": {"DataType": "String", "StringValue": ""}}
    assert refusal(sqs.send_message, QueueUrl=queue, MessageBody="b", MessageAttributes=empty) == (
        "InvalidParameterValue",
        "Message (user) attribute 'ErrorDetails' must contain a non-empty value of type 'String'.",
    )
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"MaximumMessageSize": "1024"})
    large = [{"Id": "a", "MessageBody": "x" * 1025}, {"Id": "b", "MessageBody": "x"}]
    (failed,) = sqs.send_message_batch(QueueUrl=queue, Entries=large)["Failed"]
    assert failed["Message"] == (
        "One or more parameters cannot be validated. Reason: Message must be shorter than 1024 bytes."
    )


@pytest.mark.parametrize(
    "attribute", [{"DataType": "Binary", "StringValue": "x"}, {"DataType": "", "StringValue": "x"}]
)
def test_an_entry_with_invalid_attributes_fails_alone(sqs: Any, queue: str, attribute: dict[str, str]) -> None:
    bad = {"Id": "bad", "MessageBody": "m", "MessageAttributes": {"a": attribute}}
    answer = sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": "good", "MessageBody": "m"}, bad])
    assert [each["Id"] for each in answer["Successful"]] == ["good"]
    assert [(each["Id"], each["Code"]) for each in answer["Failed"]] == [("bad", "InvalidParameterValue")]

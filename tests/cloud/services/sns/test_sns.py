"""SNS: topics, subscriptions, filters, FIFO topics and delivery."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture(scope="module")
def sns(cloud: Any) -> Any:
    return cloud.client("sns")


def name(suffix: str = "") -> str:
    return f"t-{uuid.uuid4().hex[:12]}{suffix}"


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_a_topic_is_created_once_described_and_deleted(sns: Any) -> None:
    topic = name()
    arn = sns.create_topic(Name=topic, Attributes={"DisplayName": "Orders"}, Tags=[{"Key": "a", "Value": "1"}])[
        "TopicArn"
    ]
    assert sns.create_topic(Name=topic)["TopicArn"] == arn
    assert refused(sns.create_topic, Name=topic, Attributes={"DisplayName": "Other"}) == (
        "InvalidParameter",
        "Invalid parameter: Attributes Reason: Topic already exists with different attributes",
    )
    assert arn in [each["TopicArn"] for page in sns.get_paginator("list_topics").paginate() for each in page["Topics"]]
    sns.set_topic_attributes(TopicArn=arn, AttributeName="DisplayName", AttributeValue="Bills")
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert attributes["DisplayName"] == "Bills"
    assert attributes["SubscriptionsConfirmed"] == "0"
    sns.tag_resource(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}])
    sns.untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    sns.delete_topic(TopicArn=arn)
    sns.delete_topic(TopicArn=arn)
    assert refused(sns.publish, TopicArn=arn, Message="x") == ("NotFound", "Topic does not exist")


def test_message_reaches_a_queue_in_its_envelope(sns: Any, make_queue: Any) -> None:
    topic = sns.create_topic(Name=name())["TopicArn"]
    queue = make_queue()
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)["SubscriptionArn"]
    assert sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)["SubscriptionArn"] == subscription
    attributes = {
        "colour": {"DataType": "String", "StringValue": "grün"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
    }
    sent = sns.publish(TopicArn=topic, Message="Grüße", Subject="Hallo", MessageAttributes=attributes)
    assert sent["ResponseMetadata"]["HTTPHeaders"]["content-length"] == "294"  # execution histories contain it
    (message,) = queue.receive(1)
    envelope = json.loads(message["Body"])
    assert envelope["Type"] == "Notification"
    assert envelope["MessageId"] == sent["MessageId"]
    assert (envelope["TopicArn"], envelope["Subject"], envelope["Message"]) == (topic, "Hallo", "Grüße")
    assert envelope["MessageAttributes"] == {
        "colour": {"Type": "String", "Value": "grün"},
        "raw": {"Type": "Binary", "Value": "AAE="},
    }
    sns.unsubscribe(SubscriptionArn=subscription)
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsDeleted"] == "1"


def test_raw_delivery_omits_the_envelope(sns: Any, make_queue: Any) -> None:
    topic = sns.create_topic(Name=name())["TopicArn"]
    queue = make_queue()
    given = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes=given)
    attributes = {"n": {"DataType": "Number", "StringValue": "1.5"}}
    texts = json.dumps({"default": "for all", "sqs": "for queues"})
    sns.publish(TopicArn=topic, Message=texts, MessageStructure="json", MessageAttributes=attributes)
    (message,) = queue.receive(1)
    assert message["Body"] == "for queues"
    assert message["MessageAttributes"] == attributes


def test_filter_policies_select_by_attributes_and_by_body(sns: Any, make_queue: Any) -> None:
    topic = sns.create_topic(Name=name())["TopicArn"]
    by_attributes, by_body = make_queue(), make_queue()
    policy = {"kind": ["order", {"prefix": "bill"}], "cents": [{"numeric": [">=", 100]}]}
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=by_attributes.arn,
        Attributes={"FilterPolicy": json.dumps(policy), "RawMessageDelivery": "true"},
    )
    nested = {"shop": {"town": [{"anything-but": "Rome"}]}}
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=by_body.arn,
        Attributes={
            "FilterPolicy": json.dumps(nested),
            "FilterPolicyScope": "MessageBody",
            "RawMessageDelivery": "true",
        },
    )

    def attributes(kind: str, cents: int) -> dict[str, Any]:
        return {
            "kind": {"DataType": "String", "StringValue": kind},
            "cents": {"DataType": "Number", "StringValue": str(cents)},
        }

    sns.publish(TopicArn=topic, Message="cheap", MessageAttributes=attributes("order", 99))
    sns.publish(TopicArn=topic, Message="other", MessageAttributes=attributes("offer", 500))
    sns.publish(TopicArn=topic, Message="wanted", MessageAttributes=attributes("billing", 100))
    sns.publish(TopicArn=topic, Message='{"shop": {"town": "Rome"}}')
    sns.publish(TopicArn=topic, Message='{"shop": {"town": "Turin"}}')
    sns.publish(TopicArn=topic, Message="last", MessageAttributes=attributes("order", 100))
    assert sorted(by_attributes.bodies(2)) == ["last", "wanted"]
    assert by_body.bodies(1) == ['{"shop": {"town": "Turin"}}']
    code, text = refused(
        sns.subscribe,
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=by_attributes.arn + "x",
        Attributes={"FilterPolicy": '{"a": [{"like": "b"}]}'},
    )
    assert code == "InvalidParameter"
    assert "Unrecognized match type like" in text


def test_a_fifo_topic_keeps_the_order_and_deduplicates(sns: Any, make_queue: Any) -> None:
    fifo = {"FifoTopic": "true", "ContentBasedDeduplication": "true"}
    topic = sns.create_topic(Name=name(".fifo"), Attributes=fifo)["TopicArn"]
    queue = make_queue(FifoQueue="true")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes={"RawMessageDelivery": "true"})
    assert refused(sns.publish, TopicArn=topic, Message="x")[1] == (
        "Invalid parameter: The MessageGroupId parameter is required for FIFO topics"
    )
    first = [sns.publish(TopicArn=topic, Message=str(n), MessageGroupId="g") for n in range(5)]
    again = sns.publish(TopicArn=topic, Message="4", MessageGroupId="g")
    assert again["MessageId"] == first[4]["MessageId"]
    assert again["SequenceNumber"] == first[4]["SequenceNumber"]
    assert queue.bodies(5) == ["0", "1", "2", "3", "4"]


def test_an_invalid_entry_fails_its_batch(sns: Any, make_queue: Any) -> None:
    topic = sns.create_topic(Name=name())["TopicArn"]
    queue = make_queue()
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes={"RawMessageDelivery": "true"})
    entries = [{"Id": str(n), "Message": f"m{n}"} for n in range(9)]
    bad = {"Id": "bad", "Message": "{}", "MessageStructure": "json"}
    assert refused(sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=[*entries, bad]) == (
        "InvalidParameter",
        "Invalid parameter: Message Structure - No default entry in JSON message body",
    )
    answer = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert (len(answer["Successful"]), answer["Failed"]) == (9, [])
    assert sorted(queue.bodies(9)) == [f"m{n}" for n in range(9)]


def test_undeliverable_events_go_to_the_dead_letter_queue(sns: Any, make_queue: Any) -> None:
    topic = sns.create_topic(Name=name())["TopicArn"]
    dead = make_queue()
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=dead.arn + "-gone",
        Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead.arn}), "RawMessageDelivery": "true"},
    )
    sns.publish(TopicArn=topic, Message="lost?")
    assert dead.bodies(1) == ["lost?"]


def test_protocols_are_pending_or_refused_by_name(sns: Any) -> None:
    topic = sns.create_topic(Name=name())["TopicArn"]
    answer = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="someone@example.com")
    assert answer["SubscriptionArn"] == "pending confirmation"
    (found,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert found["SubscriptionArn"] == "PendingConfirmation"
    code, text = refused(sns.subscribe, TopicArn=topic, Protocol="firehose", Endpoint="https://example.com")
    assert code == "InvalidParameter"
    assert "firehose" in text
    assert refused(sns.publish, PhoneNumber="+15550100", Message="x")[0] == "InvalidParameter"


def test_message_reaches_a_function_as_an_event(sns: Any, make_queue: Any, make_forwarder: Any) -> None:
    queue = make_queue()
    function = make_forwarder(queue)
    topic = sns.create_topic(Name=name())["TopicArn"]
    subscription = sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)["SubscriptionArn"]
    attributes = {"n": {"DataType": "Number", "StringValue": "7"}}
    sent = sns.publish(TopicArn=topic, Message="hello", MessageAttributes=attributes)
    (record,) = json.loads(queue.bodies(1)[0])["Records"]
    assert record["EventSource"] == "aws:sns"
    assert record["EventSubscriptionArn"] == subscription
    notification = record["Sns"]
    assert (notification["Message"], notification["Subject"]) == ("hello", None)
    assert notification["MessageId"] == sent["MessageId"]
    assert notification["MessageAttributes"] == {"n": {"Type": "Number", "Value": "7"}}


def test_delivery_survives_a_crash(start_cloud: Any, make_queue_in: Any) -> None:
    first = start_cloud()
    sns, queue = first.client("sns"), make_queue_in(first)
    topic = sns.create_topic(Name=name())["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes={"RawMessageDelivery": "true"})
    for n in range(20):
        sns.publish(TopicArn=topic, Message=str(n))
    first.kill()
    second = start_cloud()
    assert set(queue.bodies(20, second.client("sqs"))) == {str(n) for n in range(20)}


def test_a_message_to_many_queues_survives_a_crash(start_cloud: Any, make_queue_in: Any) -> None:
    first = start_cloud()
    sns, queues = first.client("sns"), [make_queue_in(first) for _ in range(25)]
    topic = sns.create_topic(Name=name())["TopicArn"]
    for queue in queues:
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes={"RawMessageDelivery": "true"})
    entries = [{"Id": str(n), "Message": f"{n} " + "x" * 10_000} for n in range(10)]
    sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    first.kill()
    second = start_cloud()
    sent = {entry["Message"] for entry in entries}
    client = second.client("sqs")
    assert all(set(queue.bodies(10, client)) == sent for queue in queues)


@pytest.mark.parametrize("size", ["²", "9" * 5000, "-1", "1023", "٢٠٤٨"])
def test_a_message_size_is_a_number_in_its_range(sns: Any, size: str) -> None:
    assert refused(sns.create_topic, Name=name(), Attributes={"MaximumMessageSize": size})[0] == "InvalidParameter"


@pytest.mark.parametrize("member", ["Policy", "DeliveryPolicy"])
def test_a_document_with_unbounded_nesting_is_rejected(sns: Any, member: str) -> None:
    deep = "[" * 2000 + "]" * 2000
    assert refused(sns.create_topic, Name=name(), Attributes={member: deep})[0] == "InvalidParameter"


def test_fifo_and_standard_do_not_mix(sns: Any, make_queue: Any) -> None:
    """AWS repeats "Invalid parameter:" in the first message, as the error reports of its users show."""
    standard = sns.create_topic(Name=name())["TopicArn"]
    fifo = sns.create_topic(Name=name(".fifo"), Attributes={"FifoTopic": "true"})["TopicArn"]
    queue = "arn:aws:sqs:us-east-1:111122223333:q.fifo"
    function = "arn:aws:lambda:us-east-1:111122223333:function:f"
    assert refused(sns.subscribe, TopicArn=standard, Protocol="sqs", Endpoint=queue) == (
        "InvalidParameter",
        "Invalid parameter: Invalid parameter: Endpoint Reason: "
        "FIFO SQS Queues can not be subscribed to standard SNS topics",
    )
    assert refused(sns.subscribe, TopicArn=fifo, Protocol="lambda", Endpoint=function) == (
        "InvalidParameter",
        "Invalid parameter: Invalid protocol type: lambda",
    )


def test_archives_of_messages_are_refused_by_name(sns: Any, make_queue: Any) -> None:
    fifo = {"FifoTopic": "true", "ContentBasedDeduplication": "true"}
    archived = {**fifo, "ArchivePolicy": '{"MessageRetentionPeriod": "30"}'}
    assert "does not archive" in refused(sns.create_topic, Name=name(".fifo"), Attributes=archived)[1]
    topic, queue = sns.create_topic(Name=name(".fifo"), Attributes=fifo)["TopicArn"], make_queue(FifoQueue="true")
    given = {"ReplayPolicy": '{"PointType": "Timestamp"}'}
    answer = refused(sns.subscribe, TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes=given)
    assert "does not archive" in answer[1]

"""SQS: queues, messages, batches, dead-letter queues and FIFO queues."""

from __future__ import annotations

import json
import threading
import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from scones.cloud.process import lifecycle


@pytest.fixture(scope="module")
def sqs(cloud: Any) -> Any:
    return cloud.client("sqs")


def make(sqs: Any, *, fifo: bool = False, **attributes: str) -> str:
    name = f"q-{uuid.uuid4().hex[:12]}" + (".fifo" if fifo else "")
    given = {**attributes, **({"FifoQueue": "true"} if fifo else {})}
    return sqs.create_queue(QueueName=name, Attributes=given)["QueueUrl"]


def arn_of(sqs: Any, url: str) -> str:
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def receive(sqs: Any, url: str, **options: Any) -> list[dict[str, Any]]:
    return sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **options).get("Messages", [])


def bodies(messages: list[dict[str, Any]]) -> list[str]:
    return [message["Body"] for message in messages]


def counts(sqs: Any, url: str) -> tuple[int, int, int]:
    names = ["", "NotVisible", "Delayed"]
    given = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    visible, hidden, delayed = (int(given[f"ApproximateNumberOfMessages{name}"]) for name in names)
    return visible, hidden, delayed


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_a_queue_is_created_once_and_described(sqs: Any, cloud: Any) -> None:
    url = make(sqs, VisibilityTimeout="5")
    name = url.rsplit("/", 1)[-1]
    assert url == f"{cloud.url}/{cloud.running.account}/{name}"
    assert sqs.create_queue(QueueName=name)["QueueUrl"] == url
    assert sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "5"})["QueueUrl"] == url
    code, text = refused(sqs.create_queue, QueueName=name, Attributes={"VisibilityTimeout": "6"})
    assert (code, text.rsplit(" ", 1)[-1]) == ("QueueAlreadyExists", "VisibilityTimeout")
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == url
    assert url in sqs.list_queues(QueueNamePrefix=name)["QueueUrls"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "5"
    assert attributes["MaximumMessageSize"] == "1048576"
    assert attributes["QueueArn"].endswith(f":{name}")


def test_sqs_errors_have_the_codes_of_both_protocols(sqs: Any) -> None:
    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as caught:
        sqs.get_queue_url(QueueName="nobody")
    assert caught.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert refused(sqs.create_queue, QueueName="not allowed")[0] == "InvalidParameterValue"
    assert refused(sqs.create_queue, QueueName="a", Attributes={"DelaySeconds": "901"})[0] == "InvalidAttributeValue"
    assert refused(sqs.create_queue, QueueName="a", Attributes={"Colour": "red"})[0] == "InvalidAttributeName"
    url = make(sqs)
    assert refused(sqs.send_message, QueueUrl=url, MessageBody="")[0] == "MissingParameter"
    assert refused(sqs.send_message, QueueUrl=url, MessageBody="\x00")[0] == "InvalidMessageContents"
    assert refused(sqs.send_message, QueueUrl=url, MessageBody="é" * 524_289)[0] == "InvalidParameterValue"
    assert refused(sqs.receive_message, QueueUrl=url, MaxNumberOfMessages=11)[0] == "InvalidParameterValue"
    assert refused(sqs.delete_message, QueueUrl=url, ReceiptHandle="none")[0] == "ReceiptHandleIsInvalid"
    for call, name in (
        (sqs.receive_message, "InvalidParameterValueException"),
        (sqs.send_message, "MissingRequiredParameterException"),
    ):
        with pytest.raises(ClientError) as refusal:
            call(QueueUrl=url, **({"MessageBody": ""} if call == sqs.send_message else {"WaitTimeSeconds": 21}))
        assert refusal.value.response["Error"]["QueryErrorCode"] == name


def test_required_parameters_are_checked(cloud: Any) -> None:
    sqs = cloud.client("sqs", parameter_validation=False)
    assert refused(sqs.send_message, QueueUrl="x") == (
        "MissingParameter",
        "The request must contain the parameter MessageBody.",
    )


def test_a_message_is_sent_with_its_attributes(sqs: Any) -> None:
    url = make(sqs)
    attributes = {
        "colour": {"DataType": "String", "StringValue": "grün"},
        "size.cm": {"DataType": "Number.int", "StringValue": "12"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}}
    sent = sqs.send_message(
        QueueUrl=url, MessageBody="Grüße", MessageAttributes=attributes, MessageSystemAttributes=trace
    )
    (message,) = receive(sqs, url, AttributeNames=["All"], MessageAttributeNames=["All"])
    assert message["MessageId"] == sent["MessageId"]
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert message["Attributes"]["AWSTraceHeader"].startswith("Root=")
    assert abs(int(message["Attributes"]["SentTimestamp"]) / 1000 - time.time()) < 60
    assert receive(sqs, url) == []
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    (again,) = receive(sqs, url, MessageAttributeNames=["size.*"])
    assert set(again["MessageAttributes"]) == {"size.cm"}
    assert "Attributes" not in again


def test_attributes_have_the_digest_that_sdks_compare(sqs: Any) -> None:
    url = make(sqs)
    attributes = {"timestamp": {"DataType": "Number", "StringValue": "1493147359900"}}
    sent = sqs.send_message(QueueUrl=url, MessageBody="derp", MessageAttributes=attributes)
    assert sent["MD5OfMessageBody"] == "58fd9edd83341c29f1aebba81c31e257"
    assert sent["MD5OfMessageAttributes"] == "235c5c510d26fb653d073faed50ae77c"


def test_older_receipt_handles_remain_valid(sqs: Any) -> None:
    url = make(sqs, VisibilityTimeout="0")
    sqs.send_message(QueueUrl=url, MessageBody="once")
    (first,), (second,) = receive(sqs, url), receive(sqs, url)
    for handle in (first["ReceiptHandle"], second["ReceiptHandle"]):  # the visibility timeout has ended
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=30)
    assert counts(sqs, url) == (0, 1, 0)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    sqs.delete_message(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"])
    assert counts(sqs, url) == (0, 0, 0)
    code, message = refused(
        sqs.change_message_visibility, QueueUrl=url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=30
    )
    assert (code, message.partition(" Reason: ")[2]) == (
        "InvalidParameterValue",
        "Message does not exist or is not available for visibility timeout change.",
    )


def test_a_fifo_queue_refuses_expired_receipt_handles(sqs: Any) -> None:
    url = make(sqs, fifo=True, ContentBasedDeduplication="true", VisibilityTimeout="0")
    sqs.send_message(QueueUrl=url, MessageBody="once", MessageGroupId="g")
    (first,) = receive(sqs, url)
    code, message = refused(sqs.delete_message, QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    assert (code, message.partition(" Reason: ")[2]) == ("InvalidParameterValue", "The receipt handle has expired.")


def test_a_long_poll_ends_when_a_message_arrives(sqs: Any, cloud: Any) -> None:
    url = make(sqs)
    got: list[dict[str, Any]] = []
    poll = threading.Thread(target=lambda: got.extend(receive(cloud.client("sqs"), url, WaitTimeSeconds=20)))
    poll.start()
    sqs.send_message(QueueUrl=url, MessageBody="now")
    poll.join(15)
    assert bodies(got) == ["now"]


def test_a_long_poll_receives_delayed_messages_and_those_that_become_visible_again(sqs: Any) -> None:
    url = make(sqs, VisibilityTimeout="1")
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=1)
    assert counts(sqs, url) == (0, 0, 1)
    assert receive(sqs, url) == []
    assert bodies(receive(sqs, url, WaitTimeSeconds=20)) == ["later"]
    assert counts(sqs, url) == (0, 1, 0)
    assert bodies(receive(sqs, url, WaitTimeSeconds=20)) == ["later"]


def test_deleted_queue_ends_the_wait(sqs: Any, cloud: Any) -> None:
    url = make(sqs)
    answers: list[str] = []
    waiting = cloud.client("sqs")
    poll = threading.Thread(
        target=lambda: answers.append(refused(waiting.receive_message, QueueUrl=url, WaitTimeSeconds=20)[0])
    )
    poll.start()
    sqs.delete_queue(QueueUrl=url)
    poll.join(15)
    assert answers == ["AWS.SimpleQueueService.NonExistentQueue"]


def test_batches_fail_entry_by_entry(sqs: Any) -> None:
    url = make(sqs)
    entries = [{"Id": str(n), "MessageBody": f"body {n}"} for n in range(9)]
    answer = sqs.send_message_batch(QueueUrl=url, Entries=[*entries, {"Id": "bad", "MessageBody": "\x01"}])
    assert len(answer["Successful"]) == 9
    assert [(each["Id"], each["Code"]) for each in answer["Failed"]] == [("bad", "InvalidMessageContents")]
    messages = receive(sqs, url)
    assert sorted(bodies(messages)) == [f"body {n}" for n in range(9)]
    handles = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(messages)]
    hidden = [{**entry, "VisibilityTimeout": 60} for entry in handles]
    changed = sqs.change_message_visibility_batch(QueueUrl=url, Entries=hidden)
    assert (len(changed["Successful"]), "Failed" in changed) == (9, False)
    gone = sqs.delete_message_batch(QueueUrl=url, Entries=[*handles, {"Id": "x", "ReceiptHandle": "none"}])
    assert len(gone["Successful"]) == 9
    assert gone["Failed"][0]["Code"] == "ReceiptHandleIsInvalid"
    assert counts(sqs, url) == (0, 0, 0)
    assert refused(sqs.send_message_batch, QueueUrl=url, Entries=[])[0].endswith("EmptyBatchRequest")
    twice = [{"Id": "a", "MessageBody": "1"}, {"Id": "a", "MessageBody": "2"}]
    assert refused(sqs.send_message_batch, QueueUrl=url, Entries=twice)[0].endswith("BatchEntryIdsNotDistinct")


def test_message_received_too_often_goes_to_the_dead_letter_queue(sqs: Any) -> None:
    dead = make(sqs)
    policy = json.dumps({"deadLetterTargetArn": arn_of(sqs, dead), "maxReceiveCount": 2})
    url = make(sqs, VisibilityTimeout="0", RedrivePolicy=policy)
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]
    sent = sqs.send_message(QueueUrl=url, MessageBody="poison")
    assert sent["ResponseMetadata"]["HTTPHeaders"]["content-length"] == "106"  # execution histories contain it
    assert [len(receive(sqs, url)) for _ in range(3)] == [1, 1, 0]
    (message,) = receive(sqs, dead, AttributeNames=["All"])
    assert message["MessageId"] == sent["MessageId"]
    assert message["Attributes"]["DeadLetterQueueSourceArn"] == arn_of(sqs, url)
    nowhere = json.dumps({"deadLetterTargetArn": arn_of(sqs, dead) + "x", "maxReceiveCount": 2})
    code, text = refused(sqs.set_queue_attributes, QueueUrl=url, Attributes={"RedrivePolicy": nowhere})
    assert code == "InvalidParameterValue"
    assert text.endswith("Dead letter target does not exist.")


def test_messages_move_back_from_the_dead_letter_queue(sqs: Any) -> None:
    dead = make(sqs)
    policy = json.dumps({"deadLetterTargetArn": arn_of(sqs, dead), "maxReceiveCount": 1})
    url = make(sqs, VisibilityTimeout="0", RedrivePolicy=policy)
    for n in range(3):
        sqs.send_message(QueueUrl=url, MessageBody=str(n))
    assert [len(receive(sqs, url)) for _ in range(2)] == [3, 0]
    assert counts(sqs, dead) == (3, 0, 0)
    assert refused(sqs.start_message_move_task, SourceArn=arn_of(sqs, url))[0] == "InvalidParameterValue"
    handle = sqs.start_message_move_task(SourceArn=arn_of(sqs, dead))["TaskHandle"]
    back = receive(sqs, url, WaitTimeSeconds=10, VisibilityTimeout=60, AttributeNames=["ApproximateReceiveCount"])
    assert sorted(bodies(back)) == ["0", "1", "2"]
    assert {each["Attributes"]["ApproximateReceiveCount"] for each in back} == {"1"}
    deadline = time.monotonic() + 30
    while (task := sqs.list_message_move_tasks(SourceArn=arn_of(sqs, dead))["Results"][0])["Status"] == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 3)
    assert refused(sqs.cancel_message_move_task, TaskHandle=handle)[0].endswith("UnsupportedOperation")


def test_permissions_are_statements_of_the_policy(sqs: Any) -> None:
    url = make(sqs)
    sqs.add_permission(QueueUrl=url, Label="a", AWSAccountIds=["111122223333"], Actions=["SendMessage"])
    given = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
    (statement,) = json.loads(given)["Statement"]
    assert (statement["Sid"], statement["Action"]) == ("a", "SQS:SendMessage")
    sqs.remove_permission(QueueUrl=url, Label="a")
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])


def test_a_fifo_queue_keeps_the_order_of_each_group(sqs: Any) -> None:
    url = make(sqs, fifo=True, ContentBasedDeduplication="true")
    numbers = [
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=body[0])["SequenceNumber"]
        for body in ("a1", "a2", "b1", "a3")
    ]
    assert numbers == sorted(numbers)
    batch = receive(sqs, url, VisibilityTimeout=0)
    assert bodies(batch) == ["a1", "a2", "a3", "b1"]  # a batch contains the messages of one group first
    (first,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert first["Body"] == "a1"
    (other,) = receive(sqs, url)
    assert other["Body"] == "b1"
    assert receive(sqs, url) == []
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    rest = receive(sqs, url, AttributeNames=["All"])
    assert bodies(rest) == ["a2", "a3"]
    assert rest[0]["Attributes"]["MessageGroupId"] == "a"
    assert rest[0]["Attributes"]["SequenceNumber"] == numbers[1]


def test_a_fifo_queue_deduplicates_messages(sqs: Any) -> None:
    url = make(sqs, fifo=True)
    assert refused(sqs.send_message, QueueUrl=url, MessageBody="x", MessageDeduplicationId="1")[0] == "MissingParameter"
    assert refused(sqs.send_message, QueueUrl=url, MessageBody="x", MessageGroupId="g")[0] == "InvalidParameterValue"
    given = {"QueueUrl": url, "MessageGroupId": "g", "MessageDeduplicationId": "same"}
    first = sqs.send_message(MessageBody="one", **given)
    second = sqs.send_message(MessageBody="two", **given)
    assert first["MessageId"] == second["MessageId"]
    assert first["SequenceNumber"] == second["SequenceNumber"]
    assert bodies(receive(sqs, url)) == ["one"]
    sqs.purge_queue(QueueUrl=url)  # forgets the deduplication IDs
    assert sqs.send_message(MessageBody="three", **given)["MessageId"] != first["MessageId"]


def test_tags_purge_and_pages(sqs: Any) -> None:
    prefix = f"page-{uuid.uuid4().hex[:8]}"
    urls = [sqs.create_queue(QueueName=f"{prefix}-{n}", tags={"n": str(n)})["QueueUrl"] for n in range(3)]
    pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix=prefix, PaginationConfig={"PageSize": 2})
    assert [page["QueueUrls"] for page in pages] == [urls[:2], urls[2:]]
    sqs.tag_queue(QueueUrl=urls[1], Tags={"colour": "red"})
    sqs.untag_queue(QueueUrl=urls[1], TagKeys=["n"])
    assert sqs.list_queue_tags(QueueUrl=urls[1])["Tags"] == {"colour": "red"}
    sqs.send_message(QueueUrl=urls[0], MessageBody="gone")
    sqs.purge_queue(QueueUrl=urls[0])
    assert counts(sqs, urls[0]) == (0, 0, 0)


def test_a_queue_survives_a_crash_and_a_move_of_its_data_folder(start_cloud: Any) -> None:
    first = start_cloud()
    sqs = first.client("sqs")
    url = make(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="kept")
    first.kill()
    second = start_cloud()
    sqs = second.client("sqs")
    assert bodies(receive(sqs, url)) == ["kept"]
    assert sqs.get_queue_url(QueueName=url.rsplit("/", 1)[-1])["QueueUrl"].startswith(second.url)


def test_a_stop_ends_waiting_receives_with_a_response(start_cloud: Any) -> None:
    cloud = start_cloud()
    sqs = cloud.client("sqs")
    url = make(sqs)
    answers: list[list[dict[str, Any]]] = []
    poll = threading.Thread(target=lambda: answers.append(receive(sqs, url, WaitTimeSeconds=20)))
    poll.start()
    assert receive(cloud.client("sqs"), url, WaitTimeSeconds=1) == []
    lifecycle.stop(cloud.data_dir)
    poll.join(15)
    assert answers == [[]]


@pytest.mark.parametrize("url", ["http://[", "http://[::1", "", "/"])
def test_a_url_that_is_not_that_of_a_queue_is_rejected(cloud: Any, url: str) -> None:
    sqs = cloud.client("sqs", parameter_validation=False)
    code, message = refused(sqs.delete_message, QueueUrl=url, ReceiptHandle="x")
    assert (code, url in message) == ("InvalidAddress", True)


@pytest.mark.parametrize("member", ["AWSAccountIds", "Actions"])
def test_a_permission_has_a_principal_and_an_action(sqs: Any, member: str) -> None:
    params = {"QueueUrl": make(sqs), "Label": "a", "AWSAccountIds": ["111122223333"], "Actions": ["SendMessage"]}
    assert refused(sqs.add_permission, **{**params, member: []})[0] == "MissingParameter"


@pytest.mark.parametrize("policy", ["[]", "[1]", "1", "x", "[" * 2000])
def test_a_redrive_policy_is_an_object(sqs: Any, policy: str) -> None:
    code, _ = refused(sqs.create_queue, QueueName=uuid.uuid4().hex, Attributes={"RedrivePolicy": policy})
    assert code in ("InvalidAttributeValue", "InvalidParameterValue")


@pytest.mark.parametrize("header", [{}, {"DataType": "String"}, {"DataType": "x", "StringValue": "a"}])
def test_a_trace_header_has_a_type_and_a_value(cloud: Any, header: dict[str, str]) -> None:
    sqs = cloud.client("sqs", parameter_validation=False)
    code, message = refused(
        sqs.send_message, QueueUrl=make(sqs), MessageBody="x", MessageSystemAttributes={"AWSTraceHeader": header}
    )
    assert (code, "AWSTraceHeader" in message) == ("InvalidParameterValue", True)


def test_a_message_that_becomes_visible_again_precedes_later_ones(sqs: Any) -> None:
    url = make(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="first")
    (received,) = sqs.receive_message(QueueUrl=url, VisibilityTimeout=60)["Messages"]
    sqs.send_message(QueueUrl=url, MessageBody="second")
    handle = received["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    assert [sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] for _ in range(2)] == ["first", "second"]

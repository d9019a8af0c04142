"""Large responses: threads build them in slices and leave the interpreter to the event loop between slices."""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from http.client import HTTPConnection
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

import orjson
import pytest
from benchmarks.prober import probing
from botocore import session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from scones.cloud.core.time_slices import sliced_on_thread
from scones.cloud.services.sqs.message_attributes import to_json
from scones.cloud.services.sqs.messages import ReceivedMessage
from scones.cloud.services.sqs.queues import Queue
from scones.cloud.services.sqs.receiving import receive_response
from scones.cloud.wire.serialize import serialize

MEGABYTE = 1_040_000
CLIENTS = 8


def test_threads_with_long_work_share_half_of_a_processor() -> None:
    def work() -> None:
        for _ in sliced_on_thread(range(30)):
            end = time.thread_time() + 0.004
            while time.thread_time() < end:
                pass

    with ThreadPoolExecutor(CLIENTS) as pool:
        begun, used = time.perf_counter(), time.process_time()
        for running in [pool.submit(work) for _ in range(CLIENTS)]:
            running.result()
        used, took = time.process_time() - used, time.perf_counter() - begun
    assert used < 0.75 * took


async def test_a_response_serialized_in_pieces_is_the_same() -> None:
    operation = session.get_session().get_service_model("sqs").operation_model("ReceiveMessage")
    attributes = {"a": {"DataType": "Binary", "BinaryValue": b"\0\1"}}
    messages: list[dict[str, Any]] = [
        {"MessageId": str(number), "Body": 'é"\n\ud800', "MessageAttributes": attributes if number % 2 else None}
        for number in range(1_000)
    ]
    whole = serialize(operation, {"Messages": messages}, "id").body
    assert (await asyncio.to_thread(serialize, operation, {"Messages": messages}, "id")).body == whole
    assert isinstance(whole, bytes)
    assert len(orjson.loads(whole)["Messages"]) == len(messages)


async def test_large_attributes_are_decoded_and_hashed_on_a_thread() -> None:
    attributes = json.dumps(to_json({"a": {"DataType": "Binary", "BinaryValue": bytes(MEGABYTE)}}))
    message = ReceivedMessage(
        number=1,
        message_id="m",
        body="b",
        md5="5",
        attributes=attributes,
        sender="x",
        sent=1,
        receives=1,
        first_received=1,
        receipt="r",
        fifo=False,
        group=None,
        deduplication=None,
        trace=None,
        source=None,
    )
    queue, wanted = cast("Queue", SimpleNamespace(id=1)), {"MessageAttributeNames": ["All"]}
    begun = time.thread_time()
    answer = await receive_response(queue, [message] * 10, wanted)
    assert time.thread_time() - begun < 0.05
    assert [len(message["MessageAttributes"]["a"]["BinaryValue"]) for message in answer["Messages"]] == [MEGABYTE] * 10


def test_unread_responses_take_a_bounded_amount_of_memory(start_cloud: Any) -> None:
    cloud = start_cloud()
    sqs = cloud.client("sqs")
    large = {"MaximumMessageSize": "1048576", "VisibilityTimeout": "0"}
    queue = sqs.create_queue(QueueName="unread", Attributes=large)["QueueUrl"]
    for _ in range(10):
        sqs.send_message(QueueUrl=queue, MessageBody="x" * MEGABYTE)
    body = json.dumps({"QueueUrl": queue, "MaxNumberOfMessages": 10}).encode()
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.ReceiveMessage"}
    request = AWSRequest("POST", cloud.url + "/", headers, body)
    keys = cloud.environment
    credentials = Credentials(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"])
    SigV4Auth(credentials, "sqs", keys["AWS_DEFAULT_REGION"]).add_auth(request)
    netloc = urlsplit(cloud.url).netloc
    with ExitStack() as stack:
        connections = []
        for _ in range(40):
            connection = HTTPConnection(netloc, timeout=60)
            stack.callback(connection.close)
            connection.request("POST", "/", body, dict(request.headers))
            connections.append(connection)
        statuses = [connection.getresponse().status for connection in connections]
        assert set(statuses) == {200, 503}
        assert statuses.count(200) * 10 * MEGABYTE <= 256 << 20

    def received() -> int:
        with suppress(sqs.exceptions.ClientError):
            return len(sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"])
        return 0

    deadline = time.monotonic() + 30
    while received() < 10:  # until the cloud notices the closed connections
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "message",
    [
        {"MessageBody": '"' * MEGABYTE},
        {"MessageBody": "x", "MessageAttributes": {"a": {"DataType": "Binary", "BinaryValue": bytes(MEGABYTE)}}},
    ],
    ids=["body", "attributes"],
)
def test_receivers_of_large_messages_do_not_block_other_requests(start_cloud: Any, message: dict[str, Any]) -> None:
    cloud = start_cloud()
    sqs = cloud.client("sqs")
    large = {"MaximumMessageSize": "1048576", "VisibilityTimeout": "0"}
    queue = sqs.create_queue(QueueName="large", Attributes=large)["QueueUrl"]
    for _ in range(10):
        sqs.send_message(QueueUrl=queue, **message)

    def receive(_: int) -> int:
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        return len(answer.get("Messages", []))

    with probing(cloud.url, cloud.environment) as prober, ThreadPoolExecutor(CLIENTS) as pool:
        received = list(pool.map(receive, range(3 * CLIENTS)))
    assert max(received) == 10
    assert prober.percentile(99) < 3

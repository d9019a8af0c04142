"""Long polls of SQS queues, and requests that arrive while a resource is deleted."""

from __future__ import annotations

import json
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from benchmarks.prober import probing
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError


@pytest.fixture(scope="module")
def sqs(cloud: Any) -> Any:
    return cloud.client("sqs", max_pool_connections=64)


def make(sqs: Any, **attributes: str) -> str:
    name = f"q-{uuid.uuid4().hex[:12]}" + (".fifo" if "FifoQueue" in attributes else "")
    return sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]


@contextmanager
def long_polls(cloud: Any, url: str, count: int, pause: float = 0) -> Iterator[list[socket.socket]]:
    """Open raw connections that each wait up to 20 seconds for a message; yield them in the order of opening."""
    body = json.dumps({"QueueUrl": url, "WaitTimeSeconds": 20}).encode()
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.ReceiveMessage"}
    request = AWSRequest("POST", cloud.url + "/", headers, body)
    environment = cloud.running.environment()
    keys = Credentials(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
    SigV4Auth(keys, "sqs", environment["AWS_DEFAULT_REGION"]).add_auth(request)
    address = urlsplit(cloud.url)
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    lines += [f"Host: {address.netloc}", f"Content-Length: {len(body)}"]
    head = "POST / HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\n\r\n"
    with ExitStack() as stack:
        connections = []
        for _ in range(count):
            connection = stack.enter_context(socket.create_connection((address.hostname, address.port), timeout=60))
            connection.sendall(head.encode() + body)
            connections.append(connection)
            time.sleep(pause)
        yield connections


def answered(connections: list[socket.socket]) -> list[int]:
    """Return the positions of the connections that have received a response."""
    found = []
    for position, connection in enumerate(connections):
        connection.setblocking(False)
        try:
            connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            continue
        found.append(position)
    return found


@pytest.mark.slow
def test_many_long_polls_and_a_sender_do_not_delay_other_requests(start_cloud: Any) -> None:
    cloud = start_cloud()
    sqs = cloud.client("sqs")
    url = make(sqs)
    batch = [{"Id": str(number), "MessageBody": "x"} for number in range(10)]
    with long_polls(cloud, url, 900), long_polls(cloud, make(sqs), 50):
        time.sleep(2)
        with probing(cloud.url, cloud.environment) as prober:
            end = time.monotonic() + 5
            while time.monotonic() < end:
                sqs.send_message_batch(QueueUrl=url, Entries=batch)
    assert prober.percentile(99) < 3


def test_the_longest_waiting_receiver_gets_the_first_message(cloud: Any, sqs: Any) -> None:
    url = make(sqs)
    with long_polls(cloud, url, 20, pause=0.05) as connections:
        time.sleep(1)
        for sent in range(1, 4):
            sqs.send_message(QueueUrl=url, MessageBody="x")
            connections[sent - 1].recv(1, socket.MSG_PEEK)
        time.sleep(0.5)
        assert answered(connections) == [0, 1, 2]


def test_a_disconnected_client_receives_no_message(cloud: Any, sqs: Any) -> None:
    url = make(sqs)
    with long_polls(cloud, url, 20):
        time.sleep(1)
    time.sleep(1)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    assert sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]


@pytest.mark.parametrize("fifo", [False, True])
def test_many_receivers_get_each_message_once_and_without_delay(sqs: Any, fifo: bool) -> None:
    url = make(sqs, **({"FifoQueue": "true", "ContentBasedDeduplication": "true"} if fifo else {}))
    received: Counter[str] = Counter()
    delays: list[float] = []
    over = threading.Event()

    def receive() -> None:
        while not over.is_set():
            for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=4).get("Messages", []):
                delays.append(time.time() - float(message["Body"].split()[1]))
                received[message["Body"]] += 1
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def send(sender: int) -> None:
        for number in range(25):
            group = {"MessageGroupId": f"{sender}-{number % 5}"} if fifo else {}
            sqs.send_message(QueueUrl=url, MessageBody=f"{sender}-{number} {time.time()}", **group)
            time.sleep(0.02 * (number % 3))

    with ThreadPoolExecutor(40) as pool:
        receivers = [pool.submit(receive) for _ in range(30)]
        for sender in [pool.submit(send, sender) for sender in range(6)]:
            sender.result()
        end = time.monotonic() + 20
        while len(received) < 150 and time.monotonic() < end:
            time.sleep(0.05)
        over.set()
        for receiver in receivers:
            receiver.result()
    assert set(received.values()) == {1}
    assert len(received) == 150
    assert max(delays) < 3  # seconds: 1 on an idle machine, 4 after a lost wake-up


@pytest.mark.parametrize("count", [1, 12])
def test_long_polls_receive_messages_whose_visibility_timeout_ended(cloud: Any, sqs: Any, count: int) -> None:
    url = make(sqs, VisibilityTimeout="2")
    for _ in range(count):
        sqs.send_message(QueueUrl=url, MessageBody="x", DelaySeconds=2)
    with long_polls(cloud, url, count + 3) as connections:
        for connection in connections:  # no message is deleted, so the last three connections receive some again
            connection.settimeout(12)
            assert connection.recv(16).startswith(b"HTTP/1.1 200")


def test_deleting_a_queue_ends_the_long_polls_on_it(cloud: Any, sqs: Any) -> None:
    url = make(sqs)
    with long_polls(cloud, url, 20) as connections:
        time.sleep(1)
        sqs.delete_queue(QueueUrl=url)
        for connection in connections:
            connection.settimeout(10)
            assert b"QueueDoesNotExist" in connection.recv(65536)


def _outcomes(call: Any, delete: Any, make_one: Any, rounds: int = 12) -> Counter[str]:
    """Call from eight threads while the called resource is deleted; return the count of each error code and of "ok"."""
    found: Counter[str] = Counter()

    def repeat(target: str, worker: int) -> None:
        for number in range(15):
            try:
                call(target, f"{worker}-{number}")
            except ClientError as error:
                found[error.response["Error"]["Code"]] += 1
            else:
                found["ok"] += 1

    with ThreadPoolExecutor(8) as pool:
        for _ in range(rounds):
            target = make_one()
            calls = [pool.submit(repeat, target, worker) for worker in range(8)]
            time.sleep(0.05)
            delete(target)
            for one in calls:
                one.result()
    return found


def test_sending_to_a_queue_while_it_is_deleted_reports_a_missing_queue(sqs: Any) -> None:
    found = _outcomes(
        lambda url, name: sqs.send_message(QueueUrl=url, MessageBody=name),
        lambda url: sqs.delete_queue(QueueUrl=url),
        lambda: make(sqs),
    )
    assert set(found) <= {"ok", "AWS.SimpleQueueService.NonExistentQueue"}


def test_subscribing_to_a_topic_while_it_is_deleted_reports_a_missing_topic(cloud: Any, sqs: Any) -> None:
    sns = cloud.client("sns", max_pool_connections=16)
    queue = f"arn:aws:sqs:{cloud.running.region}:{cloud.running.account}:"
    found = _outcomes(
        lambda topic, name: sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue + name),
        lambda topic: sns.delete_topic(TopicArn=topic),
        lambda: sns.create_topic(Name=f"t-{uuid.uuid4().hex[:12]}")["TopicArn"],
    )
    assert set(found) <= {"ok", "NotFound"}


def test_creating_a_log_stream_while_its_group_is_deleted_reports_a_missing_group(cloud: Any) -> None:
    logs = cloud.client("logs", max_pool_connections=16)

    def make_group() -> str:
        logs.create_log_group(logGroupName=(name := f"g-{uuid.uuid4().hex[:12]}"))
        return name

    found = _outcomes(
        lambda group, name: logs.create_log_stream(logGroupName=group, logStreamName=name),
        lambda group: logs.delete_log_group(logGroupName=group),
        make_group,
    )
    assert set(found) <= {"ok", "ResourceNotFoundException"}

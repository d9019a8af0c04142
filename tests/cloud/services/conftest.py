"""Fixtures for the tests of several services: queues, and functions that forward their events to a queue."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from support.zips import zip_of

FORWARDER = """
import json, os, boto3
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
"""


class Queue:
    """A new queue for one test."""

    def __init__(self, client: Any, **attributes: str) -> None:
        self._client = client
        name = f"queue-{uuid.uuid4().hex[:12]}" + (".fifo" if "FifoQueue" in attributes else "")
        self.url = client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        given = client.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        self.arn = given["Attributes"]["QueueArn"]

    def receive(self, count: int, client: Any = None) -> list[dict[str, Any]]:
        """Receive and delete messages until `count` different ones have arrived; return them."""
        client = client or self._client
        found: dict[str, dict[str, Any]] = {}
        while len(found) < count:
            batch = client.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=20,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            ).get("Messages", [])
            assert batch, f"{len(found)} messages of {count} have come"
            for message in batch:
                client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
                found.setdefault(message["Body"], message)
        return list(found.values())

    def bodies(self, count: int, client: Any = None) -> list[str]:
        return [message["Body"] for message in self.receive(count, client)]


@pytest.fixture
def make_queue(cloud: Any) -> Callable[..., Queue]:
    client = cloud.client("sqs")
    return lambda **attributes: Queue(client, **attributes)


@pytest.fixture
def make_queue_in() -> Callable[..., Queue]:
    """A function that creates a queue in a cloud that the test started."""
    return lambda cloud, **attributes: Queue(cloud.client("sqs"), **attributes)


@pytest.fixture
def make_forwarder(cloud: Any) -> Callable[[Queue], str]:
    """A function that creates a Lambda function, which sends its events to a queue, and returns its ARN."""

    def make(queue: Queue) -> str:
        answer = cloud.client("lambda").create_function(
            FunctionName=f"forwarder-{uuid.uuid4().hex[:12]}",
            Runtime="python3.11",
            Handler="forwarder.handler",
            Timeout=30,
            Role="arn:aws:iam::111122223333:role/functions",
            Code={"ZipFile": zip_of({"forwarder.py": FORWARDER})},
            Environment={"Variables": {"QUEUE": queue.url}},
        )
        return answer["FunctionArn"]

    return make

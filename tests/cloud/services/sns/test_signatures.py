"""SNS: notifications are signed, and the certificate verifies them."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
import uuid
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

FIELDS = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


def verify(document: dict[str, Any], algorithm: hashes.HashAlgorithm, url: str) -> None:
    """Raise `InvalidSignature` unless the certificate at a URL verifies a notification."""
    with urllib.request.urlopen(url) as response:
        key = x509.load_pem_x509_certificate(response.read()).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    signed = "".join(f"{name}\n{document[name]}\n" for name in FIELDS if document.get(name) is not None)
    key.verify(base64.b64decode(document["Signature"]), signed.encode(), padding.PKCS1v15(), algorithm)


@pytest.mark.parametrize(("version", "algorithm"), [("1", hashes.SHA1()), ("2", hashes.SHA256())])
def test_notifications_to_queues_are_signed(
    cloud: Any, make_queue: Any, version: str, algorithm: hashes.HashAlgorithm
) -> None:
    sns, queue = cloud.client("sns"), make_queue()
    topic = sns.create_topic(Name=f"t-{uuid.uuid4().hex[:12]}", Attributes={"SignatureVersion": version})["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    sns.publish(TopicArn=topic, Message="Grüße", Subject="Hallo")
    document = json.loads(queue.bodies(1)[0])
    assert document["SignatureVersion"] == version
    assert document["SigningCertURL"].startswith(f"{cloud.url}/SimpleNotificationService-")
    verify(document, algorithm, document["SigningCertURL"])


def test_events_of_functions_are_signed(cloud: Any, make_queue: Any, make_forwarder: Any) -> None:
    sns, queue = cloud.client("sns"), make_queue()
    topic = sns.create_topic(Name=f"t-{uuid.uuid4().hex[:12]}", Attributes={"SignatureVersion": "2"})["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=make_forwarder(queue))
    sns.publish(TopicArn=topic, Message="hello")
    (record,) = json.loads(queue.bodies(1)[0])["Records"]
    assert record["Sns"]["SignatureVersion"] == "1"  # as recorded on AWS, although the hash is that of version 2
    verify(record["Sns"], hashes.SHA256(), record["Sns"]["SigningCertUrl"])


def test_the_key_survives_a_restart_and_other_certificates_do_not_exist(start_cloud: Any, make_queue_in: Any) -> None:
    first = start_cloud()
    sns, queue = first.client("sns"), make_queue_in(first)
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    sns.publish(TopicArn=topic, Message="before")
    document = json.loads(queue.bodies(1)[0])
    path = document["SigningCertURL"].removeprefix(first.url)
    first.kill()
    second = start_cloud()
    verify(document, hashes.SHA1(), second.url + path)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{second.url}/SimpleNotificationService-{'0' * 32}.pem")


def test_a_trace_header_reaches_queues(cloud: Any, make_queue: Any) -> None:
    sns, queue, trace = cloud.client("sns"), make_queue(), "Root=1-3152b799-8954dae64eda91bc9a23a7e8;Sampled=1"
    topic = sns.create_topic(Name=f"t-{uuid.uuid4().hex[:12]}")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)

    def add_header(request: Any, **_: Any) -> None:
        request.headers["X-Amzn-Trace-Id"] = trace

    sns.meta.events.register("before-send.sns.Publish", add_header)
    sns.publish(TopicArn=topic, Message="traced")
    assert queue.receive(1)[0]["Attributes"]["AWSTraceHeader"] == trace

"""Protocols: each service answers in all protocols of its model, and SQS also in the one of older clients."""

from __future__ import annotations

import http.client
import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import cbor2
import pytest
from botocore.exceptions import ClientError
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from support.raw_requests import send, signed_headers

FORM = "application/x-www-form-urlencoded; charset=utf-8"


def cloudwatch(cloud: Any, protocol: str) -> Any:
    """Return a client that uses one of CloudWatch's protocols, as other releases and SDKs do."""
    client = cloud.client("cloudwatch")
    client._serializer, client._response_parser = create_serializer(protocol), create_parser(protocol)
    client.meta.service_model.resolved_protocol = protocol
    return client


@pytest.mark.parametrize("protocol", ["query", "json", "smithy-rpc-v2-cbor"])
def test_cloudwatch_answers_in_the_protocol_of_the_request(cloud: Any, protocol: str) -> None:
    client, namespace = cloudwatch(cloud, protocol), f"Tests/{uuid.uuid4().hex}"
    at = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=5)
    data = [
        {"MetricName": "Delay", "Timestamp": at, "Value": 2.5, "Dimensions": [{"Name": "Host", "Value": f"höst-{n}"}]}
        for n in range(200)  # more than 10 KB: botocore compresses the request
    ]
    client.put_metric_data(Namespace=namespace, MetricData=data)
    listed = client.list_metrics(Namespace=namespace)["Metrics"]
    assert {each["Dimensions"][0]["Value"] for each in listed} == {f"höst-{n}" for n in range(200)}
    question = {"Namespace": namespace, "MetricName": "Delay", "Dimensions": data[0]["Dimensions"], "Period": 60}
    window = {"StartTime": at, "EndTime": at + timedelta(minutes=1)}
    (point,) = client.get_metric_statistics(**question, **window, Statistics=["Sum"])["Datapoints"]
    assert (point["Timestamp"], point["Sum"]) == (at, 2.5)
    with pytest.raises(ClientError) as caught:
        client.get_metric_statistics(**question, StartTime=at, EndTime=at, Statistics=["Sum"])
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValue"


@pytest.mark.parametrize(
    "body", [b"\xff", b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff", b"\x81" * 1000, b"\x01", b"\xa1\x80\x01"]
)
def test_cbor_that_cannot_be_read_is_rejected_in_cbor(cloud: Any, body: bytes) -> None:
    path = "/service/GraniteServiceVersion20100801/operation/ListMetrics"
    headers = {"smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor"}
    signed = signed_headers(cloud, "monitoring", body, path=path, **headers)
    connection = http.client.HTTPConnection(urlsplit(cloud.url).netloc)
    connection.request("POST", path, body, signed)
    response = connection.getresponse()
    assert (response.status, response.headers["smithy-protocol"]) == (400, "rpc-v2-cbor")
    assert cbor2.loads(response.read())["__type"] == "SerializationException"
    connection.close()


def query(
    cloud: Any, service: str, method: str, path: str, accept: str | None = None, **fields: str
) -> tuple[int, str]:
    """Send a signed request of the Query protocol; GET has its parameters in the URL."""
    form = urlencode({name.replace("__", "."): value for name, value in fields.items()})
    extra = {"accept": accept} if accept else {}
    if method == "GET":
        path = f"{path}?{form}" if form else path
        return send(cloud, method, path, signed_headers(cloud, service, method=method, path=path, **extra))
    headers = signed_headers(cloud, service, form.encode(), path=path, content_type=FORM, **extra)
    return send(cloud, method, path, headers, form.encode())


def tag(text: str, name: str) -> list[str]:
    return re.findall(f"<{name}>(.*?)</{name}>", text)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_sqs_answers_the_query_protocol_at_the_url_of_a_queue(cloud: Any, method: str) -> None:
    name = f"q-{uuid.uuid4().hex}"
    status, text = query(
        cloud, "sqs", method, "/", Action="CreateQueue", QueueName=name, Attribute__1__Name="VisibilityTimeout",
        Attribute__1__Value="7", Tag__1__Key="k", Tag__1__Value="v",
    )  # fmt: skip
    (url,) = tag(text, "QueueUrl")
    path = urlsplit(url).path
    assert (status, text.split(">")[1]) == (
        200,
        '<CreateQueueResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"',
    )

    def at_queue(action: str, **fields: str) -> tuple[int, str]:
        return query(cloud, "sqs", method, path, Action=action, **fields)

    assert "<Attribute><Name>VisibilityTimeout</Name><Value>7</Value></Attribute>" in at_queue(
        "GetQueueAttributes", AttributeName__1="All"
    )[1]  # fmt: skip
    assert "<Tag><Key>k</Key><Value>v</Value></Tag>" in at_queue("ListQueueTags")[1]
    entry = "SendMessageBatchRequestEntry__1__"
    attribute = f"{entry}MessageAttribute__1__"
    fields = {f"{entry}Id": "a", f"{entry}MessageBody": "<b>ö\r", f"{attribute}Name": "color",
              f"{attribute}Value__DataType": "String", f"{attribute}Value__StringValue": "red"}  # fmt: skip
    assert tag(at_queue("SendMessageBatch", **fields)[1], "Id") == ["a"]
    received = at_queue("ReceiveMessage", AttributeName__1="All", MessageAttributeName__1="All")[1]
    assert tag(received, "Body") == ["&lt;b&gt;ö&#13;"]
    assert "<MessageAttribute><Name>color</Name><Value><StringValue>red</StringValue>" in received
    assert "<Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value></Attribute>" in received
    (handle,) = tag(received, "ReceiptHandle")
    assert at_queue("DeleteMessage", ReceiptHandle=handle)[0] == 200
    assert "<ReceiveMessageResult/>" in at_queue("ReceiveMessage", VisibilityTimeout="0")[1]
    assert cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"][
        "ApproximateNumberOfMessagesNotVisible"
    ] == "0"  # fmt: skip
    assert at_queue("DeleteQueue")[0] == 200
    status, text = at_queue("GetQueueAttributes")
    assert (status, tag(text, "Type")) == (400, ["Sender"])
    assert tag(text, "Code") == ["AWS.SimpleQueueService.NonExistentQueue"]


def test_errors_of_the_query_protocol_have_the_form_of_aws(cloud: Any) -> None:
    queue = cloud.client("sqs").create_queue(QueueName=f"q-{uuid.uuid4().hex}")["QueueUrl"]
    path = urlsplit(queue).path

    def error(service: str, path: str, **fields: str) -> tuple[int, str, str]:
        status, text = query(cloud, service, "GET", path, **fields)
        return status, tag(text, "Code")[0], tag(text, "Message")[0]

    for action in ("FooBar", "CreateQueue", "ListQueues"):
        message = f"The action {action} is not valid for this endpoint."
        assert error("sqs", path, Action=action) == (400, "InvalidAction", message)
    missing = "The request must contain the parameter MessageBody."
    assert error("sqs", path, Action="SendMessage") == (400, "MissingParameter", missing)
    unknown = error("sqs", path, Action="GetQueueAttributes", AttributeName__1="Foobar")
    assert unknown == (400, "InvalidAttributeName", "Unknown Attribute Foobar.")
    status, text = query(cloud, "sqs", "GET", path, accept="application/json")
    assert (status, text) == (404, "<UnknownOperationException/>\n")
    assert error("iam", "/", Action="Foo", Version="2010-05-08") == (
        400,
        "InvalidAction",
        "Could not find operation Foo for version 2010-05-08",
    )


def test_the_query_protocol_answers_in_json_on_request(cloud: Any) -> None:
    queue = cloud.client("sqs").create_queue(QueueName=f"q-{uuid.uuid4().hex}")["QueueUrl"]
    path = urlsplit(queue).path

    def document(service: str, path: str, **fields: str) -> tuple[int, Any]:
        status, text = query(cloud, service, "GET", path, accept="application/json", **fields)
        return status, json.loads(text)

    status, found = document("sqs", path, Action="GetQueueAttributes", AttributeName__1="VisibilityTimeout")
    result = found["GetQueueAttributesResponse"]["GetQueueAttributesResult"]
    assert (status, result) == (200, {"Attributes": [{"Name": "VisibilityTimeout", "Value": "30"}]})
    sent = document("sqs", path, Action="SendMessage", MessageBody="b")[1]["SendMessageResponse"]["SendMessageResult"]
    assert (len(sent["MessageId"]), sent["SequenceNumber"]) == (36, None)
    identity = document("sts", "/", Action="GetCallerIdentity", Version="2011-06-15")[1]["GetCallerIdentityResponse"]
    assert identity["GetCallerIdentityResult"]["Account"] == cloud.running.account
    assert set(identity["ResponseMetadata"]) == {"RequestId"}
    status, refused = document("sqs", path, Action="ListQueues")
    assert (status, refused["Error"]["Code"]) == (400, "InvalidAction")
    assert refused["Error"]["Message"] == "The action ListQueues is not valid for this endpoint."

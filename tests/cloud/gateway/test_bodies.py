"""Request bodies: size limits apply before parsing, malformed bodies are rejected, and none blocks other clients."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import uuid

import pytest
from botocore.exceptions import ClientError

from scones.cloud.wire import form, json_document, xml_document
from support import raw_requests

MIB = 1 << 20
STATES, LOGS, SQS = "AWSStepFunctions", "Logs_20140328", "AmazonSQS"


def call_json(cloud, service, target, body, *, announced=None):
    headers = raw_requests.signed_headers(
        cloud, service, body, content_type="application/x-amz-json-1.0", x_amz_target=target
    )
    if announced is not None:
        headers["Content-Length"] = str(announced)
    return raw_requests.send(cloud, "POST", "/", headers, body)


def call_form(cloud, service, body):
    content_type = "application/x-www-form-urlencoded"
    return raw_requests.send(
        cloud, "POST", "/", raw_requests.signed_headers(cloud, service, body, content_type=content_type), body
    )


@pytest.fixture(scope="module")
def bucket(cloud):
    name = f"bodies-{uuid.uuid4().hex[:8]}"
    cloud.client("s3").create_bucket(Bucket=name)
    return name


@pytest.mark.parametrize(
    ("service", "target", "limit"),
    [
        ("states", f"{STATES}.ListStateMachines", MIB),
        ("states", f"{STATES}.CreateStateMachine", 4 * MIB),
        ("sqs", f"{SQS}.SendMessage", 4 * MIB),
        ("sqs", f"{SQS}.ListQueues", MIB),
        ("logs", f"{LOGS}.PutLogEvents", 4 * MIB),
        ("sagemaker", "SageMaker.CreateTrainingJob", MIB),
    ],
)
def test_a_body_over_the_operations_limit_is_rejected_unread(cloud, service, target, limit):
    status, text = call_json(cloud, service, target, b"{}", announced=limit + 1)
    assert status == 413
    assert json.loads(text)["__type"] == "RequestEntityTooLargeException"
    operation = target.partition(".")[2]
    assert f"Request must be smaller than {limit} bytes for the {operation} operation" in text


def test_the_limit_applies_to_a_body_without_a_length(cloud):
    headers = raw_requests.signed_headers(cloud, "sts", b"", content_type="application/x-www-form-urlencoded")
    chunk = b"%x\r\n" % MIB + b"a" * MIB + b"\r\n"
    status, text = raw_requests.send(
        cloud, "POST", "/", headers | {"Content-Length": None, "Transfer-Encoding": "chunked"}, chunk * 2 + b"0\r\n\r\n"
    )
    assert status == 413
    assert "<Code>RequestEntityTooLargeException</Code>" in text


def test_a_large_xml_body_is_rejected_with_the_message_of_s3(cloud, bucket):
    path = f"/{bucket}?delete"
    headers = raw_requests.signed_headers(cloud, "s3", b"", path=path) | {"Content-Length": str(60 * MIB)}
    status, text = raw_requests.send(cloud, "POST", path, headers)
    assert status == 400
    assert "<Code>MaxMessageLengthExceeded</Code>" in text


def test_a_body_is_not_read_for_an_unknown_key(cloud):
    path = "/2015-03-31/functions"
    headers = raw_requests.signed_headers(cloud, "lambda", b"", path=path) | {"Content-Length": str(60 * MIB)}
    headers["Authorization"] = headers["Authorization"].replace("Credential=AKIA", "Credential=BKIA")
    status, text = raw_requests.send(cloud, "POST", path, headers)
    assert (status, "security token included in the request is invalid" in text) == (403, True)


@pytest.mark.parametrize(
    ("length", "code"),
    [
        (5 * 1024 * MIB + 1, "<Code>EntityTooLarge</Code>"),
        (10**30, ""),  # the HTTP parser rejects this number, without a body
    ],
)
def test_an_upload_has_at_most_5_gib(cloud, bucket, length, code):
    path = f"/{bucket}/large"
    headers = raw_requests.signed_headers(cloud, "s3", b"", method="PUT", path=path)
    status, text = raw_requests.send(cloud, "PUT", path, headers | {"Content-Length": str(length)})
    assert status == 400
    assert code in text
    assert bool(code) == bool(text)


@pytest.mark.parametrize(
    "body",
    [
        b'{"maxResults": 9223372036854775808}',
        b'{"maxResults": 2147483648}',
        b'{"maxResults": 1e400}',
        b'{"maxResults": NaN}',
        b'{"maxResults": Infinity}',
        b'{"maxResults": [1]}',
        b'{"maxResults": true}',
        b'{"maxResults": "x"}',
        b'{"maxResults": ' + b"9" * 5000 + b"}",
        b'{"nextToken": "\\ud800"}',
        b'{"nextToken": "\xff"}',
        b'{"nextToken": {"a": 1}}',
        b'{"nextToken": ' + b"[" * 1000 + b"]" * 1000 + b"}",
        b"[" * 100_000,
        '{"nextToken": "x"}'.encode("utf-16"),
        b"null",
        b"1",
        b"[]",
        b"\x00",
    ],
)
def test_a_malformed_json_body_is_rejected(cloud, body):
    status, text = call_json(cloud, "states", f"{STATES}.ListStateMachines", body)
    assert (status, json.loads(text)["__type"]) == (400, "SerializationException")


@pytest.mark.parametrize("seconds", ["1e20", "-1e20", '"1e20"', '"²"', "99999999999999999", '"0001-01-01T00:00:00+23"'])
def test_a_time_beyond_the_last_year_is_rejected(cloud, seconds):
    body = b'{"MaxResults": 1, "CreationTimeAfter": %s}' % seconds.encode()
    status, text = call_json(cloud, "sagemaker", "SageMaker.ListModels", body)
    assert (status, json.loads(text)["__type"]) == (400, "SerializationException")


@pytest.mark.parametrize(
    ("service", "fields"),
    [
        ("sns", "Action=CreateTopic&Name=t&Tags.member.1=x"),
        ("sns", "Action=CreateTopic&Name=t&Tags=x"),
        ("sns", "Action=CreateTopic&Name=t&Tags.member.x.Key=a"),
        ("sns", "Action=CreateTopic&Name.a=t"),
        ("sns", "Action=CreateTopic&Name=t&Attributes.entry.1.value=x"),
        ("sns", "Action=CreateTopic&Name=t&Tags.member.1.Key=a&Tags.member.01.Key=b"),
        ("sns", "Action=CreateTopic&Name=t&Tags.member.99999999999999999999.Key=a"),
        ("sns", "Action=CreateTopic&Name=t&Tags.member.²1.Key=a"),
        ("sts", "Action=AssumeRole&RoleArn=a&RoleSessionName=b&DurationSeconds=9223372036854775808"),
        ("sts", "Action=AssumeRole&RoleArn=a&RoleSessionName=b&DurationSeconds=" + "9" * 5000),
        ("sts", "Action=GetCallerIdentity&" + ".".join("a" * 1000) + "=1"),
    ],
)
def test_a_malformed_form_is_rejected(cloud, service, fields):
    status, text = call_form(cloud, service, fields.encode())
    assert status == 400
    assert "<Code>MalformedInput</Code>" in text


@pytest.mark.parametrize(
    "fields",
    [
        "Action=CreateTopic&Name=t&Tags.member.1=",
        "Action=Publish&TopicArn=t&Message=m&MessageAttributes.entry.1.Name=a&MessageAttributes.entry.1.Value=",
        "Action=PublishBatch&TopicArn=t&PublishBatchRequestEntries.member.1=",
    ],
)
def test_an_empty_item_is_rejected_with_its_missing_members(cloud, fields):
    status, text = call_form(cloud, "sns", fields.encode())
    assert (status, "Member must not be null" in text) == (400, True), text


@pytest.mark.parametrize("fields", [b"%zz=%&Action=GetCallerIdentity&a=%00&\xff=\xfe", b"Action=GetCallerIdentity&&&="])
def test_invalid_escapes_in_a_form_are_kept_unchanged(cloud, fields):
    assert call_form(cloud, "sts", fields)[0] == 200


def test_the_fields_of_a_form_are_limited(cloud):
    status, text = call_form(cloud, "sts", b"Action=GetCallerIdentity" + b"&a=" * form.FIELDS)
    assert status == 404
    assert "<Code>MalformedQueryString</Code>" in text


@pytest.mark.parametrize(
    "body",
    [
        b"<Delete>",
        b"<Delete><Object><Key>\xff</Key></Object></Delete>",
        b"<Delete>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</Delete>",
        b"<Delete>" + b"<a/>" * 250_000 + b"</Delete>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><Delete><Object><Key>&b;</Key></Object></Delete>',
        b'<?xml version="1.0" encoding="utf-16"?>' + "<Delete/>".encode("utf-16-le"),
        b'<?xml version="1.0" encoding="utf-16"?><Delete><Object><Key>a</Key></Object></Delete>',
        b"<Delete><Quiet>maybe</Quiet><Object><Key>a</Key></Object></Delete>",
        b"\x00",
    ],
)
def test_a_malformed_xml_body_is_rejected(cloud, bucket, body):
    path = f"/{bucket}?delete"
    digest = base64.b64encode(hashlib.md5(body).digest()).decode()
    headers = raw_requests.signed_headers(cloud, "s3", body, path=path, content_md5=digest)
    status, text = raw_requests.send(cloud, "POST", path, headers, body)
    assert status == 400
    assert "<Code>MalformedXML</Code>" in text


@pytest.mark.parametrize("number", ["²", "99999999999999999999", "9" * 5000, "-1_0", "1e3"])
def test_a_malformed_number_in_a_query_is_rejected(cloud, bucket, number):
    path = f"/{bucket}?list-type=2&max-keys={number.encode().decode('latin-1')}".replace("Â²", "%C2%B2")
    headers = raw_requests.signed_headers(cloud, "s3", b"", method="GET", path=path)
    status, text = raw_requests.send(cloud, "GET", path, headers)
    assert (status, "<Code>InvalidArgument</Code>" in text) == (400, True)


def test_a_batch_in_a_form_is_parsed_in_linear_time(cloud):
    """A quadratic parser, which searched all fields for each entry, took a minute for 8,000 entries."""
    entries = "".join(
        f"&PublishBatchRequestEntries.member.{n}.Id={n}&PublishBatchRequestEntries.member.{n}.Message=m"
        for n in range(1, 8001)
    )
    body = f"Action=PublishBatch&TopicArn=arn:aws:sns:us-east-1:111122223333:t{entries}".encode()

    def attack():
        assert call_form(cloud, "sns", body)[0] in (400, 404)

    assert raw_requests.p99_during(cloud, attack) < 3


@pytest.mark.parametrize("piece", [b"[],", b"{},", b'{"a":1},', b"1,", b'"",', b'"\\"",'])
def test_a_dense_document_does_not_block_other_requests(cloud, piece):
    body = b'{"logEvents":[' + piece * (4 * MIB // len(piece) - 10) + b"0]}"

    def attack():
        status, text = call_json(cloud, "logs", f"{LOGS}.PutLogEvents", body)
        assert (status, json.loads(text)["__type"]) == (400, "SerializationException")

    assert raw_requests.p99_during(cloud, attack) < 3


def test_large_documents_within_the_limits_are_accepted(cloud):
    queue = cloud.client("sqs").create_queue(QueueName=f"q-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    text = json.dumps(['é",' * 3] * 50_000)[: MIB // 2]  # a million commas, brackets and quotes in one string
    sent = cloud.client("sqs").send_message(QueueUrl=queue, MessageBody=text)
    assert sent["MessageId"]
    assert cloud.client("sqs").receive_message(QueueUrl=queue)["Messages"][0]["Body"] == text


def test_a_thousand_keys_of_the_longest_names_are_deleted(cloud, bucket):
    keys = [{"Key": f"{number:04}" + "&" * 1020} for number in range(1000)]
    answered = cloud.client("s3").delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
    assert "Errors" not in answered


def test_a_damaged_archive_is_rejected(cloud):
    archive = base64.b64encode(os.urandom(9 * MIB)).decode()
    for damaged in ("*" + archive[1:], archive[: 4 * MIB] + "AA==" + archive[4 * MIB + 4 :], archive + "="):
        body = json.dumps({"FunctionName": "f", "Role": "r", "Code": {"ZipFile": damaged}}).encode()
        path = "/2015-03-31/functions"
        headers = raw_requests.signed_headers(cloud, "lambda", body, path=path)
        status, text = raw_requests.send(cloud, "POST", path, headers, body)
        assert status == 400
        assert "The request does not fit the model" in text


def test_the_largest_archive_is_received_completely(cloud):
    """The service rejects the archive because of its content; a second client sees no delay meanwhile."""
    client = cloud.client("lambda", read_timeout=300)
    role = cloud.client("iam").list_roles()["Roles"][0]["Arn"]
    archive = os.urandom(52_428_800)

    def attack():
        with pytest.raises(ClientError, match="Could not unzip uploaded file"):
            client.create_function(
                FunctionName="f", Role=role, Runtime="python3.11", Handler="a.b", Code={"ZipFile": archive}
            )

    assert raw_requests.p99_during(cloud, attack) < 3


# --- The parsers ----------------------------------------------------------------------------------------------------


def test_long_strings_are_cut_out_and_decoded_in_slices():
    content = os.urandom(5 * MIB)
    text = base64.b64encode(content).decode()
    few = 1 << 18
    strings = ["\\" * few, 'e"' * few, "f" * MIB]
    document = json.dumps({"a": "b" * 2000, "Code": {"ZipFile": text}, "c": strings}).encode()
    found = json_document.load(document)
    assert json_document.decoded(found["Code"]["ZipFile"]) == content
    assert found["a"] == "b" * 2000
    assert found["c"][:2] == strings[:2]
    assert bytes(found["c"][2]) == b"f" * MIB


@pytest.mark.parametrize(
    "document",
    [
        b'{"a":' + b" " * (5 * MIB) + b'"b"}',
        b'{"a"' + b" " * (5 * MIB) + b'"b"}',
        b'"' + b"a" * (5 * MIB),
        b"a" * (5 * MIB),
        b'{"a":"' + b"a" * (5 * MIB) + b'\\"}',
    ],
)
def test_a_large_document_that_is_not_json_is_rejected(document):
    with pytest.raises(ValueError):  # noqa: PT011 - orjson chooses the words
        json_document.load(document)


def test_values_in_strings_do_not_count():
    text = json.dumps({"a": "[" * (json_document.CONTAINERS + 1)}).encode()
    assert json_document.load(text)["a"].startswith("[[[")
    with pytest.raises(ValueError, match="objects and arrays"):
        json_document.load(b"[" + b"[]," * json_document.CONTAINERS + b"[]]")
    with pytest.raises(ValueError, match="values"):
        json_document.load(b"[" + b"1," * json_document.VALUES + b"1]")


def test_the_number_of_elements_is_limited():
    with pytest.raises(ValueError, match="elements"):
        xml_document.root(b"<a>" + b"<b></b>" * (xml_document.MAX_ELEMENTS + 1) + b"</a>")
    assert len(xml_document.root(b"<a xmlns='x'>" + b"<b/>" * 1000 + b"</a>").findall("b")) == 1000


@pytest.mark.parametrize(
    ("header", "value", "code"),
    [
        ("content-md5", "\xff" * 9, "InvalidDigest"),
        ("content-md5", "\xe9", "InvalidDigest"),
        ("x-amz-checksum-sha256", "\xe9", "InvalidRequest"),
        ("x-amz-checksum-crc32", "\xe9AAAAA==", "InvalidRequest"),
    ],
)
def test_a_digest_that_is_not_ascii_is_rejected(cloud, bucket, header, value, code):
    path = f"/{bucket}/key"
    headers = raw_requests.signed_headers(cloud, "s3", b"abc", method="PUT", path=path, **{header: value})
    status, text = raw_requests.send(cloud, "PUT", path, headers, b"abc")
    assert status == 400
    assert f"<Code>{code}</Code>" in text

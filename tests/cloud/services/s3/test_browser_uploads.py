"""Uploads by HTML forms (POST), with boto3's `generate_presigned_post`; the errors are those that AWS returns."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import uuid
from urllib.parse import parse_qs, urlsplit

import pytest

FOREVER = "2099-01-01T00:00:00Z"


def post(url, fields, file=b"content", *, filename="photo.jpg", kind="multipart/form-data"):
    """Send a form; return the status, the headers and the text of the response."""
    boundary = uuid.uuid4().hex
    begin = f"--{boundary}\r\nContent-Disposition: form-data; name="
    parts = [f'{begin}"{name}"\r\n\r\n{value}\r\n' for name, value in fields]
    named = f'; filename="{filename}"' if filename else ""
    head = f'{begin}"file"{named}\r\n\r\n'
    body = "".join([*parts, head]).encode() + file + f"\r\n--{boundary}--\r\n".encode()
    split = urlsplit(url)
    connection = http.client.HTTPConnection(split.netloc, timeout=10)
    connection.request("POST", split.path, body, {"Content-Type": f"{kind}; boundary={boundary}"})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, response.headers, text


def sign(cloud, bucket, policy, **fields):
    """Return the fields of a form whose policy is signed with Version 2."""
    keys = cloud.session().get_credentials()
    encoded = base64.b64encode(json.dumps(policy).encode()).decode()
    digest = hmac.digest(keys.secret_key.encode(), encoded.encode(), "sha1")
    signature = base64.b64encode(digest).decode()
    return [*fields.items(), ("AWSAccessKeyId", keys.access_key), ("policy", encoded), ("signature", signature)]


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_form_stores_its_file(cloud, s3, bucket, version):
    fields = {"Content-Type": "text/plain", "x-amz-meta-name": "Zoë", "x-amz-storage-class": "STANDARD_IA"}
    conditions = [{name: value} for name, value in fields.items()]
    signer = cloud.client("s3", signature_version=version)
    form = signer.generate_presigned_post(bucket, "photos/${filename}", Fields=fields, Conditions=conditions)
    content = b"0" * 300_000
    status, headers, text = post(form["url"], form["fields"].items(), content)
    assert (status, text) == (204, "")
    assert headers["ETag"] == f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
    found = s3.get_object(Bucket=bucket, Key="photos/photo.jpg")
    assert found["Body"].read() == content
    assert (found["ContentType"], found["StorageClass"]) == ("text/plain", "STANDARD_IA")
    assert found["Metadata"] == {"name": "=?UTF-8?Q?Zo=C3=AB?="}


def test_a_form_chooses_its_response(s3, bucket):
    def upload(**fields):
        conditions = [{name: value} for name, value in fields.items()]
        form = s3.generate_presigned_post(bucket, "a b", Fields=fields, Conditions=conditions)
        return post(form["url"], form["fields"].items())

    etag = '"9a0364b9e99bb480dd25e1f0284c8555"'
    status, headers, text = upload(success_action_status="201")
    assert (status, headers["Content-Type"], headers["ETag"]) == (201, "application/xml", etag)
    assert headers["Location"].endswith(f"/{bucket}/a%20b")
    for expected in (f"<Bucket>{bucket}</Bucket>", "<Key>a b</Key>", headers["Location"]):
        assert expected in text
    assert upload(success_action_status="200")[0] == 200
    assert upload(success_action_status="404")[0] == 204
    status, headers, _ = upload(success_action_redirect="http://localhost.test/done?x=1")
    query = parse_qs(urlsplit(headers["Location"]).query)
    assert (status, query) == (303, {"x": ["1"], "bucket": [bucket], "key": ["a b"], "etag": [etag]})
    assert upload(success_action_redirect="/relative")[0] == 204


def test_a_forms_tags_are_stored(s3, bucket):
    def upload(tagging):
        fields = {"tagging": tagging}
        form = s3.generate_presigned_post(bucket, "key", Fields=fields, Conditions=[fields])
        return post(form["url"], form["fields"].items())

    assert upload("<Tagging><TagSet><Tag><Key>a</Key><Value>b c</Value></Tag></TagSet></Tagging>")[0] == 204
    assert s3.get_object_tagging(Bucket=bucket, Key="key")["TagSet"] == [{"Key": "a", "Value": "b c"}]
    status, _, text = upload("not-xml")
    assert (status, "<Code>MalformedXML</Code>" in text) == (400, True)


@pytest.mark.parametrize(
    ("conditions", "fields", "error"),
    [
        ([["eq", "$key", "other"]], {}, 'Policy Condition failed: ["eq", "$key", "other"]'),
        ([{"key": "Key"}], {}, 'Policy Condition failed: ["eq", "$key", "Key"]'),
        ([["starts-with", "$key", "x"]], {}, 'Policy Condition failed: ["starts-with", "$key", "x"]'),
        ([["eq", "key", "key"]], {}, 'Policy Condition failed: ["eq", "key", "key"]'),
        ([{"bucket": "other"}, {"key": "key"}], {}, 'Policy Condition failed: ["eq", "$bucket", "other"]'),
        ([{"key": "key"}], {"x-amz-meta-foo": "bar"}, "Extra input fields: x-amz-meta-foo"),
        (
            [{"key": "key"}, ["content-length-range", "a", 9]],
            {},
            'Policy Condition failed: ["content-length-range", "a", "9"]',
        ),
    ],
)
def test_a_condition_that_fails_is_named(cloud, bucket, conditions, fields, error):
    policy = {"expiration": FOREVER, "conditions": conditions}
    status, _, text = post(f"{cloud.url}/{bucket}", sign(cloud, bucket, policy, key="key", **fields))
    assert (status, "<Code>AccessDenied</Code>" in text) == (403, True)
    assert f"<Message>Invalid according to Policy: {error}</Message>" in text.replace("&quot;", '"')


def test_names_of_fields_ignore_case_and_some_fields_need_no_condition(cloud, s3, bucket):
    conditions = [{"bUcKeT": bucket}, ["StArTs-WiTh", "$KeY", "ke"], {"aCl": "private"}]
    policy = {"expiration": FOREVER, "conditions": conditions}
    fields = sign(cloud, bucket, policy, kEy="key", ACL="private", **{"x-ignore-foo": "bar"})
    assert post(f"{cloud.url}/{bucket}", fields)[0] == 204
    assert s3.head_object(Bucket=bucket, Key="key")["ContentLength"] == 7


@pytest.mark.parametrize(
    ("policy", "error"),
    [
        ({"conditions": []}, "Policy missing expiration."),
        ({"expiration": FOREVER}, "Policy missing conditions."),
        ({"EXPIRATION": FOREVER, "conditions": []}, "Policy missing expiration."),
        ({"expiration": "soon", "conditions": []}, "Invalid 'expiration' value: 'soon'"),
        ({"expiration": "2099-01-01 00:00:00", "conditions": []}, "Invalid 'expiration' value: '2099-01-01 00:00:00'"),
        (
            {"expiration": FOREVER, "conditions": [{}]},
            "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
        ),
        ("[]", "Invalid JSON."),
    ],
)
def test_an_invalid_policy_is_rejected(cloud, bucket, policy, error):
    status, _, text = post(f"{cloud.url}/{bucket}", sign(cloud, bucket, policy, key="key"))
    assert (status, "<Code>InvalidPolicyDocument</Code>" in text) == (400, True)
    assert f"<Message>Invalid Policy: {error}</Message>" in text


def test_a_policy_expires(cloud, bucket):
    policy = {"expiration": "2020-01-01T00:00:00.000Z", "conditions": [{"key": "key"}]}
    status, _, text = post(f"{cloud.url}/{bucket}", sign(cloud, bucket, policy, key="key"))
    assert (status, "<Message>Invalid according to Policy: Policy expired.</Message>" in text) == (403, True)


@pytest.mark.parametrize(("size", "code"), [(4, "EntityTooSmall"), (5, None), (10, None), (11, "EntityTooLarge")])
def test_a_policy_limits_the_size(s3, bucket, refusal, size, code):
    form = s3.generate_presigned_post(bucket, "key", Conditions=[["content-length-range", 5, 10]])
    status, _, text = post(form["url"], form["fields"].items(), b"x" * size)
    if code is None:
        assert status == 204
    else:
        assert (status, f"<Code>{code}</Code>" in text, f"<ProposedSize>{size}<" in text) == (400, True, True)
        assert refusal(s3.head_object, Bucket=bucket, Key="key")[1] == 404


def test_the_policy_must_be_signed(cloud, bucket):
    url = f"{cloud.url}/{bucket}"
    policy = {"expiration": FOREVER, "conditions": [{"key": "key"}]}
    fields = dict(sign(cloud, bucket, policy, key="key"))
    status, _, text = post(url, {**fields, "signature": "x"}.items())
    assert (status, "<Code>SignatureDoesNotMatch</Code>" in text) == (403, True)
    assert f"<StringToSign>{fields['policy']}</StringToSign>" in text
    status, _, text = post(url, {**fields, "AWSAccessKeyId": "AKIAUNKNOWN"}.items())
    assert (status, "<Code>InvalidAccessKeyId</Code>" in text) == (403, True)
    for field, name in (("signature", "Signature"), ("AWSAccessKeyId", "AWSAccessKeyId"), ("key", "key")):
        status, _, text = post(url, {key: value for key, value in fields.items() if key != field}.items())
        assert (status, f"must contain a field named '{name}'." in text) == (400, True)
    status, _, text = post(url, [("key", "key")])
    assert (status, "<Message>Access Denied</Message>" in text) == (403, True)


def test_a_form_has_one_file_and_its_own_content_type(s3, bucket):
    form = s3.generate_presigned_post(bucket, "key-${filename}")
    status, _, text = post(form["url"], form["fields"].items(), kind="application/x-www-form-urlencoded")
    assert (status, "Bucket POST must be of the enclosure-type multipart/form-data" in text) == (412, True)
    assert post(form["url"], form["fields"].items(), filename=None)[0] == 204
    assert s3.head_object(Bucket=bucket, Key="key-${filename}")["ContentLength"] == 7


def test_a_notification_names_the_form(s3, bucket, make_queue):
    queue = make_queue()
    rule = {"QueueArn": queue.arn, "Events": ["s3:ObjectCreated:Post"]}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [rule]})
    form = s3.generate_presigned_post(bucket, "key")
    assert post(form["url"], form["fields"].items())[0] == 204
    events = [record["eventName"] for message in queue.bodies(2) for record in json.loads(message).get("Records", [])]
    assert events == ["ObjectCreated:Post"]


def test_an_unsigned_form_needs_a_public_bucket(cloud, s3, bucket):
    url = f"{cloud.url}/{bucket}"
    assert post(url, [("key", "a")])[0] == 403
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read-write")
    assert post(url, [("key", "a"), ("success_action_status", "201")])[0] == 201
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"content"
    assert post(url, [("key", "a"), ("policy", "e30=")])[0] == 403

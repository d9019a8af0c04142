"""Authentication and admission: signatures in headers and URLs, dates, hosts and origins."""

from __future__ import annotations

import datetime as dt
import http.client
import json
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

FORM = "Action=GetCallerIdentity&Version=2011-06-15"


def send(cloud, request=None, *, headers=None, body=FORM, path="/", method="POST"):
    """Send an HTTP request, with the headers of the signed botocore request `request` if given."""
    host = urlsplit(cloud.url).netloc
    connection = http.client.HTTPConnection(host, timeout=10)
    given = {"Content-Type": "application/x-www-form-urlencoded"} | dict(request.headers if request else {})
    connection.request(method, path, body=body, headers=given | (headers or {}))
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def signed(cloud, *, service="sts", key=None, secret=None, region="us-east-1", token=None, body=FORM, headers=None):
    keys = cloud.running.environment()
    credentials = Credentials(key or keys["AWS_ACCESS_KEY_ID"], secret or keys["AWS_SECRET_ACCESS_KEY"], token)
    content = {"Content-Type": "application/x-www-form-urlencoded"} | (headers or {})
    request = AWSRequest("POST", cloud.url + "/", data=body, headers=content)
    SigV4Auth(credentials, service, region).add_auth(request)
    return request


def test_a_signed_request_is_accepted(cloud):
    status, text = send(cloud, signed(cloud))
    assert status == 200
    assert "<Account>111122223333</Account>" in text


def test_an_unsigned_request_is_rejected(cloud):
    status, text = send(cloud)
    assert status == 403
    assert "<Code>MissingAuthenticationToken</Code>" in text
    status, text = send(cloud, method="PUT", path="/bucket", body=None)
    assert status == 403
    assert "<Code>AccessDenied</Code>" in text


def test_an_unsigned_json_request_is_rejected_in_json(cloud):
    status, text = send(cloud, headers={"X-Amz-Target": "AWSStepFunctions.ListStateMachines"}, body="{}")
    assert status == 403
    assert json.loads(text)["__type"] == "MissingAuthenticationTokenException"


def test_a_wrong_secret_is_rejected(cloud):
    status, text = send(cloud, signed(cloud, secret="x" * 40))
    assert status == 403
    assert "SignatureDoesNotMatch" in text


def test_an_unknown_key_is_rejected(cloud):
    status, text = send(cloud, signed(cloud, key="AKIAAAAAAAAAAAAAAAAA"))
    assert status == 403
    assert "InvalidClientTokenId" in text


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("lambda", "list_functions", "UnrecognizedClientException"),
        ("s3", "list_buckets", "InvalidAccessKeyId"),
        ("sagemaker", "list_models", "UnrecognizedClientException"),
        ("sagemaker-runtime", "invoke_endpoint", "UnrecognizedClientException"),
        ("sns", "list_topics", "InvalidClientTokenId"),
        ("sqs", "list_queues", "UnrecognizedClientException"),
        ("stepfunctions", "list_state_machines", "UnrecognizedClientException"),
    ],
)
def test_each_service_rejects_an_unknown_key_in_its_own_format(cloud, service, operation, code):
    client = boto3.client(
        service,
        endpoint_url=cloud.url,
        region_name="us-east-1",
        aws_access_key_id="AKIAAAAAAAAAAAAAAAAA",
        aws_secret_access_key="x" * 40,
    )
    members = {"EndpointName": "any", "Body": b""} if operation == "invoke_endpoint" else {}
    with pytest.raises(ClientError) as refused:
        getattr(client, operation)(**members)
    assert refused.value.response["Error"]["Code"] == code
    unknown = "The AWS Access Key Id you provided does not exist in our records."
    message = unknown if service == "s3" else "The security token included in the request is invalid."
    assert refused.value.response["Error"]["Message"] == message


def test_a_signature_that_is_not_ascii_is_rejected(cloud):
    request = signed(cloud)
    strange = request.headers["Authorization"].replace("Signature=", "Signature=é")
    status, text = send(cloud, request, headers={"Authorization": strange.encode("latin-1")})
    assert status == 403
    assert "SignatureDoesNotMatch" in text


def test_a_changed_body_is_rejected(cloud):
    status, text = send(cloud, signed(cloud), body=FORM + "&More=1")
    assert status == 403
    assert "SignatureDoesNotMatch" in text


def test_a_request_signed_yesterday_is_rejected(cloud, monkeypatch):
    yesterday = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda remove_tzinfo=True: yesterday.replace(tzinfo=None))
    request = signed(cloud)
    monkeypatch.undo()
    status, text = send(cloud, request)
    assert status == 403
    assert "Signature expired" in text


def test_a_request_for_another_region_is_rejected(cloud):
    status, text = send(cloud, signed(cloud, region="eu-central-1"))
    assert status == 403
    assert "scoped to a valid region" in text


@pytest.mark.parametrize(
    "host", ["evil.example:{port}", "127.0.0.1:1", "169.254.169.254", "localhost.evil.example:{port}"]
)
def test_a_foreign_host_is_rejected(cloud, host):
    status, text = send(cloud, signed(cloud), headers={"Host": host.format(port=urlsplit(cloud.url).port)})
    assert status == 403
    assert "Host header" in text


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_a_foreign_origin_is_rejected(cloud, origin):
    status, text = send(cloud, signed(cloud), headers={"Origin": origin})
    assert status == 403
    assert "web origin" in text


def test_the_clouds_own_origin_is_accepted(cloud):
    status, _ = send(cloud, signed(cloud), headers={"Origin": cloud.url})
    assert status == 200


def test_a_role_is_assumed(cloud):
    role = "arn:aws:iam::111122223333:role/service-role/worker"
    keys = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    client = boto3.client(
        "sts",
        endpoint_url=cloud.url,
        region_name="us-east-1",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    assert client.get_caller_identity()["Arn"] == "arn:aws:sts::111122223333:assumed-role/worker/session"


def test_temporary_keys_need_their_own_token(cloud):
    sts = cloud.client("sts")
    role = "arn:aws:iam::111122223333:role/worker"
    one, other = (sts.assume_role(RoleArn=role, RoleSessionName=name)["Credentials"] for name in ("one", "other"))
    request = signed(cloud, key=one["AccessKeyId"], secret=one["SecretAccessKey"], token=other["SessionToken"])
    status, text = send(cloud, request)
    assert status == 403
    assert "InvalidClientTokenId" in text


def test_a_forged_token_is_rejected(cloud):
    status, text = send(cloud, signed(cloud, key="ASIAAAAAAAAAAAAAAAAA", token="e30=.forged"))
    assert status == 403
    assert "InvalidClientTokenId" in text


def presigned(cloud, *, expires, began=None, monkeypatch=None):
    keys = cloud.running.environment()
    credentials = Credentials(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"])
    request = AWSRequest("GET", f"{cloud.url}/?{FORM}")
    if began:
        monkeypatch.setattr("botocore.auth.get_current_datetime", lambda remove_tzinfo=True: began.replace(tzinfo=None))
    SigV4QueryAuth(credentials, "sts", "us-east-1", expires=expires).add_auth(request)
    return request.url.removeprefix(cloud.url)


def test_a_presigned_url_works(cloud):
    # The signature of a presigned STS URL includes the hash of the body, which is empty in a GET request.
    status, text = send(cloud, method="GET", path=presigned(cloud, expires=60), body=None)
    assert status == 200, text


def test_a_presigned_url_expires(cloud, monkeypatch):
    began = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=5)
    path = presigned(cloud, expires=60, began=began, monkeypatch=monkeypatch)
    status, text = send(cloud, method="GET", path=path, body=None)
    assert status == 403
    assert "Request has expired" in text


@pytest.mark.parametrize(
    ("service", "operation"), [("dynamodb", "list_tables"), ("batch", "list_jobs"), ("rds", "describe_db_instances")]
)
def test_an_unsupported_service_is_reported(cloud, service, operation):
    with pytest.raises(ClientError, match=f"does not support the service {service}") as error:
        getattr(cloud.client(service), operation)()
    assert error.value.response["Error"]["Code"] == "NotImplemented"


def test_an_unsupported_operation_is_reported(cloud):
    with pytest.raises(ClientError, match="does not support iam:GenerateCredentialReport"):
        cloud.client("iam").generate_credential_report()


def test_the_cloud_listens_only_on_loopback(cloud):
    import psutil

    listening = {c.laddr.ip for c in psutil.Process(cloud.running.pid).net_connections("tcp") if c.status == "LISTEN"}
    assert listening == {"127.0.0.1"}

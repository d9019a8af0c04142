"""Function URLs: HTTP requests become events, and results become HTTP responses."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)
ECHO = "def handler(event, context):\n    return event"
ANSWERS = """
import base64
def handler(event, context):
    if event["rawPath"] == "/fails":
        raise ValueError("no")
    return {"statusCode": 201, "headers": {"X-Kind": "made"}, "cookies": ["a=1", "b=2"],
            "body": base64.b64encode(b"\\x00made").decode(), "isBase64Encoded": True}
"""


def ask(url, method="GET", data=None, **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data=data, headers=names, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def make_url(made, **options):
    return made.client.create_function_url_config(FunctionName=made.name, **{"AuthType": "NONE", **options})[
        "FunctionUrl"
    ]


def test_a_request_becomes_an_event_of_payload_format_2(function):
    url = make_url(function(ECHO))
    status, headers, text = ask(
        f"{url}a%20b?x=1&x=2", "POST", b'{"n": 1}', Content_Type="application/json", Cookie="c=d; e=f"
    )
    event = json.loads(text)
    assert (status, headers["content-type"]) == (200, "application/json")
    assert (event["version"], event["rawPath"], event["rawQueryString"]) == ("2.0", "/a%20b", "x=1&x=2")
    assert (event["queryStringParameters"], event["cookies"]) == ({"x": "1,2"}, ["c=d", "e=f"])
    assert (event["body"], event["isBase64Encoded"]) == ('{"n": 1}', False)
    assert (event["requestContext"]["http"]["method"], event["requestContext"]["http"]["path"]) == ("POST", "/a b")
    assert "connection" not in event["headers"]
    assert json.loads(ask(f"{url}/c")[2])["requestContext"]["http"]["path"] == "/c"
    identity = urlsplit(url).path.split("/")[2]
    base = f"{urlsplit(url).scheme}://{urlsplit(url).netloc}"
    host = f"{identity}.lambda-url.us-east-1.localhost:{urlsplit(url).port}"
    assert json.loads(ask(f"{base}/by-host", Host=host)[2])["rawPath"] == "/by-host"
    assert ask(f"{base}/_lambda-url/absent/")[0] == 403
    assert ask(url, Host="evil.example")[0] == 403


def test_a_result_is_a_response_and_cors_says_who_may_read_it(function):
    made = function(ANSWERS)
    url = make_url(made, Cors={"AllowOrigins": ["https://page.example"], "AllowMethods": ["GET"], "MaxAge": 5})
    status, headers, body = ask(url, Origin="https://page.example")
    assert (status, headers["x-kind"], headers.get_all("set-cookie"), body) == (
        201,
        "made",
        ["a=1", "b=2"],
        b"\x00made",
    )
    assert headers["access-control-allow-origin"] == "https://page.example"
    assert "access-control-allow-origin" not in ask(url, Origin="https://other.example")[1]
    status, headers, _ = ask(url, "OPTIONS", Origin="https://page.example", Access_Control_Request_Method="GET")
    assert (status, headers["access-control-allow-methods"], headers["access-control-max-age"]) == (200, "GET", "5")
    assert (ask(f"{url}fails")[0], ask(f"{url}fails")[2]) == (502, b"Internal Server Error")


def test_the_auth_type_aws_iam_requires_a_signature_for_lambda(cloud, function):
    url = make_url(function(ECHO), AuthType="AWS_IAM")
    assert ask(url)[0] == 403

    def signed(service):
        request = AWSRequest("GET", url)
        SigV4Auth(cloud.session().get_credentials(), service, "us-east-1").add_auth(request)
        return ask(url, **dict(request.headers.items()))

    assert signed("s3")[0] == 403
    status, _, text = signed("lambda")
    assert (status, json.loads(text)["requestContext"]["accountId"]) == (200, "111122223333")


def test_urls_are_configured_as_aws_does(function):
    made = function(ECHO)
    url = make_url(made)
    with pytest.raises(ClientError, match="ResourceConflictException"):
        make_url(made)
    updated = made.client.update_function_url_config(FunctionName=made.name, AuthType="AWS_IAM")
    assert (updated["FunctionUrl"], updated["AuthType"]) == (url, "AWS_IAM")
    (listed,) = made.client.list_function_url_configs(FunctionName=made.name)["FunctionUrlConfigs"]
    assert listed["FunctionUrl"] == url
    made.client.delete_function_url_config(FunctionName=made.name)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        made.client.get_function_url_config(FunctionName=made.name)
    status, headers, text = ask(url)
    assert (status, headers["x-amzn-errortype"], json.loads(text)) == (
        403,
        "AccessDeniedException",
        {"Message": FORBIDDEN},
    )
    with pytest.raises(ClientError, match="Function does not exist"):
        made.client.create_function_url_config(FunctionName="absent", AuthType="NONE")


def test_the_invoke_mode_is_shown_where_aws_shows_it(function):
    made = function(ECHO)
    name = {"FunctionName": made.name}
    assert "InvokeMode" not in made.client.create_function_url_config(**name, AuthType="NONE")
    assert made.client.get_function_url_config(**name)["InvokeMode"] == "BUFFERED"
    assert "InvokeMode" not in made.client.update_function_url_config(**name, AuthType="AWS_IAM")


RESULTS = {"list": ["hello", 3, True], "object": {"statusCode": 200, "body": {"a": ["é"]}}, "text": "hello"}


def test_json_in_a_response_has_no_spaces_and_the_response_has_a_request_id(function):
    made = function(f"def handler(event, context):\n    return {RESULTS!r}[event['rawPath'][1:]]")
    url = make_url(made)
    for path, expected in (("list", '["hello",3,true]'), ("object", '{"a":["é"]}'), ("text", "hello")):
        status, headers, text = ask(f"{url}{path}")
        assert (status, headers["content-type"], text.decode()) == (200, "application/json", expected)
        assert len(headers["x-amzn-requestid"]) == 36

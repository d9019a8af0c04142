"""Requests and responses according to botocore's models: parsing, validation, and the texts of validation errors."""

from __future__ import annotations

import datetime as dt
from urllib.parse import parse_qs

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from scones.cloud.errors import ServiceError
from scones.cloud.wire.form import fields_of
from scones.cloud.wire.model import operation_model
from scones.cloud.wire.parse import parse
from scones.cloud.wire.routing import match_rest
from scones.cloud.wire.serialize import LARGE_RESPONSE, serialize, serialize_error, size_of
from scones.cloud.wire.validate import validate

FORM_PIECES = b"a % + = & _ \n \r \x00 %41 %3d %C3%A4 \xc3 \xa4 %ff =\n %0A %0D%0A %2 %zz".split(b" ")


def route(service, method, path, query=None, headers=None, offered=frozenset()):
    match = match_rest((service,), {service: offered}, method, path, query or {}, headers or {})
    return (match.operation.name, dict(match.uri)) if match else None


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "operation"),
    [
        ("GET", "/", {}, {}, "ListBuckets"),
        ("PUT", "/b", {}, {}, "CreateBucket"),
        ("PUT", "/b/", {}, {}, "CreateBucket"),
        ("GET", "/b", {}, {}, "ListObjects"),
        ("GET", "/b", {"list-type": "2"}, {}, "ListObjectsV2"),
        ("GET", "/b", {"location": ""}, {}, "GetBucketLocation"),
        ("GET", "/b", {"prefix": "x"}, {}, "ListObjects"),
        ("POST", "/b", {"delete": ""}, {}, "DeleteObjects"),
        ("PUT", "/b/k", {}, {}, "PutObject"),
        ("PUT", "/b/k", {}, {"x-amz-copy-source": "/b/k"}, "CopyObject"),
        ("PUT", "/b/k", {"partNumber": "1", "uploadId": "u"}, {}, "UploadPart"),
        ("PUT", "/b/k", {"partNumber": "1", "uploadId": "u"}, {"x-amz-copy-source": "/b/k"}, "UploadPartCopy"),
        ("POST", "/b/k", {"uploads": ""}, {}, "CreateMultipartUpload"),
        ("POST", "/b/k", {"uploadId": "u"}, {}, "CompleteMultipartUpload"),
        ("GET", "/b/k", {"uploadId": "u"}, {}, "ListParts"),
        ("GET", "/b/k", {"x-id": "GetObject"}, {}, "GetObject"),
        ("DELETE", "/b/k", {"uploadId": "u"}, {}, "AbortMultipartUpload"),
        ("HEAD", "/b/k", {}, {}, "HeadObject"),
    ],
)
def test_s3_requests_are_routed_to_their_operations(method, path, query, headers, operation):
    assert route("s3", method, path, query, headers, frozenset({"ListBuckets"}))[0] == operation


@pytest.mark.parametrize("key", ["a/b//c", "a b+c", "/leading", "ü/ñ", "..", "a/../b", "x?y#z", "%41"])
def test_a_key_is_transmitted_unchanged(key):
    from urllib.parse import quote

    assert route("s3", "GET", "/b/" + quote(key, safe="/")) == ("GetObject", {"Bucket": "b", "Key": key})


def test_an_arn_in_a_path_is_parsed():
    arn = "arn:aws:lambda:us-east-1:111122223333:function:f"
    path = f"/2015-03-31/functions/{arn.replace(':', '%3A')}/invocations"
    assert route("lambda", "POST", path) == ("Invoke", {"FunctionName": arn})


def test_a_path_that_fits_no_operation_is_not_matched():
    assert route("lambda", "GET", "/2015-03-31/nothing") is None


def validation_message(service, operation, params, reports_null_members=False):
    shape = operation_model(service, operation).input_shape
    with pytest.raises(ServiceError) as error:
        validate(params, shape, "ValidationException", reports_null_members=reports_null_members)
    return error.value.message


def test_validation_errors_have_the_messages_of_aws():
    assert validation_message("sagemaker", "DescribeTrainingJob", {"TrainingJobName": "a b"}) == (
        "1 validation error detected: Value 'a b' at 'trainingJobName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
    )


def test_validation_reports_all_errors_at_once():
    text = validation_message("stepfunctions", "CreateStateMachine", {"name": "", "type": "FAST"})
    assert text.startswith("4 validation errors detected: ")
    assert "Value null at 'definition' failed to satisfy constraint: Member must not be null" in text
    assert "Value 'FAST' at 'type' failed to satisfy constraint: Member must satisfy enum value set: " in text
    assert "Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1" in text


def test_errors_of_list_and_map_items_name_every_constraint():
    """The texts follow errors of ACM and Lambda (function URLs, architectures, variables) that AWS users published."""
    names = validation_message(
        "sagemaker", "CreateModel", {"ModelName": "m", "VpcConfig": {"SecurityGroupIds": ["!"], "Subnets": ["s"]}}
    )
    assert names == (
        "1 validation error detected: Value '[!]' at 'vpcConfig.securityGroupIds' failed to satisfy constraint: Member "
        "must satisfy constraint: [Member must have length less than or equal to 32, Member must have length greater "
        "than or equal to 0, Member must satisfy regular expression pattern: [-0-9a-zA-Z]+]"
    )
    cors = {"AllowMethods": ["GET", "OPTIONS"]}
    assert validation_message(
        "lambda",
        "CreateFunctionUrlConfig",
        {"FunctionName": "f", "AuthType": "NONE", "Cors": cors},
        reports_null_members=True,
    ) == (
        "1 validation error detected: Value '[GET, OPTIONS]' at 'cors.allowMethods' failed to satisfy constraint: "
        "Member must satisfy constraint: [Member must have length less than or equal to 6, Member must have length "
        "greater than or equal to 0, Member must satisfy regular expression pattern: .*, Member must not be null]"
    )
    variables = {"FunctionName": "f", "Environment": {"Variables": {"a-b": "secret"}}}
    assert validation_message("lambda", "UpdateFunctionConfiguration", variables) == (
        "1 validation error detected: Value at 'environment.variables' failed to satisfy constraint: Map keys must "
        "satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]"
    )
    routing = {"FunctionName": "f", "Name": "n", "RoutingConfig": {"AdditionalVersionWeights": {"1": 1.5}}}
    assert validation_message("lambda", "UpdateAlias", routing, reports_null_members=True) == (
        "1 validation error detected: Value '{1=1.5}' at 'routingConfig.additionalVersionWeights' failed to satisfy "
        "constraint: Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must "
        "have value greater than or equal to 0.0, Member must not be null]"
    )


def test_numbers_must_be_in_their_range():
    text = validation_message(
        "lambda",
        "CreateFunction",
        {"FunctionName": "f", "Role": "arn:aws:iam::111122223333:role/r", "Code": {}, "Timeout": 0},
    )
    assert (
        "Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1" in text
    )


def test_secrets_are_not_in_error_messages():
    params = {
        "FunctionName": "f",
        "Role": "arn:aws:iam::111122223333:role/r",
        "Code": {},
        "Environment": {"Variables": {"1bad": "x"}},
    }
    assert "1bad" not in validation_message("lambda", "CreateFunction", params)


def test_a_json_request_is_parsed_by_type():
    operation = operation_model("logs", "PutLogEvents")
    body = b'{"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":12,"message":"m"}],"unknown":1}'
    assert parse(operation, {}, {}, {}, body) == {
        "logGroupName": "g",
        "logStreamName": "s",
        "logEvents": [{"timestamp": 12, "message": "m"}],
    }


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"logGroupName": {}}', b'{"logEvents": "x"}', b"\xff"])
def test_a_damaged_json_request_is_rejected(body):
    with pytest.raises(ServiceError) as error:
        parse(operation_model("logs", "PutLogEvents"), {}, {}, {}, body)
    assert error.value.code == "SerializationException"


def test_an_xml_request_is_parsed():
    body = b'<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>a</Key></Object><Object><Key>b</Key></Object><Quiet>true</Quiet></Delete>'
    params = parse(operation_model("s3", "DeleteObjects"), {"Bucket": "b"}, {}, {}, body)
    assert params["Delete"] == {"Objects": [{"Key": "a"}, {"Key": "b"}], "Quiet": True}


def test_a_damaged_xml_request_is_rejected():
    with pytest.raises(ServiceError) as error:
        parse(operation_model("s3", "DeleteObjects"), {"Bucket": "b"}, {}, {}, b"<Delete>")
    assert error.value.code == "MalformedXML"


def test_headers_and_queries_are_parsed_by_type():
    headers = {"x-amz-meta-a": "1", "if-modified-since": "Wed, 21 Oct 2015 07:28:00 GMT", "content-length": "5"}
    params = parse(operation_model("s3", "PutObject"), {"Bucket": "b", "Key": "k"}, {}, headers, b"")
    assert params["Metadata"] == {"a": "1"}
    assert params["ContentLength"] == 5
    head = parse(operation_model("s3", "GetObject"), {"Bucket": "b", "Key": "k"}, {"partNumber": ["3"]}, headers, b"")
    assert head["PartNumber"] == 3
    assert head["IfModifiedSince"] == dt.datetime(2015, 10, 21, 7, 28, tzinfo=dt.UTC)


def test_a_query_request_is_parsed():
    form = {"Tags.member.1.Key": ["a"], "Tags.member.1.Value": ["b"], "RoleName": ["r"], "MaxSessionDuration": ["3600"]}
    params = parse(operation_model("iam", "CreateRole"), {}, form, {}, b"")
    assert params == {"Tags": [{"Key": "a", "Value": "b"}], "RoleName": "r", "MaxSessionDuration": 3600}


def test_an_xml_response_escapes_text():
    members = {"Contents": [{"Key": "<&\r>", "Size": 1}], "IsTruncated": False}
    response = serialize(operation_model("s3", "ListObjectsV2"), members, "id")
    assert b"<Key>&lt;&amp;&#13;&gt;</Key><Size>1</Size>" in response.body
    assert b"<ListBucketResult " in response.body


def test_a_json_response_keeps_milliseconds_and_omits_none():
    moment = dt.datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=dt.UTC)
    response = serialize(
        operation_model("stepfunctions", "StartExecution"), {"executionArn": "a", "startDate": moment, "x": None}, "id"
    )
    assert response.body == b'{"executionArn":"a","startDate":1795435200.123}'


def test_an_error_has_the_format_of_its_service():
    service = operation_model("sagemaker-runtime", "InvokeEndpoint").service_model
    error = ServiceError("ModelError", "no image", OriginalStatusCode=400)
    response = serialize_error(service, error, "id")
    assert (response.status, response.headers["x-amzn-errortype"]) == (424, "ModelError")
    assert response.body == b'{"Message":"no image","OriginalStatusCode":400}'


def test_validation_errors_reach_a_client(cloud):
    with pytest.raises(ClientError, match="Member must satisfy regular expression pattern") as error:
        cloud.client("iam").create_role(RoleName="bad name", AssumeRolePolicyDocument="{}")
    assert error.value.response["Error"]["Code"] == "ValidationError"


@given(st.lists(st.sampled_from(FORM_PIECES), max_size=12))
def test_a_form_is_decoded_as_urllib_decodes_it(pieces):
    body = b"".join(pieces)
    expected = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    assert fields_of(body) == expected


def test_the_estimated_size_of_a_response_selects_the_large_ones():
    assert size_of({"Contents": [{"Key": "k" * 60, "Size": 1, "Owner": None}] * 1000, "Name": "b"}) <= LARGE_RESPONSE
    assert size_of({"Contents": [{"Key": "&" * 1024, "Size": 1}] * 1000}) > LARGE_RESPONSE
    assert size_of({"Messages": [{"MessageId": "x", "Body": "a" * (1 << 20)}]}) > LARGE_RESPONSE
    assert size_of({"events": [{"timestamp": 1, "message": "a" * 60}] * 10_000}) > LARGE_RESPONSE

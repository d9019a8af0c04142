"""InvokeWithResponseStream, and InvokeAsync, the older API for asynchronous invocations."""

from __future__ import annotations

import base64
import json

import pytest
from botocore.exceptions import ClientError
from test_invocation import wait_for_log


def events(made, payload, **options):
    answer = made.client.invoke_with_response_stream(FunctionName=made.name, Payload=json.dumps(payload), **options)
    assert answer["ExecutedVersion"] == "$LATEST"
    return list(answer["EventStream"])


def test_a_result_is_returned_as_an_event_stream(function):
    made = function("def handler(e, c):\n    print('seen')\n    return {'text': 'ü' * e}")
    chunk, complete = events(made, 100_000, LogType="Tail")
    assert json.loads(chunk["PayloadChunk"]["Payload"]) == {"text": "ü" * 100_000}
    assert "\nseen\n" in base64.b64decode(complete["InvokeComplete"]["LogResult"]).decode()


def test_an_error_ends_the_stream(function):
    (complete,) = events(function("def handler(e, c):\n    raise ValueError(e)"), "no")
    assert complete["InvokeComplete"]["ErrorCode"] == "Unhandled"
    assert json.loads(complete["InvokeComplete"]["ErrorDetails"])["errorMessage"] == "no"


def test_streaming_invocations_are_rejected_like_others(function):
    made = function("def handler(e, c):\n    pass")
    with pytest.raises(ClientError, match="Could not parse request body into json"):
        made.client.invoke_with_response_stream(FunctionName=made.name, Payload=b"x")
    with pytest.raises(made.client.exceptions.ResourceNotFoundException, match="Function not found"):
        made.client.invoke_with_response_stream(FunctionName="nobody", Payload=b"{}")


@pytest.mark.filterwarnings("ignore:.*deprecated")
def test_invoke_async_processes_an_event_later(function, cloud):
    made = function("def handler(e, c):\n    print('got', e)")
    assert made.client.invoke_async(FunctionName=made.name, InvokeArgs=b'{"n": 7}')["Status"] == 202
    wait_for_log(cloud, made.name, "got")
    with pytest.raises(made.client.exceptions.InvalidRequestContentException):
        made.client.invoke_async(FunctionName=made.name, InvokeArgs=b"x")

"""InvokeWithResponseStream, function URLs that stream, and InvokeAsync, the older API for asynchronous invocations."""

from __future__ import annotations

import base64
import http.client
import json
import shutil
import socket
import sys
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from test_function_urls import ask, make_url
from test_invocation import wait_for_log

from support.function_workbench import archive

node = pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js on this machine")
STREAMS = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  const wanted = event.rawPath ? event.rawPath.slice(1) : event;
  if (wanted === "refused") throw new RangeError("before");
  if (wanted !== "plain") {
    stream.setContentType("text/plain");
    const metadata = { statusCode: 203, headers: { "X-Kind": "streamed" }, cookies: ["a=1", "b=2"] };
    if (wanted === "prelude") stream = awslambda.HttpResponseStream.from(stream, metadata);
  }
  stream.write("Hello,");
  stream.write({ n: 1 });
  if (wanted === "fails") throw new RangeError("after");
  stream.write(Buffer.alloc(wanted === "large" ? 20_000_000 : 1, "x"));
  stream.end();
});
"""
"""A function that writes a text, an object and bytes."""
WAITS = """#!{python}
import http.client, json, os, socket
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
path = "/2018-06-01/runtime/invocation/"
while True:
    api.request("GET", path + "next")
    event = api.getresponse()
    given, request = json.load(event), event.headers["Lambda-Runtime-Aws-Request-Id"]
    address = given["body"] if isinstance(given, dict) else given

    def chunks():
        yield b"first"
        with socket.create_connection(("127.0.0.1", int(address))) as waiting:
            waiting.recv(1)
        yield b"second"

    mode = {{"Lambda-Runtime-Function-Response-Mode": "streaming"}}
    api.request("POST", path + request + "/response", chunks(), mode, encode_chunked=True)
    api.getresponse().read()
"""
"""A custom runtime that streams "first", waits until a client of the port that the event names answers, and goes on."""


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


@pytest.fixture
def streams(function):
    """A function that streams with AWS's helper functions for Node.js."""
    code = {"ZipFile": archive({"index.js": STREAMS})}
    return function("", Runtime="nodejs20.x", Handler="index.handler", Code=code, Timeout=30, MemorySize=512)


def test_chunks_arrive_while_the_handler_runs(function):
    code = {"ZipFile": archive({"bootstrap": WAITS.format(python=sys.executable)})}
    made = function("", Runtime="provided.al2023", Handler="any", Code=code, Timeout=30)
    url = urlsplit(make_url(made, InvokeMode="RESPONSE_STREAM"))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])

        def release():
            with server.accept()[0] as waiting:
                waiting.send(b"x")

        answer = made.client.invoke_with_response_stream(FunctionName=made.name, Payload=json.dumps(port))
        received = iter(answer["EventStream"])
        assert next(received) == {"PayloadChunk": {"Payload": b"first"}}
        release()
        assert list(received) == [{"PayloadChunk": {"Payload": b"second"}}, {"InvokeComplete": {}}]
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
        connection.request("POST", url.path, port, {"Content-Type": "text/plain"})
        response = connection.getresponse()
        assert (response.status, response.headers["content-type"]) == (200, "application/octet-stream")
        assert response.read(5) == b"first"
        release()
        assert response.read() == b"second"
        connection.close()


@node
def test_a_node_function_streams_and_invoke_buffers(streams):
    answer = streams.client.invoke_with_response_stream(FunctionName=streams.name, Payload=b'"typed"')
    chunks = [event["PayloadChunk"]["Payload"] for event in answer["EventStream"] if "PayloadChunk" in event]
    assert b"".join(chunks) == b'Hello,{"n":1}x'
    buffered = streams.client.invoke(FunctionName=streams.name, Payload=b'"typed"')
    assert buffered["Payload"].read() == b'Hello,{"n":1}x'
    large = [event.get("PayloadChunk", {}).get("Payload", b"") for event in events(streams, "large")]
    assert sum(map(len, large)) == 20_000_013
    failed = streams.client.invoke(FunctionName=streams.name, Payload=b'"fails"')
    assert (failed["FunctionError"], json.load(failed["Payload"])["errorMessage"]) == ("Unhandled", "after")


@node
@pytest.mark.parametrize(
    ("event", "chunks", "reason"), [("refused", b"", "before"), ("fails", b'Hello,{"n":1}', "after")]
)
def test_an_error_in_a_streaming_handler_ends_the_stream(streams, event, chunks, reason):
    *received, complete = events(streams, event)
    assert b"".join(each["PayloadChunk"]["Payload"] for each in received) == chunks
    assert complete["InvokeComplete"]["ErrorCode"] == "Unhandled"
    details = json.loads(complete["InvokeComplete"]["ErrorDetails"])
    assert (details["errorType"], details["errorMessage"]) == ("RangeError", reason)


@node
def test_a_function_url_streams_status_headers_and_body(streams):
    url = make_url(streams, InvokeMode="RESPONSE_STREAM")
    status, headers, body = ask(f"{url}prelude")
    assert (status, headers["x-kind"], headers.get_all("set-cookie")) == (203, "streamed", ["a=1", "b=2"])
    assert body == b'Hello,{"n":1}x'
    status, headers, body = ask(f"{url}plain")
    assert (status, headers["content-type"], body) == (200, "application/octet-stream", b'Hello,{"n":1}x')
    assert ask(f"{url}typed")[1]["content-type"] == "text/plain"
    assert ask(f"{url}refused")[0] == 502
    with pytest.raises(http.client.IncompleteRead):
        ask(f"{url}fails")


def test_the_body_of_a_streaming_url_is_the_result_of_a_runtime_that_does_not_stream(function):
    made = function("def handler(e, c):\n    return {'statusCode': 201, 'body': e['rawPath']}")
    status, _, body = ask(make_url(made, InvokeMode="RESPONSE_STREAM"))
    assert (status, json.loads(body)) == (200, {"statusCode": 201, "body": "/"})


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

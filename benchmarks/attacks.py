"""Requests that once blocked the cloud for every client; a client may send them with or without hostile intent."""

from __future__ import annotations

import contextlib
import http.client
import io
import itertools
import json
import socket
import time
import zipfile
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError

from benchmarks.clouds import Cloud
from benchmarks.functions import ROLE

Attack = Callable[[], object]
ANSWER_SECONDS = 30.0
"""Maximum seconds that an attacker waits for a response before the next attack."""
WILDCARDS = "*a" * 12 + "*b"
LETTERS = "a" * 2000
_numbers = itertools.count()


def attacks(cloud: Cloud) -> dict[str, Attack]:
    """Return each attack by name; a call sends it once and waits for the response."""
    return {
        "no attack": lambda: time.sleep(0.2),
        "StringMatches with 13 wildcards": Machine(cloud, _choice()).run,
        "TestEventPattern with 13 wildcards": lambda: _test_event_pattern(cloud),
        "SNS filter policy with 13 wildcards": FilteredTopic(cloud).publish,
        "JSONata: a string of 10^10 characters": Machine(
            cloud, _query("$length($replace($pad('',100000,'a'),'a',$pad('',100000,'b')))")
        ).run,
        "JSONata: $pad('a', 500000000)": Machine(cloud, _query("$length($pad('a', 500000000))")).run,
        "JSONata: a regular expression that backtracks": Machine(cloud, _query(f"$match('{'a' * 40}!', /(a+)+$/)")).run,
        "JSONata: endless tail recursion": Machine(cloud, _query("($f := function($n) { $f($n + 1) }; $f(0))")).run,
        "JSONata: a sum over 800,000 numbers": Machine(cloud, _query("$sum([1..800000].($ * 2))")).run,
        "JSONPath: a regular expression that backtracks": Machine(
            cloud,
            {"Type": "Pass", "InputPath": "$.list[?@.x =~ /(a+)+$/]", "End": True},
            {"list": [{"x": "a" * 40 + "!"}]},
        ).run,
        "CreateDomain with a URL that the model's pattern backtracks on": lambda: _create_domain(cloud),
        "a chunk of negative size": lambda: _negative_chunk(cloud),
        "an Authorization header of 63,000 letters, unsigned": lambda: _long_authorization(cloud),
        "PublishBatch of 8,000 entries": lambda: _publish_batch(cloud),
        "a JSON list of 120 MB": lambda: _long_list(cloud),
        "a form of 2 million fields": lambda: _long_form(cloud),
        "DeleteObjects of 60 MB": lambda: _delete_objects(cloud),
        "FilterLogEvents over 300,000 lines with 100 terms": LogLines(cloud).filter,
        "a function's archive of 49 MB": LargeArchive(cloud).create,
        "Invoke with a payload of 6 MB": LargePayload(cloud).invoke,
        "two nested Maps of 1,000 items": Machine(cloud, _nested_maps(2), {"a": [1]}).run,
        "a loop of states with 256 KB": Machine(cloud, _loop(), {"text": "x" * 262_000}).run,
        "an input template that multiplies an event": MultiplyingRule(cloud).put,
        "a fan-out of 250 KB to 200 queues": FanOut(cloud).publish,
        "300 readers that do not read": UnreadObject(cloud).open,
    }


def _client(cloud: Cloud, service: str) -> Any:
    return cloud.client(service, seconds=ANSWER_SECONDS)


class Machine:
    """A state machine of one state, created at the first run. A rejected definition counts as a response."""

    def __init__(self, cloud: Cloud, state: dict[str, Any], given: Any = None) -> None:
        self._cloud, self._state, self._given = cloud, state, {"text": LETTERS} if given is None else given
        self._arn = ""

    def run(self) -> None:
        """Run one execution to its end, or stop it after ANSWER_SECONDS."""
        client = _client(self._cloud, "stepfunctions")
        ends = {"Done": {"Type": "Succeed"}} if "Default" in self._state else {}
        definition = {"StartAt": "S", "States": {"S": self._state, **ends}}
        with contextlib.suppress(ClientError, BotoCoreError):
            if not self._arn:
                made = client.create_state_machine(
                    name=f"attack-{next(_numbers)}", roleArn=ROLE, definition=json.dumps(definition)
                )
                self._arn = made["stateMachineArn"]
            arn = client.start_execution(stateMachineArn=self._arn, input=json.dumps(self._given))["executionArn"]
            deadline = time.monotonic() + ANSWER_SECONDS
            while client.describe_execution(executionArn=arn)["status"] == "RUNNING":
                if time.monotonic() > deadline:
                    client.stop_execution(executionArn=arn)
                time.sleep(0.05)


def _choice() -> dict[str, Any]:
    rule = {"Variable": "$.text", "StringMatches": WILDCARDS, "Next": "Done"}
    return {"Type": "Choice", "Choices": [rule], "Default": "Done"}


def _loop() -> dict[str, Any]:
    rule = {"Variable": "$.text", "IsNumeric": True, "Next": "Done"}
    return {"Type": "Choice", "Choices": [rule], "Default": "S"}


def _nested_maps(depth: int) -> dict[str, Any]:
    processor: dict[str, Any] = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    for level in range(depth):
        every = {"Type": "Map", "ItemsPath": "$.a", "ItemProcessor": processor, "End": True}
        made = {"Type": "Pass", "Parameters": {"a.$": "States.ArrayRange(1,1000,1)"}, "Next": f"Every{level}"}
        processor = {"StartAt": f"Range{level}", "States": {f"Range{level}": made, f"Every{level}": every}}
    return {"Type": "Map", "ItemsPath": "$.a", "ItemProcessor": processor, "End": True}


def _query(expression: str) -> dict[str, Any]:
    return {"Type": "Pass", "QueryLanguage": "JSONata", "Output": f"{{% {expression} %}}", "End": True}


def _test_event_pattern(cloud: Cloud) -> None:
    event = {
        "id": "1",
        "account": "1",
        "source": "a",
        "time": "2026-01-01T00:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail-type": "t",
        "detail": {"text": LETTERS},
    }
    with contextlib.suppress(ClientError, BotoCoreError):
        _client(cloud, "events").test_event_pattern(
            EventPattern=json.dumps({"detail": {"text": [{"wildcard": WILDCARDS}]}}), Event=json.dumps(event)
        )


class FilteredTopic:
    """A topic with a queue whose subscription filters by a wildcard."""

    def __init__(self, cloud: Cloud) -> None:
        self._client, self._sqs, self._topic = _client(cloud, "sns"), _client(cloud, "sqs"), ""

    def publish(self) -> None:
        """Publish one message that the filter must compare."""
        with contextlib.suppress(ClientError, BotoCoreError):
            if not self._topic:
                self._topic = self._client.create_topic(Name=f"attack-{next(_numbers)}")["TopicArn"]
                self._client.subscribe(
                    TopicArn=self._topic,
                    Protocol="sqs",
                    Endpoint=_queue(self._sqs),
                    Attributes={
                        "FilterPolicy": json.dumps({"text": [{"wildcard": WILDCARDS}]}),
                        "FilterPolicyScope": "MessageBody",
                    },
                )
            self._client.publish(TopicArn=self._topic, Message=json.dumps({"text": LETTERS}))


def _create_domain(cloud: Cloud) -> None:
    url = "https://github.com/organization/repository-name?ref=main"
    with contextlib.suppress(ClientError, BotoCoreError):
        _client(cloud, "sagemaker").create_domain(
            DomainName=f"attack-{next(_numbers)}",
            AuthMode="IAM",
            VpcId="vpc-1",
            SubnetIds=["subnet-1"],
            DefaultUserSettings={
                "ExecutionRole": ROLE,
                "JupyterLabAppSettings": {"CodeRepositories": [{"RepositoryUrl": url}]},
            },
        )


class LogLines:
    """A log group of 300,000 lines, written at the first call."""

    def __init__(self, cloud: Cloud) -> None:
        self._client, self._group = _client(cloud, "logs"), ""

    def filter(self) -> None:
        """Request one page of the lines that match 100 terms."""
        if not self._group:
            self._group = f"/attack/{next(_numbers)}"
            self._client.create_log_group(logGroupName=self._group)
            self._client.create_log_stream(logGroupName=self._group, logStreamName="s")
            now = int(time.time() * 1000)
            for batch in range(30):
                events = [{"timestamp": now, "message": f"line {batch} {n} of nothing much"} for n in range(10_000)]
                self._client.put_log_events(logGroupName=self._group, logStreamName="s", logEvents=events)
        pattern = " ".join(f"?t{n}" for n in range(100))
        with contextlib.suppress(ClientError, BotoCoreError):
            self._client.filter_log_events(logGroupName=self._group, filterPattern=pattern)


class LargeArchive:
    """A function with the largest archive that one request allows."""

    def __init__(self, cloud: Cloud) -> None:
        self._client, self._archive = _client(cloud, "lambda"), b""

    def create(self) -> None:
        """Create a function."""
        if not self._archive:
            self._archive = _archive("1", bytes(49_000_000))
        with contextlib.suppress(ClientError, BotoCoreError):
            _create_function(self._client, self._archive)


class LargePayload:
    """A function that returns its input."""

    def __init__(self, cloud: Cloud) -> None:
        self._client, self._name = _client(cloud, "lambda"), ""

    def invoke(self) -> None:
        """Invoke it with the largest payload that Invoke allows."""
        if not self._name:
            self._name = _create_function(self._client, _archive("len(event)"))
        with contextlib.suppress(ClientError, BotoCoreError):
            self._client.invoke(FunctionName=self._name, Payload=json.dumps(["a" * 60] * 95_000))


def _archive(result: str, data: bytes = b"") -> bytes:
    """Return the archive of a function that returns an expression's value, with `data` as another file."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("code.py", f"def handler(event, context): return {result}")
        archive.writestr("data.bin", data)
    return content.getvalue()


def _create_function(client: Any, archive: bytes) -> str:
    """Create a function and return its name."""
    name = f"attack-{next(_numbers)}"
    client.create_function(
        FunctionName=name, Runtime="python3.11", Role=ROLE, Handler="code.handler", Code={"ZipFile": archive}
    )
    return name


class MultiplyingRule:
    """A rule whose template repeats an event 2,500 times."""

    def __init__(self, cloud: Cloud) -> None:
        self._client, self._sqs, self._made = _client(cloud, "events"), _client(cloud, "sqs"), False

    def put(self) -> None:
        """Put one event of 80 KB."""
        with contextlib.suppress(ClientError, BotoCoreError):
            if not self._made:
                self._client.put_rule(Name="attack", EventPattern=json.dumps({"source": ["attack"]}))
                transformer = {"InputPathsMap": {"a": "$"}, "InputTemplate": '"' + "<a>" * 2500 + '"'}
                target = {"Id": "1", "Arn": _queue(self._sqs), "InputTransformer": transformer}
                self._client.put_targets(Rule="attack", Targets=[target])
                self._made = True
            detail = json.dumps({"x": '"<a>\\' * 20_000})
            self._client.put_events(Entries=[{"Source": "attack", "DetailType": "t", "Detail": detail}])


class FanOut:
    """A topic with 200 queues."""

    def __init__(self, cloud: Cloud) -> None:
        self._client, self._sqs, self._topic = _client(cloud, "sns"), _client(cloud, "sqs"), ""

    def publish(self) -> None:
        """Publish ten messages of 25 KB."""
        with contextlib.suppress(ClientError, BotoCoreError):
            if not self._topic:
                topic = self._client.create_topic(Name=f"attack-{next(_numbers)}")["TopicArn"]
                for _ in range(200):
                    self._client.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=_queue(self._sqs))
                self._topic = topic
            entries = [{"Id": str(n), "Message": "x" * 25_000} for n in range(10)]
            self._client.publish_batch(TopicArn=self._topic, PublishBatchRequestEntries=entries)


def _queue(client: Any) -> str:
    url = client.create_queue(QueueName=f"attack-{next(_numbers)}")["QueueUrl"]
    attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    arn: str = attributes["QueueArn"]
    return arn


class UnreadObject:
    """An object of 100 MB, requested on 300 connections that do not read the response."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud, self._client, self._path = cloud, _client(cloud, "s3"), ""

    def open(self) -> None:
        """Open the connections, hold them for two seconds, and close them."""
        split = urlsplit(self._cloud.url)
        if not self._path:
            with contextlib.suppress(ClientError, BotoCoreError):
                self._client.create_bucket(Bucket="attacked")
            self._client.put_object(Bucket="attacked", Key="large", Body=bytes(100 << 20))
            url = urlsplit(
                self._client.generate_presigned_url("get_object", Params={"Bucket": "attacked", "Key": "large"})
            )
            self._path = f"{url.path}?{url.query}"
        request = f"GET {self._path} HTTP/1.1\r\nHost: {split.netloc}\r\n\r\n".encode()
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for _ in range(300):
                connection = stack.enter_context(socket.create_connection((split.hostname, split.port)))
                connection.sendall(request)
            time.sleep(2)


# --- Requests that no SDK sends --------------------------------------------------------------------------------------


def _negative_chunk(cloud: Cloud) -> None:
    with contextlib.suppress(ClientError, BotoCoreError):
        _client(cloud, "s3").create_bucket(Bucket="attacked")
    headers = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-decoded-content-length": "2"}
    _send(cloud, "s3", "PUT", "/attacked/key", b"-1\r\nab", headers)


def _long_authorization(cloud: Cloud) -> None:
    _exchange(cloud, "GET", "/", b"", {"Authorization": "AWS4-HMAC-SHA256 " + "a" * 63_000})


def _publish_batch(cloud: Cloud) -> None:
    entries = "".join(
        f"&PublishBatchRequestEntries.member.{n}.Id=i{n}&PublishBatchRequestEntries.member.{n}.Message=m"
        for n in range(1, 8001)
    )
    topic = quote("arn:aws:sns:us-east-1:111122223333:attack", safe="")
    body = f"Action=PublishBatch&Version=2010-03-31&TopicArn={topic}{entries}"
    _send(cloud, "sns", "POST", "/", body.encode(), _FORM)


def _long_list(cloud: Cloud) -> None:
    body = b'{"logGroupName": "g", "tags": [' + b"0," * 60_000_000 + b"0]}"
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "Logs_20140328.CreateLogGroup"}
    _send(cloud, "logs", "POST", "/", body, headers)


def _long_form(cloud: Cloud) -> None:
    body = b"Action=GetCallerIdentity&Version=2011-06-15" + b"".join(b"&a%d=b" % n for n in range(2_000_000))
    _send(cloud, "sts", "POST", "/", body, _FORM)


def _delete_objects(cloud: Cloud) -> None:
    body = b"<Delete>" + b"<Object><Key>a</Key></Object>" * 2_000_000 + b"</Delete>"
    _send(cloud, "s3", "POST", "/attacked?delete=", body, {"content-type": "application/xml"})


_FORM = {"content-type": "application/x-www-form-urlencoded"}


def _send(cloud: Cloud, service: str, method: str, path: str, body: bytes, headers: dict[str, str]) -> None:
    """Sign a request unchanged and send it."""
    request = AWSRequest(method, cloud.url + path, headers, body)
    signer = SigV4Auth(Credentials(cloud.access_key, cloud.secret_key), service, cloud.region)
    signer.add_auth(request)
    _exchange(cloud, method, path, body, dict(request.headers))


def _exchange(cloud: Cloud, method: str, path: str, body: bytes, headers: dict[str, str]) -> None:
    """Send a request and wait for its response; a connection that the cloud closes counts as a response."""
    split = urlsplit(cloud.url)
    connection = http.client.HTTPConnection(split.hostname or "", split.port, timeout=ANSWER_SECONDS)
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection.request(method, path, body, headers)
        connection.getresponse().read()
    connection.close()

"""SNS: HTTP endpoints that confirm their subscriptions and receive messages."""

from __future__ import annotations

import json
import queue
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

WAIT = 60.0
"""Seconds for a request to arrive on a busy machine."""


class Received(NamedTuple):
    """A request that an endpoint received."""

    path: str
    headers: dict[str, str]
    body: str


class Endpoint:
    """An HTTP server that keeps its requests; its responses have the statuses in `statuses`, then 200."""

    def __init__(self) -> None:
        self.requests: queue.Queue[Received] = queue.Queue()
        self.statuses: queue.Queue[int] = queue.Queue()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                endpoint.requests.put(Received(self.path, headers, body))
                self.send_response(200 if endpoint.statuses.empty() else endpoint.statuses.get())
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Write nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://localhost:{self.server.server_port}/hook?a=1"

    def next(self) -> Received:
        return self.requests.get(timeout=WAIT)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    found = Endpoint()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture(scope="module")
def sns(cloud: Any) -> Any:
    return cloud.client("sns")


@pytest.fixture
def topic(sns: Any) -> str:
    return str(sns.create_topic(Name=f"t-{uuid.uuid4().hex[:12]}")["TopicArn"])


def subscribe(sns: Any, topic: str, endpoint: Endpoint, **attributes: str) -> tuple[str, dict[str, Any]]:
    """Subscribe an endpoint; return the subscription's ARN and the confirmation request's document."""
    arn = sns.subscribe(
        TopicArn=topic, Protocol="http", Endpoint=endpoint.url, Attributes=attributes, ReturnSubscriptionArn=True
    )["SubscriptionArn"]
    return arn, json.loads(endpoint.next().body)


def get(url: str) -> tuple[int, str]:
    """Send a GET request without a signature; return the status and the body."""
    try:
        with urllib.request.urlopen(url) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_an_endpoint_confirms_its_subscription_and_receives_messages(sns: Any, topic: str, endpoint: Endpoint) -> None:
    answer = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)
    assert answer["SubscriptionArn"] == "pending confirmation"
    asked = endpoint.next()
    document = json.loads(asked.body)
    assert asked.path == "/hook?a=1"
    assert asked.headers["x-amz-sns-message-type"] == document["Type"] == "SubscriptionConfirmation"
    assert "x-amz-sns-subscription-arn" not in asked.headers
    assert asked.headers["user-agent"] == "Amazon Simple Notification Service Agent"
    assert document["Message"] == (
        f"You have chosen to subscribe to the topic {topic}.\n"
        "To confirm the subscription, visit the SubscribeURL included in this message."
    )
    assert document["SubscribeURL"].endswith(f"/?Action=ConfirmSubscription&TopicArn={topic}&Token={document['Token']}")
    sns.publish(TopicArn=topic, Message="too early")

    status, text = get(document["SubscribeURL"])
    arn = text.partition("<SubscriptionArn>")[2].partition("<")[0]
    assert status == 200
    shown = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert (shown["PendingConfirmation"], shown["ConfirmationWasAuthenticated"]) == ("false", "false")
    sent = sns.publish(TopicArn=topic, Message="hello", Subject="Hi")
    notified = endpoint.next()
    assert {name: value for name, value in notified.headers.items() if name.startswith("x-amz")} == {
        "x-amz-sns-message-type": "Notification",
        "x-amz-sns-message-id": sent["MessageId"],
        "x-amz-sns-topic-arn": topic,
        "x-amz-sns-subscription-arn": arn,
    }
    assert notified.headers["content-type"] == "text/plain; charset=UTF-8"
    document = json.loads(notified.body)
    assert (document["Type"], document["Message"], document["Subject"]) == ("Notification", "hello", "Hi")


def test_raw_messages_have_the_content_type_of_the_delivery_policy(sns: Any, topic: str, endpoint: Endpoint) -> None:
    policy = json.dumps({"requestPolicy": {"headerContentType": "application/json"}})
    arn, asked = subscribe(sns, topic, endpoint, RawMessageDelivery="true", DeliveryPolicy=policy)
    assert sns.confirm_subscription(TopicArn=topic, Token=asked["Token"])["SubscriptionArn"] == arn
    shown = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert shown["ConfirmationWasAuthenticated"] == "true"
    assert json.loads(shown["EffectiveDeliveryPolicy"])["requestPolicy"] == {"headerContentType": "application/json"}
    sns.publish(TopicArn=topic, Message='{"n": 1}')
    notified = endpoint.next()
    assert (notified.body, notified.headers["content-type"]) == ('{"n": 1}', "application/json")
    assert notified.headers["x-amz-sns-rawdelivery"] == "true"


def test_an_unsigned_request_deletes_a_subscription_that_its_endpoint_can_restore(
    sns: Any, topic: str, endpoint: Endpoint
) -> None:
    arn, asked = subscribe(sns, topic, endpoint)
    get(asked["SubscribeURL"])
    sns.publish(TopicArn=topic, Message="first")
    link = json.loads(endpoint.next().body)["UnsubscribeURL"]
    assert get(link)[0] == 200
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    asked = json.loads(endpoint.next().body)
    assert asked["Type"] == "UnsubscribeConfirmation"
    assert asked["Message"].startswith(f"You have chosen to deactivate subscription {arn}.\n")
    get(asked["SubscribeURL"])
    sns.publish(TopicArn=topic, Message="second")
    assert json.loads(endpoint.next().body)["Message"] == "second"


def test_a_guarded_subscription_is_deleted_by_signed_requests_only(
    cloud: Any, sns: Any, topic: str, endpoint: Endpoint
) -> None:
    arn, asked = subscribe(sns, topic, endpoint)
    sns.confirm_subscription(TopicArn=topic, Token=asked["Token"], AuthenticateOnUnsubscribe="true")
    status, text = get(f"{cloud.url}/?Action=Unsubscribe&SubscriptionArn={arn}")
    assert (status, "<Code>AuthorizationError</Code>" in text) == (403, True)
    sns.unsubscribe(SubscriptionArn=arn)
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


@pytest.mark.parametrize(
    ("topic_arn", "token", "message"),
    [
        ("not-an-arn", None, "Invalid parameter: Topic"),
        ("arn:aws:sns:eu-central-1:111122223333:t", None, "Invalid parameter: Topic"),
        (None, "abc123", "Invalid parameter: Token"),
        (None, "randomtoken", "Invalid token"),
    ],
)
def test_other_tokens_are_refused(
    cloud: Any, sns: Any, topic: str, topic_arn: str | None, token: str | None, message: str
) -> None:
    given = {"TopicArn": topic_arn or topic, "Token": token or "51b2ff3e"}
    with pytest.raises(ClientError) as caught:
        sns.confirm_subscription(**given)
    assert caught.value.response["Error"]["Message"] == message
    status, text = get(f"{cloud.url}/?Action=ConfirmSubscription&TopicArn={given['TopicArn']}&Token={given['Token']}")
    assert (status, f"<Message>{message}</Message>" in text) == (400, True)


def test_a_message_that_an_endpoint_refuses_goes_to_the_dead_letter_queue(
    sns: Any, topic: str, endpoint: Endpoint, make_queue: Any
) -> None:
    dead = make_queue()
    _arn, asked = subscribe(sns, topic, endpoint, RedrivePolicy=json.dumps({"deadLetterTargetArn": dead.arn}))
    sns.confirm_subscription(TopicArn=topic, Token=asked["Token"])
    endpoint.statuses.put(503)  # is repeated
    sns.publish(TopicArn=topic, Message="repeated")
    assert [json.loads(endpoint.next().body)["Message"] for _ in range(2)] == ["repeated", "repeated"]
    endpoint.statuses.put(404)  # is final
    sns.publish(TopicArn=topic, Message="refused")
    assert json.loads(dead.bodies(1)[0])["Message"] == "refused"


def test_endpoints_are_refused_or_stay_pending(sns: Any, topic: str) -> None:
    with pytest.raises(ClientError) as caught:
        sns.subscribe(TopicArn=topic, Protocol="https", Endpoint="http://localhost/")
    assert caught.value.response["Error"]["Message"] == "Invalid parameter: Endpoint must match the specified protocol"
    given = {"TopicArn": topic, "Protocol": "https", "Endpoint": "https://example.com/"}
    assert sns.subscribe(**given)["SubscriptionArn"] == "pending confirmation"  # this machine is not its host
    arn = sns.subscribe(**given, ReturnSubscriptionArn=True)["SubscriptionArn"]
    shown = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert (shown["PendingConfirmation"], shown["ConfirmationWasAuthenticated"]) == ("true", "false")


def test_a_confirmation_survives_a_crash(start_cloud: Any, endpoint: Endpoint) -> None:
    first = start_cloud()
    topic = first.client("sns").create_topic(Name="t")["TopicArn"]
    arn, asked = subscribe(first.client("sns"), topic, endpoint)
    first.kill()
    second = start_cloud().client("sns")
    assert second.confirm_subscription(TopicArn=topic, Token=asked["Token"])["SubscriptionArn"] == arn
    second.publish(TopicArn=topic, Message="after")
    assert json.loads(endpoint.next().body)["Message"] == "after"

"""The forms in which subscribers receive a message: SNS's JSON for queues, and an event for functions."""

from __future__ import annotations

import json
from typing import Any

from scones.cloud.services.sns.topic_records import Subscription

UNSIGNED = "UNSIGNED"
"""Placeholder for the signature: only AWS has the private key with which it signs notifications."""


def notification(message: dict[str, Any], subscription: Subscription, url: str) -> str:
    """Return the JSON text that queues receive."""
    document: dict[str, Any] = {"Type": "Notification", "MessageId": message["MessageId"]}
    if message["SequenceNumber"]:
        document["SequenceNumber"] = message["SequenceNumber"]
    document["TopicArn"] = subscription.topic
    if message["Subject"]:
        document["Subject"] = message["Subject"]
    document |= {"Message": text_for(message, subscription.protocol), "Timestamp": message["Timestamp"]}
    if not message["SequenceNumber"]:  # FIFO topics do not sign
        document |= {"SignatureVersion": "1", "Signature": UNSIGNED, "SigningCertURL": certificate_url(url)}
    document["UnsubscribeURL"] = unsubscribe_url(url, subscription)
    if message["MessageAttributes"]:
        document["MessageAttributes"] = _attributes(message)
    return json.dumps(document, ensure_ascii=False, indent=2, separators=(",", " : "))  # AWS's layout


def lambda_event(message: dict[str, Any], subscription: Subscription, url: str) -> str:
    """Return the event that functions receive: Lambda Developer Guide, "Using Lambda with Amazon SNS"."""
    record = {
        "Type": "Notification",
        "MessageId": message["MessageId"],
        "TopicArn": subscription.topic,
        "Subject": message["Subject"],
        "Message": text_for(message, subscription.protocol),
        "Timestamp": message["Timestamp"],
        "SignatureVersion": "1",
        "Signature": UNSIGNED,
        "SigningCertUrl": certificate_url(url),
        "UnsubscribeUrl": unsubscribe_url(url, subscription),
        "MessageAttributes": _attributes(message),
    }
    event = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription.arn,
        "Sns": record,
    }
    return json.dumps({"Records": [event]})


def text_for(message: dict[str, Any], protocol: str) -> str:
    """Return the message's text for a protocol; with MessageStructure `json`, each protocol can have its own."""
    if message["MessageStructure"] != "json":
        return str(message["Message"])
    texts = json.loads(message["Message"])
    own = texts.get(protocol)
    return own if isinstance(own, str) else str(texts["default"])


def certificate_url(url: str) -> str:
    """Return the URL of the signing certificate; the local cloud serves nothing there."""
    return f"{url}/SimpleNotificationService-none.pem"


def unsubscribe_url(url: str, subscription: Subscription) -> str:
    """Return the URL that deletes a subscription, in AWS's form."""
    return f"{url}/?Action=Unsubscribe&SubscriptionArn={subscription.arn}"


def _attributes(message: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {
        name: {"Type": each["DataType"], "Value": each.get("StringValue") or each.get("BinaryValue", "")}
        for name, each in message["MessageAttributes"].items()
    }

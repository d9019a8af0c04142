"""The forms in which subscribers receive a message: SNS's JSON for queues and endpoints, and an event for functions."""

from __future__ import annotations

import json
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.services.sns.signing import DEFAULT_VERSION, Signer
from scones.cloud.services.sns.topic_records import Subscription, TopicRecords


class Envelopes:
    """Puts messages into SNS's envelopes, which are signed."""

    def __init__(self, cloud: CloudContext, records: TopicRecords, signer: Signer) -> None:
        self._cloud = cloud
        self._records = records
        self._signer = signer

    async def notification(self, message: dict[str, Any], subscription: Subscription) -> str:
        """Return the JSON text that queues and HTTP endpoints receive."""
        document = _notified(message, subscription)
        if not message["SequenceNumber"]:  # FIFO topics do not sign
            document |= await self._signature(document)
        document["UnsubscribeURL"] = self._unsubscribe_url(subscription)
        if message["MessageAttributes"]:
            document["MessageAttributes"] = _attributes(message)
        return _dump(document)

    async def confirmation(self, message: dict[str, Any], subscription: Subscription) -> str:
        """Return the JSON text that asks an HTTP endpoint for a confirmation."""
        token, topic = message["Token"], subscription.topic
        document = {
            "Type": message["Type"],
            "MessageId": message["MessageId"],
            "Token": token,
            "TopicArn": topic,
            "Message": message["Message"],
            "SubscribeURL": f"{self._cloud.url}/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}",
            "Timestamp": message["Timestamp"],
        }
        return _dump(document | await self._signature(document))

    async def lambda_event(self, message: dict[str, Any], subscription: Subscription) -> str:
        """Return the event that functions receive: Lambda Developer Guide, "Using Lambda with Amazon SNS".

        As recorded on AWS, the event names signature version 1 even if the topic's version is 2.
        """
        document = _notified(message, subscription)
        signature = await self._signature(document)
        record = document | {
            "Subject": message["Subject"],
            "SignatureVersion": DEFAULT_VERSION,
            "Signature": signature["Signature"],
            "SigningCertUrl": signature["SigningCertURL"],
            "UnsubscribeUrl": self._unsubscribe_url(subscription),
            "MessageAttributes": _attributes(message),
        }
        event = {
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": subscription.arn,
            "Sns": record,
        }
        return json.dumps({"Records": [event]})

    async def _signature(self, document: dict[str, Any]) -> dict[str, str]:
        topic = self._records.find_topic(document["TopicArn"])
        version = topic.attributes.get("SignatureVersion") if topic else None
        return await self._signer.members(document, version or DEFAULT_VERSION)

    def _unsubscribe_url(self, subscription: Subscription) -> str:
        return f"{self._cloud.url}/?Action=Unsubscribe&SubscriptionArn={subscription.arn}"


def _notified(message: dict[str, Any], subscription: Subscription) -> dict[str, Any]:
    """Return the first members of a notification, which its signature covers."""
    document: dict[str, Any] = {"Type": "Notification", "MessageId": message["MessageId"]}
    if message["SequenceNumber"]:
        document["SequenceNumber"] = message["SequenceNumber"]
    document["TopicArn"] = subscription.topic
    if message["Subject"]:
        document["Subject"] = message["Subject"]
    return document | {"Message": text_for(message, subscription.protocol), "Timestamp": message["Timestamp"]}


def text_for(message: dict[str, Any], protocol: str) -> str:
    """Return the message's text for a protocol; with MessageStructure `json`, each protocol can have its own."""
    if message["MessageStructure"] != "json":
        return str(message["Message"])
    texts = json.loads(message["Message"])
    own = texts.get(protocol)
    return own if isinstance(own, str) else str(texts["default"])


def _attributes(message: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {
        name: {"Type": each["DataType"], "Value": each.get("StringValue") or each.get("BinaryValue", "")}
        for name, each in message["MessageAttributes"].items()
    }


def _dump(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2, separators=(",", " : "))  # AWS's layout

"""Operations on subscriptions."""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Mapping

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import service_of
from scones.cloud.core.credentials import ANONYMOUS
from scones.cloud.delivery.http_post import is_local
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.sns.confirmations import SUBSCRIBED, UNSUBSCRIBED, Confirmations
from scones.cloud.services.sns.delivery_policies import check_delivery_policy, subscription_attributes
from scones.cloud.services.sns.errors import check_arn, check_json, invalid, no_topic
from scones.cloud.services.sns.filters import BODY, check_filter
from scones.cloud.services.sns.topic_records import HTTP_PROTOCOLS, Subscription, Topic, TopicRecords, page
from scones.cloud.wire.members import Members

log = logging.getLogger(__name__)

_MAIL_PROTOCOLS = ("email", "email-json")
_RAW_PROTOCOLS = ("sqs", *HTTP_PROTOCOLS)
_PHONE_NUMBER = re.compile(r"\+?[1-9](?:[./-]?[0-9]){1,14}")
_ATTRIBUTES = {
    "DeliveryPolicy",
    "FilterPolicy",
    "FilterPolicyScope",
    "RawMessageDelivery",
    "RedrivePolicy",
}
_DEFAULTS = {"RawMessageDelivery": "false", "FilterPolicyScope": "MessageAttributes"}
TOPIC_ARN_PARTS = 6
"""Number of parts of a topic's ARN; a subscription's ARN has one more."""
PENDING = "pending confirmation"


class SubscriptionOperations:
    """Operations that subscribe queues, functions and HTTP endpoints to topics.

    An HTTP endpoint on this machine confirms its subscription. Subscriptions of other endpoints and of email addresses
    stay pending, because the local cloud sends nothing to them. Subscriptions of telephone numbers and of platform
    endpoints are stored, and get no messages.
    """

    def __init__(self, cloud: CloudContext, records: TopicRecords, confirmations: Confirmations) -> None:
        self._cloud = cloud
        self._records = records
        self._confirmations = confirmations

    async def subscribe(self, call: OperationCall) -> Members:
        """Subscribe an endpoint; if it is subscribed with the same attributes, return its subscription."""
        params = call.params
        protocol, endpoint = params["Protocol"], params.get("Endpoint", "")
        given = params.get("Attributes") or {}
        topic = self._records.topic(params["TopicArn"])
        _check_endpoint(topic, protocol, endpoint)
        for name, value in given.items():
            _check_attribute(name, value, (protocol, endpoint), given)
        given = _stored_form(given)
        if self._records.subscribed(topic.arn, protocol, endpoint) is None:
            pending = protocol in (*_MAIL_PROTOCOLS, *HTTP_PROTOCOLS)
            new = Subscription(
                arn=f"{topic.arn}:{uuid.uuid4()}",
                topic=topic.arn,
                protocol=protocol,
                endpoint=endpoint,
                attributes=given,
                pending=pending,
                principal=call.caller.arn,
                authenticated=not pending,
            )
            await self._records.add_subscription(new)
        found = self._records.subscribed(topic.arn, protocol, endpoint)
        if found is None:  # the topic was deleted meanwhile
            raise no_topic()
        if any(found.attributes.get(name, _DEFAULTS.get(name)) != value for name, value in given.items()):
            raise invalid("Attributes Reason: Subscription already exists with different attributes")
        if found.pending:
            await self._ask_for_confirmation(found)
        shown_arn = PENDING if found.pending and not params.get("ReturnSubscriptionArn") else found.arn
        return {"SubscriptionArn": shown_arn}

    async def _ask_for_confirmation(self, subscription: Subscription) -> None:
        if subscription.to_endpoint and is_local(subscription.endpoint):
            await self._confirmations.send(SUBSCRIBED, subscription)
            return
        sent = "requests to this machine only" if subscription.to_endpoint else "no email"
        log.warning(
            "The subscription of %s to %s stays pending: the local cloud sends %s",
            subscription.endpoint,
            subscription.topic,
            sent,
        )

    async def unsubscribe(self, call: OperationCall) -> Members:
        """Delete a subscription; do nothing if it does not exist.

        The endpoint of a subscription that a request without a signature deletes can restore it.
        """
        arn = call.params["SubscriptionArn"]
        check_arn(arn, "SubscriptionArn")
        if len(arn.split(":")) == TOPIC_ARN_PARTS:
            raise invalid("SubscriptionId")
        found = next((each for each in self._records.subscriptions() if each.arn == arn), None)
        if found is None:
            return {}
        unsigned = call.caller is ANONYMOUS
        if unsigned and found.guarded:
            raise ServiceError("AuthorizationError", "Authenticated request required to unsubscribe", 403)
        await self._records.delete_subscription(found)
        if unsigned and found.to_endpoint:
            await self._confirmations.send(UNSUBSCRIBED, found)
        return {}

    async def list_subscriptions(self, call: OperationCall) -> Members:
        """List all subscriptions, 100 per page."""
        return self._listed(self._records.subscriptions(), call)

    async def list_subscriptions_by_topic(self, call: OperationCall) -> Members:
        """List a topic's subscriptions, 100 per page."""
        topic = self._records.topic(call.params["TopicArn"])
        return self._listed(self._records.subscriptions(topic.arn), call)

    def _listed(self, subscriptions: list[Subscription], call: OperationCall) -> Members:
        found, token = page(subscriptions, call.params.get("NextToken"))
        members = [
            {
                "SubscriptionArn": "PendingConfirmation" if each.pending else each.arn,
                "Owner": self._cloud.settings.account,
                "Protocol": each.protocol,
                "Endpoint": each.endpoint,
                "TopicArn": each.topic,
            }
            for each in found
        ]
        return {"Subscriptions": members, "NextToken": token}

    async def get_subscription_attributes(self, call: OperationCall) -> Members:
        """Return a subscription's attributes."""
        found = self._records.subscription(call.params["SubscriptionArn"])
        topic = self._records.find_topic(found.topic)
        own = found.attributes if "FilterPolicy" in found.attributes else _without_scope(found.attributes)
        defaults = _DEFAULTS if "FilterPolicy" in found.attributes else _without_scope(_DEFAULTS)
        return {
            "Attributes": {
                "SubscriptionArn": found.arn,
                "TopicArn": found.topic,
                "Protocol": found.protocol,
                "Endpoint": found.endpoint,
                "Owner": self._cloud.settings.account,
                **({"SubscriptionPrincipal": found.principal} if found.principal else {}),
                "ConfirmationWasAuthenticated": str(found.authenticated).lower(),
                "PendingConfirmation": str(found.pending).lower(),
                **defaults,
                **own,
                **subscription_attributes(topic.attributes if topic else {}, found.attributes),
            }
        }

    async def set_subscription_attributes(self, call: OperationCall) -> Members:
        """Change one attribute of a subscription; an empty value removes it."""
        found = self._records.subscription(call.params["SubscriptionArn"])
        name, value = call.params["AttributeName"], call.params.get("AttributeValue", "")
        changed = {**found.attributes, name: value}
        _check_attribute(name, value, (found.protocol, found.endpoint), changed, subscribing=False)
        if name == "FilterPolicyScope" and "FilterPolicy" in changed:
            check_filter(changed["FilterPolicy"], value)
        await self._records.change_subscription(found.arn, _stored_form(changed))
        return {}


def _stored_form(given: dict[str, str]) -> dict[str, str]:
    """Return attributes as SNS stores them: without empty ones and empty filters, and with booleans in lower case."""
    stored = {name: value.lower() if name == "RawMessageDelivery" else value for name, value in given.items()}
    return {name: value for name, value in stored.items() if value not in ("", "{}")}


def _without_scope(attributes: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in attributes.items() if name != "FilterPolicyScope"}


def _check_endpoint(topic: Topic, protocol: str, endpoint: str) -> None:
    if protocol == "firehose":
        raise invalid("Protocol firehose: the local cloud has no delivery streams; subscribe a queue instead")
    if protocol not in ("sqs", "lambda", "sms", "application", *HTTP_PROTOCOLS, *_MAIL_PROTOCOLS):
        raise invalid(f"Amazon SNS does not support this protocol string: {protocol}")
    if protocol in HTTP_PROTOCOLS and not endpoint.startswith(f"{protocol}://"):
        raise invalid("Endpoint must match the specified protocol")
    service = service_of(endpoint)
    if protocol == "sqs" and service != "sqs":
        raise invalid("SQS endpoint ARN")
    if protocol == "lambda" and service != "lambda":
        raise invalid("Lambda endpoint ARN")
    if protocol == "application" and (service != "sns" or ":endpoint/" not in endpoint):
        raise invalid("ApplicationEndpoint ARN")
    if protocol in _MAIL_PROTOCOLS and "@" not in endpoint:
        raise invalid("Email address")
    if protocol == "sms" and not _PHONE_NUMBER.fullmatch(endpoint):
        raise ServiceError("InvalidParameter", f"Invalid SMS endpoint: {endpoint}")
    if protocol == "sqs" and endpoint.endswith(".fifo") and not topic.fifo:
        # AWS repeats "Invalid parameter:" in this message, as users' error reports show.
        raise invalid(
            "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"
        )
    if topic.fifo and protocol != "sqs":
        raise invalid(f"Invalid protocol type: {protocol}")


def _check_attribute(
    name: str, value: str, subscriber: tuple[str, str], given: dict[str, str], *, subscribing: bool = True
) -> None:
    """Raise `InvalidParameter` for an attribute that is unknown or whose value is not allowed.

    `subscriber` is a protocol and an endpoint. `subscribing` is True for Subscribe, whose messages say "Attributes".
    """
    if name == "ReplayPolicy":
        raise invalid("ReplayPolicy Reason: the local cloud does not archive messages")
    if name not in _ATTRIBUTES:
        raise invalid("AttributeName")
    protocol, endpoint = subscriber
    where = "Attributes Reason: " if subscribing else ""
    reason = f"{where}{name}: "
    if name == "FilterPolicy":
        check_filter(value, given.get("FilterPolicyScope", ""), where)
    elif name == "FilterPolicyScope" and value not in ("MessageAttributes", BODY):
        raise invalid(f"{reason}Invalid value [{value}]. Please use either MessageBody or MessageAttributes")
    elif name == "RawMessageDelivery":
        if value.lower() not in ("true", "false"):
            raise invalid(f"{reason}Invalid value [{value}]. Must be true or false.")
        if value.lower() == "true" and protocol not in _RAW_PROTOCOLS:
            raise invalid(f"{reason}Delivery protocol [{protocol}] does not support raw message delivery.")
    elif name == "DeliveryPolicy" and value:
        check_delivery_policy(value, reason)
    elif name == "RedrivePolicy" and value:
        _check_redrive(value, endpoint, reason)


def _check_redrive(value: str, endpoint: str, reason: str) -> None:
    check_json(value, reason)
    policy = json.loads(value)
    target = str(policy.get("deadLetterTargetArn")) if isinstance(policy, dict) else ""
    if service_of(target) != "sqs":
        raise invalid(f"{reason}deadLetterTargetArn is an invalid arn")
    if endpoint.endswith(".fifo") and not target.endswith(".fifo"):
        raise invalid(f"{reason}must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.")

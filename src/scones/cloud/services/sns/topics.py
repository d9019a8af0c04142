"""Operations on topics."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.sns.data_protection import DataProtectionPolicies
from scones.cloud.services.sns.delivery_policies import check_delivery_policy, topic_attributes
from scones.cloud.services.sns.errors import invalid
from scones.cloud.services.sns.permissions import default_policy
from scones.cloud.services.sns.topic_records import Topic, TopicRecords, page
from scones.cloud.wire.members import Members

_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}|[A-Za-z0-9_-]{1,251}\.fifo")
_FEEDBACK = re.compile(r"(HTTP|Firehose|Lambda|Application|SQS)(Success|Failure)Feedback(RoleArn|SampleRate)")
_JSON_ATTRIBUTES = {"Policy"}
_TEXT_ATTRIBUTES = {"DisplayName", "KmsMasterKeyId", "TracingConfig", "SignatureVersion", "FifoThroughputScope"}
_BOOLEAN_ATTRIBUTES = {"FifoTopic", "ContentBasedDeduplication"}


class TopicOperations:
    """Operations that create, change, list, delete and tag topics."""

    def __init__(self, cloud: CloudContext, records: TopicRecords, policies: DataProtectionPolicies) -> None:
        self._cloud = cloud
        self._records = records
        self._policies = policies

    async def create_topic(self, call: OperationCall) -> Members:
        """Create a topic; if it exists with the same attributes and tags, return its ARN."""
        name, given = call.params["Name"], _stored_form(call.params.get("Attributes") or {})
        tags = _tags(call.params.get("Tags") or ())
        fifo = given.get("FifoTopic") == "true"
        if not _NAME.fullmatch(name) or fifo != name.endswith(".fifo"):
            raise invalid("Topic Name")
        for attribute, value in given.items():
            _check(attribute, value, fifo)
        arn = self._cloud.arn("sns", name)
        if self._records.find_topic(arn) is None:
            await self._records.add_topic(arn, given, tags)
            if policy := call.params.get("DataProtectionPolicy"):
                await self._policies.put(arn, policy)
        topic = self._records.topic(arn)
        if any(topic.attributes.get(attribute) != value for attribute, value in given.items()):
            raise invalid("Attributes Reason: Topic already exists with different attributes")
        if any(topic.tags.get(key) != value for key, value in tags.items()):
            raise invalid("Tags Reason: Topic already exists with different tags")
        return {"TopicArn": arn}

    async def delete_topic(self, call: OperationCall) -> Members:
        """Delete a topic with its subscriptions; do nothing if it does not exist."""
        arn = call.params["TopicArn"]
        if len(arn.split(":")) != 6:
            raise invalid("TopicArn")
        await self._records.delete_topic(arn)
        return {}

    async def list_topics(self, call: OperationCall) -> Members:
        """List topics, 100 per page."""
        arns, token = page(self._records.topics(), call.params.get("NextToken"))
        return {"Topics": [{"TopicArn": arn} for arn in arns], "NextToken": token}

    async def get_topic_attributes(self, call: OperationCall) -> Members:
        """Return a topic's attributes."""
        topic = self._records.topic(call.params["TopicArn"])
        pending = [each.pending for each in self._records.subscriptions(topic.arn)]
        return {
            "Attributes": {
                "TopicArn": topic.arn,
                "Owner": self._cloud.settings.account,
                "DisplayName": "",
                "Policy": json.dumps(default_policy(topic, self._cloud.settings.account)),
                "SubscriptionsConfirmed": str(pending.count(False)),
                "SubscriptionsPending": str(pending.count(True)),
                "SubscriptionsDeleted": str(self._records.deleted_subscriptions(topic.arn)),
                **({"ContentBasedDeduplication": "false"} if topic.fifo else {}),
                **topic.attributes,
                **topic_attributes(topic.attributes),
            }
        }

    async def set_topic_attributes(self, call: OperationCall) -> Members:
        """Change one attribute of a topic."""
        topic = self._records.topic(call.params["TopicArn"])
        name, value = call.params["AttributeName"], call.params.get("AttributeValue", "")
        if name == "FifoTopic":
            raise invalid("AttributeName")
        changed = _stored_form({name: value})
        _check(name, changed[name], topic.fifo)
        await self._records.change_topic(topic.arn, "attributes", topic.attributes | changed)
        return {}

    async def tag_resource(self, call: OperationCall) -> Members:
        """Add or change a topic's tags."""
        topic = self._tagged(call)
        tags = topic.tags | _tags(call.params["Tags"])
        if len(tags) > 50:
            raise ServiceError("TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded")
        await self._records.change_topic(topic.arn, "tags", tags)
        return {}

    async def untag_resource(self, call: OperationCall) -> Members:
        """Remove tags from a topic."""
        topic = self._tagged(call)
        kept = {key: value for key, value in topic.tags.items() if key not in call.params["TagKeys"]}
        await self._records.change_topic(topic.arn, "tags", kept)
        return {}

    async def list_tags_for_resource(self, call: OperationCall) -> Members:
        """Return a topic's tags."""
        return {"Tags": [{"Key": key, "Value": value} for key, value in self._tagged(call).tags.items()]}

    def _tagged(self, call: OperationCall) -> Topic:
        topic = self._records.find_topic(call.params["ResourceArn"])
        if topic is None:
            raise ServiceError("ResourceNotFound", "Resource does not exist", 404)
        return topic


def _stored_form(given: dict[str, str]) -> dict[str, str]:
    """Return attributes as SNS stores them: booleans in lower case, and FifoTopic only if it is true."""
    stored = {name: value.lower() if name in _BOOLEAN_ATTRIBUTES else value for name, value in given.items()}
    return {name: value for name, value in stored.items() if (name, value) != ("FifoTopic", "false")}


def _tags(given: Iterable[Members]) -> dict[str, str]:
    """Return the values of tags by key; raises `InvalidParameter` for a repeated key."""
    tags: dict[str, str] = {}
    for tag in given:
        if tag["Key"] in tags:
            raise invalid("Duplicated keys are not allowed.")
        tags[tag["Key"]] = tag["Value"]
    return tags


def _check(name: str, value: str, fifo: bool) -> None:
    """Raise `InvalidParameter` if topics do not have the attribute or its value is not allowed."""
    reason = f"Attributes Reason: Invalid value for attribute {name}"
    if name in _BOOLEAN_ATTRIBUTES:
        if value not in ("true", "false") or (name == "ContentBasedDeduplication" and not fifo):
            raise invalid(f"{reason}: {value}")
    elif name == "MaximumMessageSize":
        if not re.fullmatch("[0-9]{4,7}", value) or not 1024 <= int(value) <= 1_048_576:
            raise invalid(f"{reason}: {value}")
    elif name == "DeliveryPolicy":
        if value:
            check_delivery_policy(value, f"{reason}: ")
    elif name == "ArchivePolicy":
        if value not in ("", "{}"):
            raise invalid("ArchivePolicy Reason: the local cloud does not archive messages")
    elif name in _JSON_ATTRIBUTES:
        try:
            json.loads(value)
        except (ValueError, RecursionError) as error:
            raise invalid(f"{name} failed to parse JSON.") from error
    elif name not in _TEXT_ATTRIBUTES and not _FEEDBACK.fullmatch(name):
        raise invalid("AttributeName")

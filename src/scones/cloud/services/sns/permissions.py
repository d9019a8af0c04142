"""Statements of topic policies. The local cloud stores policies and does not enforce them."""

from __future__ import annotations

import json
from typing import Any

from scones.cloud.core.arns import root_arn
from scones.cloud.core.json_types import JsonDocument
from scones.cloud.service import OperationCall
from scones.cloud.services.sns.errors import invalid
from scones.cloud.services.sns.topic_records import Topic, TopicRecords
from scones.cloud.wire.members import Members
from scones.cloud.wire.model import service_model


class PermissionOperations:
    """AddPermission and RemovePermission."""

    def __init__(self, records: TopicRecords, account: str) -> None:
        self._records = records
        self._account = account

    async def add_permission(self, call: OperationCall) -> Members:
        """Add a statement to a topic's policy."""
        topic, label = self._records.topic(call.params["TopicArn"]), call.params["Label"]
        policy = self._policy(topic)
        if any(each.get("Sid") == label for each in policy["Statement"]):
            raise invalid("Statement already exists")
        names = call.params["ActionName"]
        if not set(names) <= _actions():
            raise invalid("Policy statement action out of service scope!")
        actions = [f"SNS:{name}" for name in names]
        accounts = [root_arn(account) for account in call.params["AWSAccountId"]]
        statement = {
            "Sid": label,
            "Effect": "Allow",
            "Principal": {"AWS": accounts if len(accounts) != 1 else accounts[0]},
            "Action": actions if len(actions) != 1 else actions[0],
            "Resource": topic.arn,
        }
        await self._change(topic, policy, [*policy["Statement"], statement])
        return {}

    async def remove_permission(self, call: OperationCall) -> Members:
        """Remove a statement from a topic's policy; do nothing if there is none with the label."""
        topic, label = self._records.topic(call.params["TopicArn"]), call.params["Label"]
        policy = self._policy(topic)
        await self._change(topic, policy, [each for each in policy["Statement"] if each.get("Sid") != label])
        return {}

    async def _change(self, topic: Topic, policy: JsonDocument, statements: list[Any]) -> None:
        text = json.dumps({**policy, "Statement": statements})
        await self._records.change_topic(topic.arn, "attributes", {**topic.attributes, "Policy": text})

    def _policy(self, topic: Topic) -> JsonDocument:
        given = topic.attributes.get("Policy")
        policy: Any = json.loads(given) if given else default_policy(topic, self._account)
        statements = policy.get("Statement", []) if isinstance(policy, dict) else None
        if not isinstance(statements, list | dict):
            raise invalid(f"The policy of {topic.name} has no statements; set its Policy attribute again.")
        return {**policy, "Statement": statements if isinstance(statements, list) else [statements]}


def _actions() -> set[str]:
    """Return the names of the actions that a policy may allow."""
    return {*service_model("sns").operation_names, "Receive", "*"}


def default_policy(topic: Topic, account: str) -> dict[str, Any]:
    """Return the policy of a topic without the attribute Policy."""
    actions = (
        "GetTopicAttributes",
        "SetTopicAttributes",
        "AddPermission",
        "RemovePermission",
        "DeleteTopic",
        "Subscribe",
        "ListSubscriptionsByTopic",
        "Publish",
    )
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in actions],
        "Resource": topic.arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
    }
    return {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}

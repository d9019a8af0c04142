"""Statements of queue policies. The local cloud stores policies and does not enforce them."""

from __future__ import annotations

import json

from scones.cloud.core.arns import root_arn
from scones.cloud.core.json_types import JsonDocument
from scones.cloud.service import OperationCall
from scones.cloud.services.sqs.errors import invalid, invalid_parameter, missing
from scones.cloud.services.sqs.queues import Queue, Queues
from scones.cloud.wire.members import Members
from scones.cloud.wire.model import service_model


class PermissionOperations:
    """AddPermission and RemovePermission."""

    def __init__(self, queues: Queues) -> None:
        self._queues = queues

    async def add_permission(self, call: OperationCall) -> Members:
        """Add a statement to a queue's policy."""
        queue, params = self._queues.at(call.params["QueueUrl"]), call.params
        policy = self._policy(queue)
        if any(each.get("Sid") == params["Label"] for each in policy["Statement"]):
            raise invalid_parameter(params["Label"], "Label", "Already exists.")
        for name in ("AWSAccountIds", "Actions"):
            if not params[name]:
                raise missing(name)
        for action in params["Actions"]:
            if action != "*" and action not in service_model("sqs").operation_names:
                reason = "Please refer to the appropriate WSDL for a list of valid actions. "
                raise invalid_parameter(f"SQS:{action}", "ActionName", reason)
        accounts = [root_arn(account) for account in params["AWSAccountIds"]]
        actions = [f"SQS:{action}" for action in params["Actions"]]
        statement = {
            "Sid": params["Label"],
            "Effect": "Allow",
            "Principal": {"AWS": accounts if len(accounts) > 1 else accounts[0]},
            "Action": actions if len(actions) > 1 else actions[0],
            "Resource": self._queues.arn(queue.name),
        }
        policy["Statement"].append(statement)
        await self._queues.change(queue, {"Policy": json.dumps(policy)})
        return {}

    async def remove_permission(self, call: OperationCall) -> Members:
        """Remove a statement from a queue's policy."""
        queue, label = self._queues.at(call.params["QueueUrl"]), call.params["Label"]
        policy = self._policy(queue)
        kept = [each for each in policy["Statement"] if each.get("Sid") != label]
        if len(kept) == len(policy["Statement"]):
            raise invalid_parameter(label, "Label", "can't find label.")
        text = json.dumps({**policy, "Statement": kept}) if kept else ""
        await self._queues.change(queue, {"Policy": text})
        return {}

    def _policy(self, queue: Queue) -> JsonDocument:
        given = queue.attributes.get("Policy")
        if given is None:
            arn = self._queues.arn(queue.name)
            return {"Version": "2008-10-17", "Id": f"{arn}/SQSDefaultPolicy", "Statement": []}
        policy: JsonDocument = json.loads(given)
        statements = policy.get("Statement", [])
        if not isinstance(statements, list | dict):
            raise invalid(f"The policy of {queue.name} has no statements; set its Policy attribute again.")
        return {**policy, "Statement": statements if isinstance(statements, list) else [statements]}

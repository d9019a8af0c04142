"""Operations on queues."""

from __future__ import annotations

import re

from scones.cloud.context import CloudContext
from scones.cloud.core.bulk_deletes import delete_all
from scones.cloud.core.pages import query_page, read_key
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.sqs.attributes import (
    DEFAULTS,
    FIFO_DEFAULTS,
    check_attributes,
    redrive_allowed,
    redrive_policy,
    stored_form,
)
from scones.cloud.services.sqs.errors import check_range, invalid, no_queue
from scones.cloud.services.sqs.long_polls import LongPolls
from scones.cloud.services.sqs.queue_metrics import QueueMetrics
from scones.cloud.services.sqs.queues import Queues
from scones.cloud.wire.members import Members

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo")
_COUNTED = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
_PAGE = 1000


class QueueOperations:
    """Create, find, change and delete queues.

    AWS requires a wait of 60 seconds before a deleted queue's name can be reused and before a queue can be purged
    again. The local cloud has no such limit.
    """

    def __init__(self, cloud: CloudContext, queues: Queues, long_polls: LongPolls, metrics: QueueMetrics) -> None:
        self._account = cloud.settings.account
        self._store = cloud.store
        self._queues = queues
        self._long_polls = long_polls
        self._metrics = metrics

    async def create_queue(self, call: OperationCall) -> Members:
        """Create a queue; if it exists with the same attributes, return its URL."""
        name, given = call.params["QueueName"], call.params.get("Attributes", {})
        fifo = given.get("FifoQueue", "false").lower() == "true"
        _check_name(name, fifo)
        check_attributes(given, fifo=fifo)
        given = stored_form(given)
        self._check_redrive(name, given)
        if self._queues.named(name) is None:
            kept = {key: value for key, value in given.items() if value != ""}
            attributes = DEFAULTS | (FIFO_DEFAULTS if fifo else {}) | kept
            await self._queues.insert(name, attributes, call.params.get("tags", {}))
            self._metrics.use(name)
        existing = self._queues.named(name)
        if existing is None:  # deleted meanwhile
            raise no_queue()
        for attribute, value in given.items():
            if existing.attributes.get(attribute, "") != value:
                raise ServiceError(
                    "QueueNameExists",
                    "A queue already exists with the same name and a different value for attribute " + attribute,
                )
        return {"QueueUrl": self._queues.url(name)}

    async def get_queue_url(self, call: OperationCall) -> Members:
        """Return the URL of a queue."""
        name = call.params["QueueName"]
        owner = call.params.get("QueueOwnerAWSAccountId", self._account)
        if owner != self._account or self._queues.named(name) is None:
            raise no_queue()
        return {"QueueUrl": self._queues.url(name)}

    async def list_queues(self, call: OperationCall) -> Members:
        """List queue URLs by name; the response has a token only if the request has MaxResults."""
        limit, prefix = call.params.get("MaxResults"), call.params.get("QueueNamePrefix", "")
        names = [queue.name for queue in self._queues.all() if queue.name.startswith(prefix)]
        page, token = _page(names, limit, call.params.get("NextToken"))
        return {"QueueUrls": [self._queues.url(name) for name in page] or None, "NextToken": token}

    async def delete_queue(self, call: OperationCall) -> Members:
        """Delete a queue with its messages, and wake its long polls."""
        queue = self._queues.at(call.params["QueueUrl"])
        await delete_all(self._store, "sqs_messages", "queue = ?", queue.id)
        await self._queues.delete(queue)
        self._long_polls.wake_all(queue.id)
        return {}

    async def purge_queue(self, call: OperationCall) -> Members:
        """Delete all messages that are in a queue now, and forget their deduplication IDs."""
        queue = self._queues.at(call.params["QueueUrl"])
        newest = self._store.row("SELECT max(id) AS id FROM sqs_messages")
        last = newest["id"] if newest else None
        await delete_all(self._store, "sqs_messages", "queue = ? AND id <= ?", queue.id, last)
        await self._store.execute("DELETE FROM sqs_deduplications WHERE queue = ? AND number <= ?", queue.id, last)
        self._long_polls.wake(queue.id)
        return {}

    async def get_queue_attributes(self, call: OperationCall) -> Members:
        """Return the requested attributes; message counts are taken from the store now."""
        queue, names = self._queues.at(call.params["QueueUrl"]), call.params.get("AttributeNames", [])
        known = {
            **queue.attributes,
            "QueueArn": self._queues.arn(queue.name),
            "CreatedTimestamp": str(queue.created),
            "LastModifiedTimestamp": str(queue.modified),
        }
        modelled = _QUEUE_ATTRIBUTES
        if unknown := next((name for name in names if name not in modelled), None):
            raise ServiceError("InvalidAttributeName", f"Unknown Attribute {unknown}.")
        if "All" in names or any(name in _COUNTED for name in names):
            counts = await self._queues.counts(queue)
            known |= {name: str(count) for name, count in zip(_COUNTED, counts[:3], strict=True)}
        chosen = known if "All" in names else {name: known[name] for name in names if name in known}
        return {"Attributes": chosen or None}

    async def set_queue_attributes(self, call: OperationCall) -> Members:
        """Change attributes; the queue type cannot be changed."""
        queue, given = self._queues.at(call.params["QueueUrl"]), call.params["Attributes"]
        check_attributes(given, fifo=queue.fifo)
        if given.get("FifoQueue", "true").lower() != "true":
            raise ServiceError(
                "InvalidAttributeValue",
                "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.",
            )
        self._check_redrive(queue.name, given)
        await self._queues.change(queue, stored_form(given))
        self._long_polls.wake(queue.id)
        return {}

    async def list_dead_letter_source_queues(self, call: OperationCall) -> Members:
        """List the URLs of the queues that use this queue as their dead-letter queue."""
        target = self._queues.arn(self._queues.at(call.params["QueueUrl"]).name)
        names = [queue.name for queue in self._queues.all() if queue.redrive and queue.redrive[0] == target]
        page, token = _page(names, call.params.get("MaxResults"), call.params.get("NextToken"))
        return {"queueUrls": [self._queues.url(name) for name in page], "NextToken": token}

    async def tag_queue(self, call: OperationCall) -> Members:
        """Add or change tags."""
        queue = self._queues.at(call.params["QueueUrl"])
        tags = self._queues.tags(queue) | call.params["Tags"]
        if len(tags) > 50:
            raise invalid(f"Too many tags added for queue {queue.name}.")
        await self._queues.put_tags(queue, tags)
        return {}

    async def untag_queue(self, call: OperationCall) -> Members:
        """Remove tags."""
        queue = self._queues.at(call.params["QueueUrl"])
        gone = call.params["TagKeys"]
        kept = {key: value for key, value in self._queues.tags(queue).items() if key not in gone}
        await self._queues.put_tags(queue, kept)
        return {}

    async def list_queue_tags(self, call: OperationCall) -> Members:
        """Return a queue's tags."""
        return {"Tags": self._queues.tags(self._queues.at(call.params["QueueUrl"])) or None}

    def _check_redrive(self, name: str, given: dict[str, str]) -> None:
        """Raise an error if a redrive policy names a queue that does not exist, has another type, or forbids it."""
        if not given.get("RedrivePolicy"):
            return
        target, _ = redrive_policy(given["RedrivePolicy"])
        dead_letter_queue = self._queues.at_arn(target)
        text = f"Value {given['RedrivePolicy']} for parameter RedrivePolicy is invalid. Reason: "
        if dead_letter_queue is None:
            raise invalid(text + "Dead letter target does not exist.")
        if dead_letter_queue.fifo != name.endswith(".fifo"):
            raise invalid(text + "Dead-letter queue must be same type of queue as the source.")
        if not redrive_allowed(dead_letter_queue.attributes.get("RedriveAllowPolicy", ""), self._queues.arn(name)):
            raise invalid(text + "Dead-letter target owner does not permit this source queue to use it.")


_QUEUE_ATTRIBUTES = frozenset(
    {
        "All",
        "QueueArn",
        "CreatedTimestamp",
        "LastModifiedTimestamp",
        "Policy",
        "RedrivePolicy",
        "RedriveAllowPolicy",
        "KmsMasterKeyId",
        "KmsDataKeyReusePeriodSeconds",
        *DEFAULTS,
        *FIFO_DEFAULTS,
        *_COUNTED,
    }
)


def _check_name(name: str, fifo: bool) -> None:
    if not _NAME.fullmatch(name) or (fifo and not name.endswith(".fifo")):
        kind = "The name of a FIFO queue can" if fifo else "Can"
        tail = " and must end with the .fifo suffix" if fifo else ""
        raise invalid(f"{kind} only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length{tail}")
    if name.endswith(".fifo") and not fifo:
        raise invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")


def _page(names: list[str], limit: int | None, token: str | None) -> tuple[list[str], str | None]:
    """Return a page of sorted names and the next page's token, which encodes the page's last name."""
    check_range(limit, "MaxResults", 1, _PAGE)
    if token:
        (last,) = read_key(token, [str], invalid("Invalid NextToken value."))
        names = [name for name in names if name > last]
    page, token = query_page(names, limit or _PAGE, lambda name: [name])
    return page, None if limit is None else token

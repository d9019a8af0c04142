"""Event notifications, stored in the transaction of the change that causes them and delivered after it."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import sqlite3
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from urllib.parse import quote_plus

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import Arn, last_part, service_of
from scones.cloud.core.clock import iso_milliseconds
from scones.cloud.core.json_types import JsonDocument
from scones.cloud.core.resumption import describe
from scones.cloud.delivery.outbox import Outbox
from scones.cloud.delivery.targets import TargetMessage, send
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.s3 import errors, event_bridge
from scones.cloud.services.s3.bucket_records import check_exists
from scones.cloud.services.s3.changed_object import ChangedObject
from scones.cloud.services.s3.event_bridge import bucket_event
from scones.cloud.wire.members import Members

log = logging.getLogger(__name__)

TABLE = "s3_notifications"
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS s3_notification_configurations ("
    " bucket TEXT PRIMARY KEY REFERENCES s3_buckets(name) ON DELETE CASCADE, document TEXT NOT NULL) WITHOUT ROWID;"
    + Outbox.schema(TABLE)
)
KINDS = {
    "LambdaFunctionConfigurations": ("LambdaFunctionArn", "lambda", "CloudFunction"),
    "QueueConfigurations": ("QueueArn", "sqs", "Queue"),
    "TopicConfigurations": ("TopicArn", "sns", "Topic"),
}
"""Lists of a configuration: for each, the member with an entry's target ARN, the target's service, and the ARN's name
in errors."""
SUBJECT = "Amazon S3 Notification"
"""Subject of messages to topics."""
CREATED = ("ObjectCreated:Put", "ObjectCreated:Post", "ObjectCreated:Copy", "ObjectCreated:CompleteMultipartUpload")
REMOVED = ("ObjectRemoved:Delete", "ObjectRemoved:DeleteMarkerCreated")
RESTORED = ("ObjectRestore:Post", "ObjectRestore:Completed")
DESCRIBED = ("ObjectTagging:Put", "ObjectTagging:Delete", "ObjectAcl:Put")
_EVENTS = (*CREATED, *REMOVED, *RESTORED, *DESCRIBED)
_FAMILIES = ("ObjectCreated:*", "ObjectRemoved:*", "ObjectRestore:*", "ObjectTagging:*")
SUPPORTED_EVENTS = frozenset(f"s3:{name}" for name in (*_EVENTS, *_FAMILIES))


@dataclass(frozen=True, slots=True)
class NotificationRule:
    """One entry of a bucket's notification configuration."""

    id: str
    target: str
    events: frozenset[str]
    prefix: str
    suffix: str

    @classmethod
    def of(cls, entry: Members, member: str) -> NotificationRule:
        """Return the rule for an entry whose target ARN is in `member`."""
        rules = entry.get("Filter", {}).get("Key", {}).get("FilterRules", [])
        filters = {rule["Name"].lower(): rule.get("Value", "") for rule in rules}
        events = frozenset(event.removeprefix("s3:") for event in entry["Events"])
        return cls(entry["Id"], entry[member], events, filters.get("prefix", ""), filters.get("suffix", ""))

    def wants(self, event: str, key: str) -> bool:
        """Return True if this rule matches an event on a key."""
        family = event.partition(":")[0] + ":*"
        named = event in self.events or family in self.events
        return named and key.startswith(self.prefix) and key.endswith(self.suffix)

    def overlaps(self, other: NotificationRule) -> bool:
        """Return True if one event can match both rules."""
        same_event = any(_event_types_overlap(own_type, theirs) for own_type in self.events for theirs in other.events)
        prefixes = self.prefix.startswith(other.prefix) or other.prefix.startswith(self.prefix)
        return same_event and prefixes and (self.suffix.endswith(other.suffix) or other.suffix.endswith(self.suffix))


def _event_types_overlap(one: str, other: str) -> bool:
    same_family = one.partition(":")[0] == other.partition(":")[0]
    return same_family and (one == other or "*" in one + other)


class Notifier:
    """The notification rules of all buckets, in memory, and the outbox of their notifications."""

    def __init__(self, cloud: CloudContext) -> None:
        self._cloud = cloud
        self._rules: dict[str, list[NotificationRule]] = {}
        self._on_event_bridge: set[str] = set()
        """Buckets whose events go to EventBridge."""
        self._outbox = Outbox(cloud, TABLE, self._deliver, self._failed)

    def start(self) -> None:
        """Load the configurations and continue deliveries that an earlier process left unfinished."""
        for row in self._cloud.store.rows("SELECT bucket, document FROM s3_notification_configurations"):
            try:
                self._apply(row["bucket"], json.loads(row["document"]))
            except (KeyError, TypeError, ValueError) as error:
                log.error("The notification configuration of bucket %s is damaged: %s", row["bucket"], describe(error))
        self._outbox.start()

    def configuration(self, bucket: str) -> Members:
        """Return a bucket's configuration, which is empty at first."""
        query = "SELECT document FROM s3_notification_configurations WHERE bucket = ?"
        row = self._cloud.store.row(query, bucket)
        return json.loads(row["document"]) if row else {}

    async def configure(self, bucket: str, document: Members) -> None:
        """Replace a bucket's configuration and send AWS's test message to its queues and topics."""
        rules = rules_of(document)
        target_arns = sorted({rule.target for rule in rules if service_of(rule.target) != "lambda"})
        test = {
            "Service": "Amazon S3",
            "Event": "s3:TestEvent",
            "Time": iso_milliseconds(datetime.now(UTC)),
            "Bucket": bucket,
            "RequestId": uuid.uuid4().hex[:16].upper(),
            "HostId": uuid.uuid4().hex,
        }

        def write(connection: sqlite3.Connection) -> None:
            check_exists(connection, bucket)
            connection.execute(
                "INSERT OR REPLACE INTO s3_notification_configurations VALUES (?, ?)", (bucket, json.dumps(document))
            )
            for target in target_arns:
                self._outbox.put(connection, [target], test)

        await self._cloud.store.write(write)
        self._apply(bucket, document)
        self._outbox.wake(target_arns)

    def _apply(self, bucket: str, document: Members) -> None:
        """Use a configuration for the changes from now on."""
        self._rules[bucket] = rules_of(document)
        if "EventBridgeConfiguration" in document:
            self._on_event_bridge.add(bucket)
        else:
            self._on_event_bridge.discard(bucket)

    def remove_rules(self, bucket: str) -> None:
        """Drop the rules of a deleted bucket."""
        self._rules.pop(bucket, None)
        self._on_event_bridge.discard(bucket)

    def store(self, connection: sqlite3.Connection, event: str, call: OperationCall, changed: ChangedObject) -> None:
        """Store the notifications of an object's change in the same transaction as the change; `wake` delivers them."""
        for rule in self._rules.get(changed.bucket, ()):
            if rule.wants(event, changed.key):
                self._outbox.put(connection, [rule.target], {"Records": [self._message(rule, event, call, changed)]})
        if changed.bucket in self._on_event_bridge:
            self._outbox.put(connection, [event_bridge.LANE], bucket_event(self._cloud, event, call, changed))

    def wake(self, bucket: str) -> None:
        """Start to deliver a bucket's stored notifications."""
        if rules := self._rules.get(bucket):
            self._outbox.wake({rule.target for rule in rules})
        if bucket in self._on_event_bridge:
            self._outbox.wake({event_bridge.LANE})

    def _message(self, rule: NotificationRule, event: str, call: OperationCall, changed: ChangedObject) -> JsonDocument:
        """Return an event record in AWS's form (S3 User Guide, "Event message structure")."""
        record: JsonDocument = {
            "eventVersion": "2.3" if event in DESCRIBED else "2.1",
            "eventSource": "aws:s3",
            "awsRegion": self._cloud.settings.region,
            "eventTime": iso_milliseconds(datetime.now(UTC)),
            "eventName": event,
            "userIdentity": {"principalId": f"AWS:{call.caller.access_key_id}"},
            "requestParameters": {"sourceIPAddress": self._cloud.settings.host},
            "responseElements": {"x-amz-request-id": call.request_id, "x-amz-id-2": call.request_id},
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": rule.id,
                "bucket": {
                    "name": changed.bucket,
                    "ownerIdentity": {"principalId": _principal_id(self._cloud.settings.account)},
                    "arn": str(Arn(service="s3", resource=changed.bucket)),
                },
                "object": {
                    "key": quote_plus(changed.key, safe="/*-._"),
                    **changed.details(etag="eTag", version="versionId"),
                    **({} if event in DESCRIBED else {"sequencer": f"{time.time_ns():016X}"}),
                },
            },
        }
        if event == "ObjectRestore:Completed" and changed.restoration:
            owner = _principal_id(self._cloud.settings.account)
            record["userIdentity"] = {"principalId": f"AmazonCustomer:{owner}"}
            restored = {
                "lifecycleRestorationExpiryTime": iso_milliseconds(
                    datetime.fromtimestamp(changed.restoration.until / 1000, UTC)
                ),
                "lifecycleRestoreStorageClass": changed.restoration.storage_class,
            }
            record["glacierEventData"] = {"restoreEventData": restored}
        return record

    async def _deliver(self, target: str, payload: JsonDocument) -> None:
        if target == event_bridge.LANE:
            await event_bridge.put_event(self._cloud, payload)
            return
        await send(self._cloud, target, TargetMessage(text=json.dumps(payload), subject=SUBJECT))

    async def _failed(self, target: str, payload: JsonDocument, error: ServiceError) -> None:  # noqa: ARG002
        log.warning("An S3 notification could not be delivered to %s: %s", target, error)


@cache
def _principal_id(account: str) -> str:
    """Return an ID for an account, in the form of those that AWS has for the owners of buckets."""
    return f"A{base64.b32encode(hashlib.sha256(account.encode()).digest()).decode()[:13]}"


def rules_of(document: Members) -> list[NotificationRule]:
    """Return the rules of a configuration."""
    return [NotificationRule.of(entry, KINDS[kind][0]) for kind, entry in _entries(document)]


def _entries(document: Members) -> Iterator[tuple[str, Members]]:
    for kind in KINDS:
        for entry in document.get(kind, []):
            yield kind, entry


def check_configuration(given: Members) -> Members:
    """Return a configuration with an ID for every entry.

    Raises `InvalidArgument` if S3 refuses it, `NotImplemented` if the local cloud does not support it.
    """
    document: Members = {name: given[name] for name in ("EventBridgeConfiguration",) if name in given}
    for kind, entry in _entries(given):
        member, service, name = KINDS[kind]
        if service_of(entry[member]) != service or entry[member].endswith(".fifo"):
            raise errors.invalid_argument("The ARN could not be parsed", name, entry[member])
        for event in entry["Events"]:
            if event not in SUPPORTED_EVENTS:
                raise errors.not_implemented(f"Event {event}")
        kept = {"Id": entry.get("Id") or str(uuid.uuid4()), **{key: entry[key] for key in (member, "Events")}}
        if rules := entry.get("Filter", {}).get("Key", {}).get("FilterRules", []):
            kept["Filter"] = {"Key": {"FilterRules": [_checked(rule) for rule in rules]}}
        document.setdefault(kind, []).append(kept)
    rules = rules_of(document)
    if any(one.overlaps(other) for number, one in enumerate(rules) for other in rules[:number]):
        raise ServiceError(
            "InvalidArgument",
            "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are "
            "overlapping for the same event type.",
        )
    return document


def _checked(rule: Members) -> Members:
    if not rule.keys() >= {"Name", "Value"}:
        raise errors.malformed_xml()
    given = rule["Name"]
    name = given.capitalize()
    if name not in ("Prefix", "Suffix"):
        raise errors.invalid_argument("filter rule name must be either prefix or suffix", "FilterRule.Name", given)
    return {"Name": name, "Value": rule["Value"]}


async def check_targets(cloud: CloudContext, rules: list[NotificationRule]) -> None:
    """Raise `InvalidArgument` for targets that do not exist, as S3 does without SkipDestinationValidation."""
    invalid: Members = {}
    for target in dict.fromkeys(rule.target for rule in rules):
        reason = await _reason_against(cloud, target)
        if reason is not None:
            number = len(invalid) // 2 + 1
            named = f"{target}, null" if service_of(target) == "lambda" else target
            invalid |= {f"ArgumentName{number}": named, f"ArgumentValue{number}": reason}
    if invalid:
        raise ServiceError("InvalidArgument", "Unable to validate the following destination configurations", **invalid)


async def _reason_against(cloud: CloudContext, target: str) -> str | None:
    """Return S3's reason why it cannot send to a target, or None if the target exists."""
    try:
        match service_of(target):
            case "lambda":
                reason = f"Not authorized to invoke function [{target}]"
                await cloud.call("lambda", "GetFunctionConfiguration", {"FunctionName": target})
            case "sqs":
                reason = "The destination queue does not exist"
                await cloud.call("sqs", "GetQueueUrl", {"QueueName": last_part(target)})
            case _:
                reason = "The destination topic does not exist"
                await cloud.call("sns", "GetTopicAttributes", {"TopicArn": target})
    except ServiceError:
        return reason
    return None

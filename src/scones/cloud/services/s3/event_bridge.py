"""Events of buckets on EventBridge's default bus (S3 User Guide, "EventBridge event message structure")."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import Arn
from scones.cloud.core.json_types import JsonDocument
from scones.cloud.delivery.targets import check_ready
from scones.cloud.service import OperationCall
from scones.cloud.services.events.service import EventBridge
from scones.cloud.services.s3.changed_object import ChangedObject

LANE = "events"
"""The lane of S3's outbox for EventBridge."""
_REASONS = {
    "ObjectCreated:Put": "PutObject",
    "ObjectCreated:Post": "POST Object",
    "ObjectCreated:Copy": "CopyObject",
    "ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
    "ObjectRemoved:Delete": "DeleteObject",
    "ObjectRemoved:DeleteMarkerCreated": "DeleteObject",
}
_DELETIONS = {
    "ObjectRemoved:Delete": "Permanently Deleted",
    "ObjectRemoved:DeleteMarkerCreated": "Delete Marker Created",
}
_DETAIL_TYPES = {
    "ObjectCreated": "Object Created",
    "ObjectRemoved": "Object Deleted",
    "ObjectRestore:Post": "Object Restore Initiated",
    "ObjectRestore:Completed": "Object Restore Completed",
    "ObjectTagging:Put": "Object Tags Added",
    "ObjectTagging:Delete": "Object Tags Deleted",
    "ObjectAcl:Put": "Object ACL Updated",
}
"""Detail types by the event or its family."""


def bucket_event(cloud: CloudContext, event: str, call: OperationCall, changed: ChangedObject) -> JsonDocument:
    """Return the detail type and the detail of a change to an object, with the ARN of its bucket."""
    detail: JsonDocument = {
        "version": "0",
        "bucket": {"name": changed.bucket},
        "object": {"key": changed.key, **changed.details(etag="etag", version="version-id")},
        "request-id": call.request_id,
        "requester": call.caller.account,
    }
    if event != "ObjectRestore:Completed":
        detail["source-ip-address"] = cloud.settings.host
    if changed.restoration:
        detail["source-storage-class"] = changed.restoration.storage_class
        if event == "ObjectRestore:Completed":
            until = datetime.fromtimestamp(changed.restoration.until / 1000, UTC)
            detail["restore-expiry-time"] = f"{until:%Y-%m-%dT%H:%M:%SZ}"
    elif event in _REASONS:
        detail["object"]["sequencer"] = f"{time.time_ns():016X}"
        detail["reason"] = _REASONS[event]
    if event in _DELETIONS:
        detail["deletion-type"] = _DELETIONS[event]
    return {
        "detail-type": _DETAIL_TYPES.get(event) or _DETAIL_TYPES[event.partition(":")[0]],
        "detail": detail,
        "resource": str(Arn(service="s3", resource=changed.bucket)),
    }


async def put_event(cloud: CloudContext, event: JsonDocument) -> None:
    """Put an event that `bucket_event` returned on the default bus."""
    check_ready(cloud, EventBridge.name)
    events = cloud.service(EventBridge)
    await events.put_service_event("aws.s3", event["detail-type"], event["detail"], [event["resource"]])

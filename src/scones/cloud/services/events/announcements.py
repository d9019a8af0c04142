"""Events that the cloud's services put on the default bus, such as "SageMaker Training Job State Change"."""

from __future__ import annotations

from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.services.events.service import EventBridge


def announce(cloud: CloudContext, source: str, detail_type: str, resource: str, detail: dict[str, Any]) -> None:
    """Put an event of a service (`aws.states`) about a resource on the default bus, without waiting.

    If no rule could match, this costs one read of the store. As on AWS, such events are best effort: an event that is
    not yet routed when the cloud is killed is lost. Call it on the event loop.
    """
    if not cloud.has_service(EventBridge.name):
        return
    events = cloud.service(EventBridge)
    if events.takes_service_events():
        cloud.spawn(events.put_service_event(source, detail_type, detail, [resource]), name=f"{detail_type} {resource}")


def milliseconds(seconds: float | None) -> int | None:
    """Convert Unix seconds to milliseconds, the unit of times in service events."""
    return None if seconds is None else round(seconds * 1000)

"""Events of the cloud's own services: "SageMaker Training Job State Change" and the like, on the default bus."""

from __future__ import annotations

from typing import Any

from scones.cloud.cloud import Cloud
from scones.cloud.services.events.api import EventBridge


def announce(cloud: Cloud, source: str, detail_type: str, resource: str, detail: dict[str, Any]) -> None:
    """Put an event of a service (`aws.states`) about a resource on the default bus, without waiting.

    Where no rule could match, this is one look into the store. As on AWS, such events are best effort: one that
    was not yet routed when the cloud is killed is not sent. Call on the event loop.
    """
    events = cloud.services.get("events")
    if isinstance(events, EventBridge) and events.listens():
        cloud.spawn(events.emit(source, detail_type, detail, [resource]), name=f"{detail_type} {resource}")


def milliseconds(seconds: float | None) -> int | None:
    """Return a time as events of services have it: milliseconds since 1970."""
    return None if seconds is None else round(seconds * 1000)

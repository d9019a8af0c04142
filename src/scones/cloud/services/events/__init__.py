"""EventBridge: buses, rules, and the targets that they send events to."""

from scones.cloud.services.events.api import EventBridge

__all__ = ["EventBridge"]

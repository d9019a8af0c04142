"""EventBridge: event buses, rules and targets."""

from scones.cloud.services.events.api import EventBridge

__all__ = ["EventBridge"]

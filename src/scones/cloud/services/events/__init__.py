"""EventBridge: event buses, rules and targets."""

from scones.cloud.services.events.service import EventBridge

__all__ = ["EventBridge"]

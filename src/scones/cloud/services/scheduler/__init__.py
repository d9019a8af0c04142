"""EventBridge Scheduler: schedules that invoke one target each, in groups."""

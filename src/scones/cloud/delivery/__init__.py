"""Deliveries between services: to targets by ARN, and from an outbox that survives a crash."""

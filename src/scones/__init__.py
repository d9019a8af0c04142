"""Scones: pictures of delivery vehicles, from ETL to a monitored, gated decision, on AWS or on a local cloud."""

__version__ = "0.1.0"

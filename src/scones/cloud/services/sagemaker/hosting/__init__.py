"""Hosting: models, endpoint configurations, endpoints, what serves them, and what they capture."""

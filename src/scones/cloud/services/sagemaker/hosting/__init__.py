"""Hosting: models, endpoint configurations, endpoints, model servers, and data capture."""

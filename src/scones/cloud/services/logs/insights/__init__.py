"""Logs Insights: the query language, and its execution within limits."""

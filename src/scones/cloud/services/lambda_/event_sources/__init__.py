"""Event source mappings: queues that invoke functions."""

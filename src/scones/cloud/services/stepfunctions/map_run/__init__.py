"""The distributed Map: its items, its child executions and their results."""

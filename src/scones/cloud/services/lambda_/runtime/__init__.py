"""Execution environments: the processes that run handlers, and the Runtime API that they use."""

"""Executions: the interpreter, the history, and resumption after a crash."""

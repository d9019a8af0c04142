"""Executions: interpreted, recorded event by event, and taken up again after a crash."""

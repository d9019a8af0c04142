"""Measurements of the local cloud. `python -m benchmarks` prints tables and writes docs/reference/benchmarks.md."""

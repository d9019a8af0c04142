"""Measurements of the local cloud. `python -m benchmarks` prints a table; `--json FILE` keeps it."""

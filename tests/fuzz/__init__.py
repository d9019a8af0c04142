"""A fuzz test of the local cloud: signed requests for every operation, most of them malformed.

`python -m tests.fuzz --seconds 600` runs it as a program, with defaults from `SCONES_FUZZ_SEED` and
`SCONES_FUZZ_SECONDS`.
"""

"""The order of tests: the longest first, divided among the test workers, so that none of them ends with one."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain, islice, zip_longest

import pytest

LONGEST = (
    "sdk/test_sdk_v3",
    "notebooks/",
    "sdk/",
    "test_studio",
    "image_classification/test_source",
    "stepfunctions/test_conformance",
)
"""Parts of the paths of tests that take minutes, longest first. Most of these install an environment on first use."""


def longest_first(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Return tests in the order in which they should run.

    With `--dist worksteal`, each worker gets an equal part of the list, and when it has finished, tests from the end of
    another part. So every part begins with its share of the slow tests. One test of each long file comes first, because
    tests of the same file wait for the same installation.
    """
    slow = [item for item in items if item.get_closest_marker("slow")]
    by_file: defaultdict[str, list[pytest.Item]] = defaultdict(list)
    for item in slow:
        by_file[item.nodeid.partition("::")[0]].append(item)
    files = sorted(by_file, key=_rank)
    longest = [by_file[file] for file in files if _rank(file) < len(LONGEST)]
    rounds = [item for turn in zip_longest(*longest) for item in turn if item]
    dealt = rounds + list(chain.from_iterable(by_file[file] for file in files if _rank(file) == len(LONGEST)))
    quick = iter([item for item in items if not item.get_closest_marker("slow")])
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        part = dealt[worker::workers]
        size = (len(items) - len(ordered)) // (workers - worker)
        ordered += [*part, *islice(quick, max(0, size - len(part)))]
    return [*ordered, *quick]


def _rank(path: str) -> int:
    return next((rank for rank, part in enumerate(LONGEST) if part in path), len(LONGEST))

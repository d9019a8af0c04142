"""The limit on the nesting depth of a JSON text."""

from __future__ import annotations

import time

import pytest

from scones.cloud.services.stepfunctions.asl.text import LIMIT, MAX_DEPTH, too_deep


def nested(depth: int, inner: str = "") -> str:
    return '[{"a":' * (depth // 2) + "[" * (depth % 2) + inner + "]" * (depth % 2) + "}]" * (depth // 2)


@pytest.mark.parametrize("inner", ["", '"[[["', r'"\"[{"', "1", "é"])
def test_a_text_of_more_than_200_levels_is_too_deep(inner: str):
    wide = ",".join([nested(3, inner or "1")] * 200)
    for depth, deep in ((1, False), (MAX_DEPTH - 1, False), (MAX_DEPTH, False), (MAX_DEPTH + 1, True), (999, True)):
        assert too_deep(nested(depth, inner or "1")) is deep
        assert too_deep(f"[{wide}]") is False


def test_the_depth_of_invalid_json_counts_only_open_brackets():
    assert too_deep("[" * (MAX_DEPTH + 1))
    assert not too_deep("[" * MAX_DEPTH + "]" * (MAX_DEPTH + 5))
    assert not too_deep("]" * 500)


@pytest.mark.parametrize("item", ["{}", '{"a":{}}', "[" * 199 + "]" * 199], ids=["wide", "pairs", "chains"])
def test_a_payload_is_checked_as_fast_as_its_brackets_are_counted(item: str):
    text = "[" + ",".join([item] * (LIMIT // (len(item) + 1))) + "]"
    checks, counts = [], []
    for _ in range(3):
        begun = time.thread_time()
        assert not too_deep(text)
        checked = time.thread_time()
        assert sum(character in "[{" for character in text) > 200
        checks.append(checked - begun)
        counts.append(time.thread_time() - checked)
    assert min(checks) < 5 * min(counts)  # normally less than the loop, about 10 ms

"""Expressions that the cloud's process evaluates itself give the same results as the engines in worker processes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import jsonpath
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scones.cloud.services.stepfunctions.asl.jsonata_engine import UndefinedResultError, evaluate
from scones.cloud.services.stepfunctions.asl.jsonata_references import UNKNOWN, compile_reference
from scones.cloud.services.stepfunctions.asl.missing import MISSING
from scones.cloud.services.stepfunctions.asl.paths import EvaluationScope, PathQuery, compile_path
from support.state_workbench import DirectEvaluators

NAMES = st.sampled_from(["a", "b", "c"])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.integers(),
    st.floats(allow_nan=False),
    st.sampled_from([0.0, 1.0, -2.0, 1e15, 1e22]),
    st.text(max_size=3),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=12,
)
STEPS = st.lists(NAMES, max_size=3).map(lambda names: "".join(f".{name}" for name in names))
REFERENCES = st.builds("{}{}".format, st.sampled_from(["$states.input", "$states.context", "$v", "$sum"]), STEPS)
LITERALS = st.sampled_from(["1", "-2", "0", "'a'", '"a"', "''", "true", "false"])
COMPARISONS = st.builds(
    "{}{}{}".format,
    REFERENCES,
    st.sampled_from([" = ", " != ", "<", " <= ", ">", ">= "]),
    st.one_of(LITERALS, REFERENCES),
)


@given(text=st.one_of(REFERENCES, COMPARISONS), value=VALUES, variable=VALUES)
def test_references_equal_what_jsonata_gives(text: str, value: Any, variable: Any):
    reference = compile_reference(text)
    assert reference is not None
    states = {"input": value, "context": {"a": {"b": 1.0}}}
    found = reference.resolve(states, {"v": variable})
    if found is UNKNOWN:
        return
    try:
        expected = evaluate(text, {"v": variable, "states": states})
    except UndefinedResultError:
        expected = MISSING
    if found is MISSING or expected is MISSING:
        assert found is expected
    else:
        assert json.dumps(found) == json.dumps(expected)


@pytest.mark.parametrize(
    "text",
    [
        "$states.input.and",
        "$states.input.true",
        "$states.input.*",
        "$",
        "$$",
        "$a.b[0]",
        "$a.b + 1",
        "$a.$b",
        "a.b",
        "$a = null",
        "$sum($a)",
        "$a < -x",
        "$a = 'it\\'s'",
        "$a .b",
        "$a = 1 = 2",
        "$a." + "b" * 2000,
    ],
)
def test_other_expressions_are_left_to_jsonata(text: str):
    assert compile_reference(text) is None


SELECTORS = st.lists(
    st.sampled_from([".a", ".b", "['c']", '["a"]', "[0]", "[-1]", "[*]", ".*", "[1:]", "[:-1]", "[0:2]", "[:]"]),
    max_size=4,
)


@given(selectors=SELECTORS, value=VALUES)
def test_wildcards_and_slices_equal_what_python_jsonpath_gives(selectors: list[str], value: Any):
    text = "$" + "".join([*selectors, "[*]"])
    path = compile_path(text)
    assert isinstance(path, PathQuery)
    assert path.steps is not None
    assume(not isinstance(value, str))  # python-jsonpath parses a string as JSON
    assert asyncio.run(path.evaluate(EvaluationScope(value, {}, {}))) == [
        match.value for match in jsonpath.finditer(text, value)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$..n", [1, 2]),
        ("$.list[?(@.n > 1)].n", [2]),
        ("$.list[0,1].n", [1, 2]),
        ("$.list[?(@.s =~ /a+/)].n", [1]),
        ("$.list[?(@.s =~ /(?=a)A+/i)].n", [1]),
        ("$.list.[?(@.s == aa)].n", [1]),
    ],
)
def test_queries_go_to_a_worker(text: str, expected: list[int]):
    path = compile_path(text)
    assert isinstance(path, PathQuery)
    assert path.steps is None
    value = {"list": [{"n": 1, "s": "aa"}, {"n": 2, "s": "b"}]}
    assert asyncio.run(path.evaluate(EvaluationScope(value, {}, {}, evaluators=DirectEvaluators()))) == expected

"""Intrinsic functions, as documented by AWS and recorded on AWS."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from scones.cloud.services.stepfunctions.asl.failures import EvaluationError
from scones.cloud.services.stepfunctions.asl.intrinsics import compile_expression
from scones.cloud.services.stepfunctions.asl.paths import EvaluationScope
from support.state_workbench import DirectEvaluators

INPUT = {
    "name": "Ada",
    "list": [1, 2, 3, 3],
    "object": {"a": 1, "b": []},
    "text": '{"x": 1}',
    "n": 5,
    "slash": "a\\{}b",
}


def evaluate(text: str) -> Any:
    value = compile_expression(text).evaluate(
        EvaluationScope(INPUT, {"Name": "ctx"}, {"v": 7}, evaluators=DirectEvaluators())
    )
    return asyncio.run(value) if asyncio.iscoroutine(value) else value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("States.Format('Hello {}, {} and {}', $.name, $.n, null)", "Hello Ada, 5 and null"),
        ("States.Format('{}', $.object)", "{a=1, b=[]}"),
        (r"States.Format('\{\} {} it\'s \\', 1)", "{} 1 it's \\"),
        ("States.Format('{}', $.slash)", "a\\{}b"),
        ("States.Format('plain')", "plain"),
        ("States.StringToJson($.text)", {"x": 1}),
        ("States.StringToJson('')", None),
        ("States.StringToJson(' ')", None),
        ("States.JsonToString($.object)", '{"a":1,"b":[]}'),
        ("States.Array(1, 'two', $.n, true, null, 2.5)", [1, "two", 5, True, None, 2.5]),
        ("States.Array()", []),
        ("States.ArrayPartition($.list, 3)", [[1, 2, 3], [3]]),
        ("States.ArrayContains($.list, 2)", True),
        ("States.ArrayContains(States.Array(true), 1)", False),
        ("States.ArrayRange(1, 9, 2)", [1, 3, 5, 7, 9]),
        ("States.ArrayRange(3, 1, -1)", [3, 2, 1]),
        ("States.ArrayGetItem($.list, 1)", 2),
        ("States.ArrayLength($.list)", 4),
        ("States.ArrayUnique($.list)", [1, 2, 3]),
        ("States.Base64Encode('Data')", "RGF0YQ=="),
        ("States.Base64Decode('RGF0YQ==')", "Data"),
        ("States.Hash('input data', 'SHA-1')", "aaff4a450a104cd177d28d18d74485e8cae074b7"),
        ("States.JsonMerge($.object, States.StringToJson('{\"a\":2}'), false)", {"a": 2, "b": []}),
        ("States.MathAdd(1.5, -2.5)", 0),
        ("States.StringSplit('1,2+3,,4', ',+')", ["1", "2", "3", "4"]),
        ("States.MathAdd(States.ArrayLength($.list), $v)", 11),
        ("States.Format('{}', $$.Name)", "ctx"),
        ("$.list[?(@ > 2)]", [3, 3]),
    ],
)
def test_results(text: str, expected: Any):
    result = evaluate(text)
    assert result == expected
    assert type(result) is type(expected)


def test_random_numbers_repeat_with_a_seed_and_stay_in_range():
    assert evaluate("States.MathRandom(1, 1000, 42)") == evaluate("States.MathRandom(1, 1000, 42)")
    assert {evaluate("States.MathRandom(1, 3)") for _ in range(100)} == {1, 2}
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", evaluate("States.UUID()")
    )


@pytest.mark.parametrize(
    "text",
    [
        "States.StringToJson('{')",
        "States.ArrayGetItem($.list, 9)",
        "States.ArrayPartition($.name, 2)",
        "States.ArrayRange(1, 5000, 1)",
        "States.Base64Decode('###')",
        "States.Hash('a', 'CRC')",
        "States.JsonMerge($.object, $.object, true)",
        "States.Format('{} {}', 1)",
        "States.Format('{}', 1, 2)",
        "States.MathAdd('1', 2)",
    ],
)
def test_failures_are_intrinsic_failures(text: str):
    with pytest.raises(EvaluationError) as caught:
        evaluate(text)
    assert caught.value.error == "States.IntrinsicFailure"
    assert text in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "States.Nothing()",
        "States.Format('a",
        "States.UUID() + 1",
        "States.MathAdd(1)",
        r"States.Format('\n')",
        "name",
    ],
)
def test_invalid_expressions_are_rejected_at_compilation(text: str):
    with pytest.raises(ValueError, match=re.escape(text.partition("(")[0].partition("'")[0])):
        compile_expression(text)

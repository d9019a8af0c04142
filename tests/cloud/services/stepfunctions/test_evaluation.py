"""Expressions that exceed a limit: they fail their state and do not delay other requests."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from benchmarks.prober import probing

from scones.cloud.services.stepfunctions.evaluation.definitions import DefinitionCache

TIME = "Expression evaluation timeout: Check for infinite loop"
MEMORY = "Expression evaluation memory limit exceeded: Check for excessive memory usage"
DEPTH = "Stack overflow error: Check for non-terminating recursive function."


def jsonata(expression: str) -> dict[str, Any]:
    return {"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"r": "{% " + expression + " %}"}, "End": True}


def caught(state: dict[str, Any]) -> dict[str, Any]:
    """Return a definition that runs a state inside a Parallel state, which catches its failure."""
    branch = {"StartAt": "Attack", "States": {"Attack": state}}
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    parallel = {"Type": "Parallel", "Branches": [branch], "Catch": catch, "End": True}
    return {"StartAt": "P", "States": {"P": parallel, "Caught": {"Type": "Pass", "End": True}}}


def workers(cloud: Any) -> list[psutil.Process]:
    """Return the processes that evaluate expressions for a cloud."""
    found = []
    for process in psutil.Process(cloud.running.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if "scones.cloud.services.stepfunctions.evaluation.worker" in " ".join(process.cmdline()):
                found.append(process)
    return found


@pytest.mark.parametrize(
    ("expression", "limit"),
    [
        ("$pad('a', 500000000)", MEMORY),
        ("($f := function($n) { 1 + $f($n) }; $f(1))", DEPTH),
    ],
)
def test_an_expression_that_takes_too_much_memory_or_depth_can_be_caught(machines: Any, expression: str, limit: str):
    ended = machines.run(caught(jsonata(expression)))
    assert ended["status"] == "SUCCEEDED"
    output = json.loads(ended["output"])
    assert output["Error"] == "States.QueryEvaluationError"
    assert f"specified for the field 'Output/r' threw an error during evaluation: {limit}" in output["Cause"]


ATTACKS = {
    "regular expression": jsonata("$match($pad('', 40, 'a') & 'b', /(a+)+$/)"),
    "replacement": jsonata("$length($replace($pad('',100000,'a'), 'a', $pad('',100000,'b')))"),
    "tail recursion": jsonata("($f := function($x) { $f($x + 1) }; $f(1))"),
    "range": jsonata("$sum([1..800000].($ * 2 + $count([1..9])))"),
}


@pytest.mark.slow
@pytest.mark.parametrize("attack", ATTACKS)
def test_other_requests_are_served_while_an_expression_runs(machines: Any, cloud: Any, attack: str):
    machine = machines.create(caught(ATTACKS[attack]))
    with probing(cloud.url, cloud.environment) as prober:
        ended = machines.wait(machines.start(machine), timeout=120)
    print(attack)
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"])["Error"] == "States.QueryEvaluationError"
    assert prober.percentile(99) < 3


OBJECTS = {"list": [{"a": number} for number in range(15_000)]}
QUERIES = {
    "regular expression that backtracks": ("$.list[?(@.x =~ /(a+)+$/)]", {"list": [{"x": "a" * 50_000 + "!"}] * 4}, []),
    "alternatives that overlap": ("$.list[?(@.x =~ /(a|aa)+(b|c)+$/)]", {"list": [{"x": "a" * 99 + "!"}] * 2000}, []),
    "comparison with each item": ("$.list[?(@.a == $.list[14999].a)]", OBJECTS, [{"a": 14_999}]),
    "descent from each item": ("$.list[?(@..a)]", OBJECTS, None),
}
"""Expensive JSONPath queries: path, input, and the expected result if it is small."""


@pytest.mark.slow
@pytest.mark.parametrize("attack", QUERIES)
def test_other_requests_are_served_while_json_paths_are_evaluated(machines: Any, cloud: Any, attack: str):
    path, given, result = QUERIES[attack]
    machine = machines.create(caught({"Type": "Pass", "InputPath": path, "End": True}))
    with probing(cloud.url, cloud.environment) as prober:
        executions = [machines.start(machine, given) for _ in range(5)]
        ended = [machines.wait(execution, timeout=120) for execution in executions]
    assert {each["status"] for each in ended} == {"SUCCEEDED"}
    if result is not None:
        assert [json.loads(each["output"]) for each in ended] == [[result]] * len(ended)
    assert prober.percentile(99) < 3


@pytest.mark.slow
def test_one_machine_does_not_take_all_workers(machines: Any):
    attacker = machines.create(caught(ATTACKS["tail recursion"]))
    attacks = [machines.start(attacker) for _ in range(4)]
    assert machines.run({"StartAt": "A", "States": {"A": jsonata("$sum([1..10])")}})["status"] == "SUCCEEDED"
    states = {machines.client.describe_execution(executionArn=each)["status"] for each in attacks}
    assert states == {"RUNNING"}  # if they took all workers, one would have ended first, after five seconds of CPU time
    for each in attacks:
        machines.client.stop_execution(executionArn=each)


def test_no_worker_is_started_for_definitions_that_need_none(start_cloud: Any, machines_of: Callable[[Any], Any]):
    cloud = start_cloud()
    machines = machines_of(cloud)
    definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "InputPath": "$.list[*].n", "End": True}}}
    assert json.loads(machines.run(definition, {"list": [{"n": 1}, {}, {"n": 2}]})["output"]) == [1, 2]
    assert workers(cloud) == []


def test_workers_end_with_a_killed_cloud_and_hold_none_of_its_files(
    start_cloud: Any, machines_of: Callable[[Any], Any]
):
    cloud = start_cloud()
    machines = machines_of(cloud)
    machines.start(machines.create(caught(ATTACKS["tail recursion"])))
    deadline = time.monotonic() + 20
    while not (busy := [worker for worker in workers(cloud) if worker.cpu_times().user > 0.3]):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    (worker,) = busy
    if Path("/proc").exists():
        links = [link.readlink() for link in Path(f"/proc/{worker.pid}/fd").iterdir()]
        assert len(links) == 3, links
        assert not [link for link in links if str(cloud.data_dir) in str(link)]
        assert worker.cwd() == "/"
        assert worker.environ() == {}
    psutil.Process(cloud.running.pid).kill()
    psutil.wait_procs([worker], timeout=30)
    assert not worker.is_running()


HUGE = {
    "parentheses": "(" * 200_000,
    "variables": "$" * 400_000,
    "sum": "+".join("1" * 20_000),
    "arrays": "[" * 50_000 + "]" * 50_000,
}


@pytest.mark.parametrize("expression", HUGE)
def test_a_huge_expression_is_rejected_or_fails(machines: Any, cloud: Any, expression: str):
    definition = json.dumps({"StartAt": "A", "States": {"A": jsonata(HUGE[expression])}})
    with probing(cloud.url, cloud.environment) as prober:
        answer = machines.client.validate_state_machine_definition(definition=definition)
    if expression != "variables":
        assert answer["result"] == "FAIL"
    assert prober.percentile(99) < 3


def test_a_large_definition_is_parsed_once_for_executions_that_start_together():
    states = {f"S{number}": {"Type": "Succeed", "Comment": "x" * 1000} for number in range(20)}
    text = json.dumps({"StartAt": "S0", "States": states})

    async def main() -> None:
        definitions = DefinitionCache()
        machines = await asyncio.gather(*(definitions.get(text) for _ in range(20)))
        assert len({id(machine) for machine in machines}) == 1
        for number in range(8):
            await definitions.get(text + " " * (number + 1))
        assert await definitions.get(text) is not machines[0]

    asyncio.run(main())

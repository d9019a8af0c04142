"""Executions that can always go on: others are served meanwhile, and memory is bounded by what runs."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from state_workbench import INVOKE, interpret, single

from scones.cloud.services.states.execution.concurrency import (
    EXECUTION_SLOTS,
    INLINE_CONCURRENCY,
    Concurrency,
    ConcurrencyPool,
)
from scones.cloud.services.states.execution.scheduler import SLICE, Scheduler
from scones.cloud.services.states.language.evaluators import Owner

ITEMS = 1_000
TASK = {"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": "f", "Payload.$": "$"}, "End": True}


def nested_maps(depth: int) -> dict[str, Any]:
    """Return a machine of Maps in Maps, each over 1,000 items."""
    if depth == 0:
        return {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    first, second = f"R{depth}", f"M{depth}"
    items = {"Type": "Pass", "Parameters": {"items.$": f"States.ArrayRange(1, {ITEMS}, 1)"}, "Next": second}
    each = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": nested_maps(depth - 1), "End": True}
    return {"StartAt": first, "States": {first: items, second: each}}


class Counted:
    """Work that waits for several passes of the event loop; `most` is how much was under way at once."""

    def __init__(self) -> None:
        self.now = self.most = 0

    async def __call__(self, given: Any) -> Any:
        self.now += 1
        self.most = max(self.most, self.now)
        for _ in range(20):
            await asyncio.sleep(0)
        self.now -= 1
        return given["Payload"]


def test_an_inline_map_runs_40_iterations_at_once_whatever_its_max_concurrency_says():
    work = Counted()
    state = {"Type": "Map", "MaxConcurrency": 500, "ItemProcessor": {"StartAt": "T", "States": {"T": TASK}}}
    run = interpret(single(state), list(range(200)), work)
    assert (run.output, work.most) == (list(range(200)), INLINE_CONCURRENCY)


def test_one_execution_runs_a_bounded_number_of_iterations_and_branches_at_once():
    work = Counted()
    branches = [{"StartAt": f"T{index}", "States": {f"T{index}": TASK}} for index in range(40)]
    parallel = {"StartAt": "P", "States": {"P": {"Type": "Parallel", "Branches": branches, "End": True}}}
    run = interpret(single({"Type": "Map", "ItemProcessor": parallel}), list(range(40)), work)
    assert run.output == [[item] * 40 for item in range(40)]
    assert work.most <= EXECUTION_SLOTS + 40  # each Parallel runs one branch without a slot


def test_executions_share_slots_beyond_forty_each():
    pool = ConcurrencyPool()
    greedy = [Concurrency(pool) for _ in range(20)]
    for each in greedy:
        while each.take():
            pass
    late = Concurrency(pool)
    assert [late.take() for _ in range(INLINE_CONCURRENCY + 1)] == [True] * INLINE_CONCURRENCY + [False]
    for _ in range(EXECUTION_SLOTS):
        greedy[0].give_back()
    assert late.take()


def use_up() -> None:
    """Use up a slice."""
    time.sleep(2 * SLICE)


def test_a_machine_gets_its_turn_though_another_has_a_thousand_chains_that_can_go_on():
    async def main() -> int:
        scheduler, passes, stop = Scheduler(), 0, False

        async def busy(number: int) -> None:
            while not stop:
                await scheduler.turn(Owner("busy", f"execution {number % 10}"))
                use_up()

        async def count() -> None:
            nonlocal passes
            while not stop:
                passes += 1
                await asyncio.sleep(0)

        tasks = [asyncio.ensure_future(busy(number)) for number in range(1_000)]
        tasks.append(asyncio.ensure_future(count()))
        await asyncio.sleep(0)
        begun = passes
        for _ in range(10):
            await scheduler.turn(Owner("other", "execution"))
        stop = True
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return passes - begun

    assert asyncio.run(main()) < 100


def test_a_cancelled_chain_gives_its_turn_to_the_next():
    async def main() -> None:
        scheduler, owner = Scheduler(), Owner("machine", "execution")
        await scheduler.turn(owner)
        use_up()
        first, second = (asyncio.ensure_future(scheduler.turn(owner)) for _ in range(2))
        asyncio.get_running_loop().call_soon(first.cancel)
        await asyncio.wait_for(second, 10)

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["EXPRESS", "STANDARD"])
def test_nested_maps_delay_nobody(start_cloud: Any, kind: str):
    cloud = start_cloud()
    states, callers = cloud.client("stepfunctions"), cloud.client("sts")
    machine = states.create_state_machine(
        name="nested", roleArn="arn:aws:iam::111122223333:role/x", type=kind, definition=json.dumps(nested_maps(4))
    )["stateMachineArn"]
    states.start_execution(stateMachineArn=machine)
    begun = time.monotonic()
    for _ in range(50):
        callers.get_caller_identity()
        time.sleep(0.02)
    assert time.monotonic() - begun < 30  # a second; without turns the first call takes minutes

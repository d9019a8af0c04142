"""Executions that never have to wait: they do not block other requests, and the memory of executions is bounded."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from scones.cloud.core.store import Store
from scones.cloud.services.stepfunctions.asl.evaluators import JobOwner
from scones.cloud.services.stepfunctions.execution.concurrency import (
    EXECUTION_SLOTS,
    INLINE_CONCURRENCY,
    ExecutionSlots,
    SharedSlots,
)
from scones.cloud.services.stepfunctions.execution.history import Event
from scones.cloud.services.stepfunctions.execution.journal import MAX_UNWRITTEN, Journal
from scones.cloud.services.stepfunctions.execution.quota import MAX_CHARACTERS, MAX_RUNNING, RunningQuota
from scones.cloud.services.stepfunctions.execution.scheduler import SLICE_SECONDS, TurnScheduler
from scones.cloud.services.stepfunctions.schema import SCHEMA
from support.state_workbench import INVOKE, interpret, single

ITEMS = 1_000
ROLE = "arn:aws:iam::111122223333:role/states"
TASK = {"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": "f", "Payload.$": "$"}, "End": True}


def nested_maps(depth: int) -> dict[str, Any]:
    """Return a definition of `depth` nested Map states with 1,000 items each."""
    if depth == 0:
        return {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    first, second = f"R{depth}", f"M{depth}"
    items = {"Type": "Pass", "Parameters": {"items.$": f"States.ArrayRange(1, {ITEMS}, 1)"}, "Next": second}
    each = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": nested_maps(depth - 1), "End": True}
    return {"StartAt": first, "States": {first: items, second: each}}


class Counted:
    """Task function that takes 20 passes of the event loop; `most` is the highest number of concurrent calls."""

    def __init__(self) -> None:
        self.now = self.most = 0

    async def __call__(self, given: Any) -> Any:
        self.now += 1
        self.most = max(self.most, self.now)
        for _ in range(20):
            await asyncio.sleep(0)
        self.now -= 1
        return given["Payload"]


def test_an_inline_map_runs_at_most_40_iterations_at_once():
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
    assert work.most <= EXECUTION_SLOTS + 40  # each Parallel state runs one branch without a slot


def test_executions_share_slots_beyond_forty_each():
    pool = SharedSlots()
    greedy = [ExecutionSlots(pool) for _ in range(20)]
    for each in greedy:
        while each.acquire():
            pass
    late = ExecutionSlots(pool)
    assert [late.acquire() for _ in range(INLINE_CONCURRENCY + 1)] == [True] * INLINE_CONCURRENCY + [False]
    for _ in range(EXECUTION_SLOTS):
        greedy[0].release()
    assert late.acquire()


def use_up() -> None:
    """Block the event loop for twice the time slice that a turn allows."""
    time.sleep(2 * SLICE_SECONDS)


def test_a_machine_gets_its_turn_although_another_has_a_thousand_runnable_chains():
    async def main() -> int:
        scheduler, passes, stop = TurnScheduler(), 0, False

        async def busy(number: int) -> None:
            while not stop:
                await scheduler.wait_turn(JobOwner("busy", f"execution {number % 10}"))
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
            await scheduler.wait_turn(JobOwner("other", "execution"))
        stop = True
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return passes - begun

    assert asyncio.run(main()) < 100


def test_a_cancelled_chain_passes_its_turn_to_the_next():
    async def main() -> None:
        scheduler, owner = TurnScheduler(), JobOwner("machine", "execution")
        await scheduler.wait_turn(owner)
        use_up()
        first, second = (asyncio.ensure_future(scheduler.wait_turn(owner)) for _ in range(2))
        asyncio.get_running_loop().call_soon(first.cancel)
        await asyncio.wait_for(second, 10)

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["EXPRESS", "STANDARD"])
def test_nested_maps_do_not_delay_requests(start_cloud: Any, kind: str):
    cloud = start_cloud()
    states, callers = cloud.client("stepfunctions"), cloud.client("sts")
    machine = states.create_state_machine(
        name="nested", roleArn=ROLE, type=kind, definition=json.dumps(nested_maps(4))
    )["stateMachineArn"]
    states.start_execution(stateMachineArn=machine)
    begun = time.monotonic()
    for _ in range(50):
        callers.get_caller_identity()
        time.sleep(0.02)
    assert time.monotonic() - begun < 30  # normally 1 s; without turns, the first call takes minutes


WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 600, "End": True}}}


def recursion(machine: str) -> dict[str, Any]:
    """Return a definition that starts two executions of its own state machine."""
    start = {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution", "End": True}
    start["Parameters"] = {"StateMachineArn": machine, "Input": {}}
    branches = [{"StartAt": f"S{index}", "States": {f"S{index}": start}} for index in range(2)]
    return {"StartAt": "P", "States": {"P": {"Type": "Parallel", "Branches": branches, "End": True}}}


def test_a_machine_that_starts_itself_twice_can_be_deleted(start_cloud: Any, machines_of: Any):
    cloud = start_cloud()
    machines = machines_of(cloud)
    callers = cloud.client("sts")
    for number in range(3):
        machine = f"arn:aws:states:us-east-1:111122223333:stateMachine:twice-{number}"
        machines.create(recursion(machine), name=f"twice-{number}")
        machines.start(machine)
        for _ in range(20):
            callers.get_caller_identity()
            time.sleep(0.02)
        machines.client.delete_state_machine(stateMachineArn=machine)
    deadline = time.monotonic() + 60
    running = "SELECT count(*) FROM sfn_executions WHERE status = 'RUNNING'"
    with contextlib.closing(sqlite3.connect(cloud.data_dir / "cloud.sqlite")) as database:
        while database.execute(running).fetchone()[0]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert "Traceback" not in (cloud.data_dir / "cloud.log").read_text()


def test_concurrent_requests_for_one_machine_end_with_a_result_or_an_error(cloud: Any, machines: Any):
    client = cloud.client("stepfunctions", max_pool_connections=12, retries={"max_attempts": 0})
    name = f"contested-{time.time_ns()}"
    arn = f"arn:aws:states:us-east-1:111122223333:stateMachine:{name}"
    definitions = [json.dumps(WAIT | {"Comment": str(number)}) for number in range(4)]

    def request(number: int) -> int:
        definition = definitions[number % 4]
        calls: list[Any] = [
            lambda: client.create_state_machine(name=name, roleArn=ROLE, definition=definitions[0], publish=True),
            lambda: client.update_state_machine(stateMachineArn=arn, definition=definition, publish=True),
            lambda: client.publish_state_machine_version(stateMachineArn=arn),
            lambda: client.start_execution(stateMachineArn=arn),
            lambda: client.delete_state_machine(stateMachineArn=arn),
            lambda: [
                client.stop_execution(executionArn=each["executionArn"])
                for each in client.list_executions(stateMachineArn=arn, maxResults=5)["executions"]
            ],
        ]
        try:
            calls[number % len(calls)]()
        except client.exceptions.ClientError as error:
            return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
        return 200

    with ThreadPoolExecutor(12) as clients:
        codes = set(clients.map(request, range(300)))
    client.delete_state_machine(stateMachineArn=arn)
    assert codes <= {200, 400, 409}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "error"), [("EXPRESS", "ThrottlingException"), ("STANDARD", "ExecutionLimitExceeded")]
)
def test_executions_are_rejected_while_running_ones_exceed_the_quota(start_cloud: Any, kind: str, error: str):
    client = start_cloud().client("stepfunctions", retries={"max_attempts": 0})
    machine, other = (
        client.create_state_machine(name=name, roleArn=ROLE, type=kind, definition=json.dumps(WAIT))["stateMachineArn"]
        for name in ("first", "second")
    )
    large = json.dumps("x" * 260_000)

    def fill() -> None:
        for _ in range(MAX_CHARACTERS // len(large) + 1):
            client.start_execution(stateMachineArn=machine, input=large)

    with pytest.raises(client.exceptions.ClientError) as refused:
        fill()
    assert refused.value.response["Error"]["Code"] == error
    client.delete_state_machine(stateMachineArn=machine)
    deadline = time.monotonic() + 30
    while True:
        try:
            client.start_execution(stateMachineArn=other, input=large)
            break
        except client.exceptions.ClientError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_the_quota_limits_running_executions():
    quota = RunningQuota()
    for _ in range(MAX_RUNNING):
        assert not quota.is_exceeded_by("{}")
        quota.add("{}")
    assert quota.is_exceeded_by("{}")
    quota.remove("{}")
    assert not quota.is_exceeded_by("{}")


def test_a_synchronous_execution_of_a_deleted_machine_ends(cloud: Any, machines: Any):
    client = cloud.client("stepfunctions", inject_host_prefix=False, retries={"max_attempts": 0})
    deleting = client.exceptions.StateMachineDeleting  # botocore makes these classes at the first use, without a lock
    machine = machines.create(WAIT, type="EXPRESS")
    with ThreadPoolExecutor(1) as clients:
        running = clients.submit(client.start_sync_execution, stateMachineArn=machine)
        time.sleep(0.5)
        machines.client.delete_state_machine(stateMachineArn=machine)
        with pytest.raises(deleting):
            running.result(timeout=30)


@pytest.mark.slow
def test_executions_of_a_machine_deleted_before_a_crash_do_not_continue(start_cloud: Any, machines_of: Any):
    cloud = start_cloud()
    before = machines_of(cloud)
    machine = before.create(WAIT)
    execution = before.start(machine)
    cloud.kill()
    with contextlib.closing(sqlite3.connect(cloud.data_dir / "cloud.sqlite")) as database:
        database.execute("DELETE FROM sfn_machines")
        database.commit()
    assert machines_of(start_cloud()).wait(execution)["status"] == "ABORTED"


def test_executions_wait_while_too_many_events_are_unwritten(tmp_path: Path):
    async def main() -> None:
        store = Store(tmp_path / "store.sqlite")
        await store.define(SCHEMA)
        journal, go_on = Journal(store), threading.Event()
        store.submit(lambda _: go_on.wait(30))
        for number in range(1, MAX_UNWRITTEN // 100_000 + 2):
            journal.event(1, Event(number, number - 1, "PassStateEntered", 0.0, {"input": "x" * 100_000}))
        waiting = asyncio.ensure_future(journal.wait_for_space())
        await asyncio.sleep(0.1)
        assert not waiting.done()
        go_on.set()
        await asyncio.wait_for(waiting, 30)
        await journal.wait_for_space()
        await store.close()

    asyncio.run(main())

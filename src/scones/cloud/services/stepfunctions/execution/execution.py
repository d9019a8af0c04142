"""A running execution, and its part of the context object."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scones.cloud.core.arns import last_part
from scones.cloud.services.stepfunctions.asl.definition import StateGroup
from scones.cloud.services.stepfunctions.asl.text import JsonTexts
from scones.cloud.services.stepfunctions.asl.timestamps import format_timestamp
from scones.cloud.services.stepfunctions.execution.chain import Chain
from scones.cloud.services.stepfunctions.state_machines import Revision

MAX_STOPPED_AT_ONCE = 20
"""Executions of a deleted machine that are stopped in one batch; requests are served between batches."""


@dataclass(frozen=True, slots=True)
class ChildExecution:
    """The part of a child execution that its distributed Map supplies.

    `group` holds the states that it runs, `timeout` is its time-out in seconds (None: none), and `on_end` is called
    with its final status.
    """

    group: StateGroup
    timeout: float | None
    on_end: Callable[[str], None]


@dataclass(eq=False, slots=True)
class Execution:
    """One running execution; its history is on disk, not in memory."""

    id: int
    arn: str
    name: str
    machine: str
    input: str
    started: float
    revision: Revision
    chain: Chain
    redrives: int = 0
    since: float = 0.0
    """Time of the start or of the last redrive, in Unix seconds; the machine's time-out counts from it."""
    task: asyncio.Task[None] | None = None
    start_written: asyncio.Future[None] | None = None
    """Done when the start is on disk; None for a resumed or redriven execution and for a child execution."""
    ended: bool = False
    """True once its end is recorded, even if that is not on disk yet."""
    child: ChildExecution | None = None
    version: str | None = None
    """The ARN of the version that it runs; `alias` is the ARN of the alias used to start it."""
    alias: str | None = None


def context_object(execution: Execution, texts: JsonTexts) -> dict[str, Any]:
    """Return the parts of the context object that do not change during an execution."""
    execution_context: dict[str, Any] = {
        "Id": execution.arn,
        "Input": texts.root,
        "StartTime": format_timestamp(execution.started),
        "Name": execution.name,
        "RoleArn": execution.revision.role,
        "RedriveCount": execution.redrives,
    }
    if execution.redrives:
        execution_context["RedriveTime"] = format_timestamp(execution.since)
    return {
        "Execution": execution_context,
        "StateMachine": {"Id": execution.machine, "Name": last_part(execution.machine)},
    }

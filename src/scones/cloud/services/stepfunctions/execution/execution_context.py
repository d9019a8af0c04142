"""The objects that all executions of one cloud share."""

from __future__ import annotations

from dataclasses import dataclass

from scones.cloud.context import CloudContext
from scones.cloud.services.stepfunctions.asl.evaluators import Evaluators
from scones.cloud.services.stepfunctions.evaluation.definitions import DefinitionCache
from scones.cloud.services.stepfunctions.execution.execution_logs import ExecutionLogs
from scones.cloud.services.stepfunctions.execution.scheduler import TurnScheduler


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionContext:
    """The objects that Standard and Express executions share."""

    cloud: CloudContext
    evaluators: Evaluators
    scheduler: TurnScheduler
    definitions: DefinitionCache
    logs: ExecutionLogs

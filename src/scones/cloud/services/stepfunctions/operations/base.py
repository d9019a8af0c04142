"""The base class of Step Functions' operation groups, and errors that several groups raise."""

from __future__ import annotations

import sqlite3
from typing import ClassVar

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.service import Service
from scones.cloud.services.stepfunctions.arns import BAD_NAME
from scones.cloud.services.stepfunctions.evaluation.definitions import DefinitionChecker
from scones.cloud.services.stepfunctions.evaluation.workers import EvaluationWorkers
from scones.cloud.services.stepfunctions.execution.activities import SCHEMA as ACTIVITIES
from scones.cloud.services.stepfunctions.execution.executions import Executions
from scones.cloud.services.stepfunctions.execution.express import ExpressExecutions
from scones.cloud.services.stepfunctions.execution.task_tokens import SCHEMA as TOKENS
from scones.cloud.services.stepfunctions.map_run.map_children import SCHEMA as MAP_RUNS
from scones.cloud.services.stepfunctions.schema import SCHEMA
from scones.cloud.services.stepfunctions.state_machines import StateMachines


class StepFunctionsBase(Service):
    """The service's state, and lookups that several operation groups use."""

    name: ClassVar[str] = "stepfunctions"
    signing_name: ClassVar[str] = "states"
    schema: ClassVar[str] = ";".join((SCHEMA, MAP_RUNS, TOKENS, ACTIVITIES))

    def __init__(self, cloud: CloudContext) -> None:
        super().__init__(cloud)
        self._machines = StateMachines(cloud.store)
        self._workers = EvaluationWorkers()
        self._definitions = DefinitionChecker(self._workers)
        self._executions = Executions(cloud, self._workers)
        self._scheduler = self._executions.scheduler
        self._express = ExpressExecutions(
            cloud, self._executions.logs, self._workers, self._scheduler, self._executions.definitions
        )
        self._map_runs = self._executions.map_runs

    def _row(self, arn: str) -> sqlite3.Row | None:
        return self.cloud.store.row("SELECT * FROM sfn_executions WHERE arn = ?", arn)

    def _execution(self, arn: str) -> sqlite3.Row:
        row = self._row(arn)
        if row is None:
            raise no_execution(arn)
        return row


def checked_name(name: str) -> str:
    """Return the name of a machine, execution or activity, or raise InvalidName if AWS does not allow it."""
    if len(name) > 80 or not name or BAD_NAME.search(name):
        raise ServiceError("InvalidName", f"Invalid Name: '{name}'")
    return name


def no_execution(arn: str) -> ServiceError:
    """Return the error ExecutionDoesNotExist."""
    return ServiceError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")


def wrong_type() -> ServiceError:
    """Return the error for an operation that only machines of the other type support."""
    return ServiceError("StateMachineTypeNotSupported", "This operation is not supported by this type of state machine")

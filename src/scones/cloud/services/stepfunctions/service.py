"""The Step Functions service."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from scones.cloud.context import CloudContext
from scones.cloud.service import Service
from scones.cloud.services.stepfunctions.cloud_tasks import CloudTasks
from scones.cloud.services.stepfunctions.evaluation.definitions import DefinitionCache, DefinitionChecker
from scones.cloud.services.stepfunctions.evaluation.workers import EvaluationWorkers
from scones.cloud.services.stepfunctions.execution import activities, task_tokens
from scones.cloud.services.stepfunctions.execution.activities import Activities
from scones.cloud.services.stepfunctions.execution.clock import WallClock
from scones.cloud.services.stepfunctions.execution.execution_context import ExecutionContext
from scones.cloud.services.stepfunctions.execution.execution_logs import ExecutionLogs
from scones.cloud.services.stepfunctions.execution.executions import Executions
from scones.cloud.services.stepfunctions.execution.express import ExpressExecutions
from scones.cloud.services.stepfunctions.execution.journal import Journal
from scones.cloud.services.stepfunctions.execution.scheduler import TurnScheduler
from scones.cloud.services.stepfunctions.execution.task_tokens import TaskTokens
from scones.cloud.services.stepfunctions.integrations.registry import IntegrationRegistry
from scones.cloud.services.stepfunctions.map_run import map_children
from scones.cloud.services.stepfunctions.operations.activities import ActivityOperations
from scones.cloud.services.stepfunctions.operations.aliases import AliasOperations
from scones.cloud.services.stepfunctions.operations.definition_checks import DefinitionChecks
from scones.cloud.services.stepfunctions.operations.execution_records import ExecutionRecords
from scones.cloud.services.stepfunctions.operations.executions import ExecutionOperations
from scones.cloud.services.stepfunctions.operations.map_run_records import MapRunRecords
from scones.cloud.services.stepfunctions.operations.map_runs import MapRunOperations
from scones.cloud.services.stepfunctions.operations.redrives import RedriveOperations
from scones.cloud.services.stepfunctions.operations.state_machines import StateMachineOperations
from scones.cloud.services.stepfunctions.operations.tags import TagOperations
from scones.cloud.services.stepfunctions.operations.task_tokens import TaskTokenOperations
from scones.cloud.services.stepfunctions.operations.versions import VersionOperations
from scones.cloud.services.stepfunctions.schema import SCHEMA
from scones.cloud.services.stepfunctions.state_machines import StateMachines
from scones.cloud.services.stepfunctions.test_state.operation import StateTestOperations


class StepFunctions(Service):
    """State machines in the Amazon States Language, and their executions."""

    name: ClassVar[str] = "stepfunctions"
    signing_name: ClassVar[str] = "states"
    groups = (
        StateMachineOperations,
        VersionOperations,
        AliasOperations,
        ExecutionOperations,
        RedriveOperations,
        MapRunOperations,
        TagOperations,
        ActivityOperations,
        TaskTokenOperations,
        StateTestOperations,
    )
    schema: ClassVar[str] = ";".join((SCHEMA, map_children.SCHEMA, task_tokens.SCHEMA, activities.SCHEMA))
    refused_parameters: ClassVar[Mapping[str, Mapping[str, str]]] = MappingProxyType(
        {
            "ListExecutions": {"redriveFilter": ""},
        }
    )

    def __init__(self, cloud: CloudContext) -> None:
        machines, records, map_runs = (
            StateMachines(cloud.store),
            ExecutionRecords(cloud.store),
            MapRunRecords(cloud.store),
        )
        registry, scheduler, journal = IntegrationRegistry(cloud), TurnScheduler(), Journal(cloud.store)
        self._workers = EvaluationWorkers()
        definitions = DefinitionChecker(self._workers)
        tokens = TaskTokens(cloud.store, journal, WallClock())
        self._activities = Activities(cloud.store, journal, tokens)
        shared = ExecutionContext(
            cloud=cloud,
            evaluators=self._workers,
            scheduler=scheduler,
            definitions=DefinitionCache(),
            logs=ExecutionLogs(cloud),
        )
        self._executions = Executions(shared, journal, CloudTasks(cloud, registry, tokens, self._activities))
        self._express = ExpressExecutions(shared, CloudTasks(cloud, registry))
        checks = DefinitionChecks(definitions, registry)
        super().__init__(
            cloud,
            StateMachineOperations(cloud, machines, checks, records, self._executions, self._express),
            VersionOperations(cloud, machines),
            AliasOperations(cloud, machines),
            ExecutionOperations(cloud, machines, self._executions, self._express, records, map_runs),
            RedriveOperations(cloud, records, self._executions),
            MapRunOperations(cloud, records, map_runs, self._executions.map_runs),
            TagOperations(cloud, machines),
            ActivityOperations(cloud, self._activities),
            TaskTokenOperations(tokens),
            StateTestOperations(cloud, definitions, registry, self._workers, scheduler),
        )

    async def start(self) -> None:
        """Plan the resumption of executions that an earlier process left unfinished."""
        self._executions.plan_resumption()

    def drain(self) -> None:
        """End the calls that wait for an Express execution or for a task of an activity."""
        self._express.drain()
        self._activities.drain()

    async def stop(self) -> None:
        """End the Express executions, suspend the Standard executions for the next process, and stop the workers."""
        await self._express.stop()
        await self._executions.suspend()
        await self._workers.stop()

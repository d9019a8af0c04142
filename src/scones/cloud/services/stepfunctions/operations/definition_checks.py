"""The checks that a definition passes before a state machine is created or updated."""

from __future__ import annotations

import asyncio
import json

from scones.cloud.errors import ServiceError
from scones.cloud.services.stepfunctions.evaluation.definitions import DefinitionChecker
from scones.cloud.services.stepfunctions.integrations.registry import IntegrationRegistry
from scones.cloud.services.stepfunctions.validation.diagnostics import Diagnostic
from scones.cloud.services.stepfunctions.validation.resources import missing_parameters, resource_faults, unsupported


class DefinitionChecks:
    """Checks of definitions against the language, AWS's integrations, and those that the local cloud supports."""

    def __init__(self, definitions: DefinitionChecker, registry: IntegrationRegistry) -> None:
        self._definitions = definitions
        self._registry = registry

    async def diagnose(self, definition: str, kind: str) -> list[Diagnostic]:
        """Return the errors in a definition; resources are checked in a thread, which may load hundreds of models."""
        found = await self._definitions.diagnose(definition, kind)
        return found or await asyncio.to_thread(self._task_faults, definition)

    def _task_faults(self, definition: str) -> list[Diagnostic]:
        document = json.loads(definition)
        return resource_faults(document, self._registry) or missing_parameters(document)

    async def check(self, definition: str, kind: str) -> None:
        """Raise InvalidDefinition for a definition that AWS refuses or that the local cloud does not support."""
        found = await self.diagnose(definition, kind)
        if not found:
            found = await asyncio.to_thread(lambda: unsupported(json.loads(definition), self._registry))
        if found:
            joined = ", ".join(str(each) for each in found)
            raise ServiceError("InvalidDefinition", f"Invalid State Machine Definition: '{joined}'")

    async def variable_references(self, definition: str) -> dict[str, list[str]]:
        """Return the variables that each state of a valid definition refers to, by the state's name."""
        return await self._definitions.variable_references(definition)

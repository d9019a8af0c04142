"""Checking and parsing of definitions without blocking the event loop."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from functools import lru_cache

from scones.cloud.services.stepfunctions.asl import engines
from scones.cloud.services.stepfunctions.asl.definition import Definition, parse
from scones.cloud.services.stepfunctions.asl.evaluators import EvaluationJob, Evaluators, JobOwner, JobStoppedError
from scones.cloud.services.stepfunctions.asl.variable_references import variable_references
from scones.cloud.services.stepfunctions.validation.definition import TOO_DEEP, diagnose
from scones.cloud.services.stepfunctions.validation.diagnostics import SCHEMA, Diagnostic

_SMALL_DEFINITION = 16 * 1024
"""Maximum characters of a definition that is handled on the event loop, if it has no JSONata or JSONPath queries."""
_OWNER = JobOwner("definitions", "definitions")
_STOPPED = Diagnostic(SCHEMA, "Checking the definition exceeds the local cloud's limits on time or memory")
"""AWS's message for a definition that it cannot check in time is unknown."""
_MAX_CACHED_REFERENCES = 256
_MAX_CACHED_DEFINITIONS = 8


class DefinitionChecker:
    """Checks definitions, and has workers check large ones and those with queries."""

    def __init__(self, evaluators: Evaluators) -> None:
        self._evaluators = evaluators
        self._references: OrderedDict[str, dict[str, list[str]]] = OrderedDict()

    async def diagnose(self, definition: str, machine_type: str) -> list[Diagnostic]:
        """Return the errors in a definition; a worker reports only one more than a response shows (`MAX_FINDINGS`)."""
        if len(definition) <= _SMALL_DEFINITION:
            try:
                return diagnose(definition, machine_type)
            except engines.EngineNeededError:
                pass
        try:
            job = EvaluationJob("diagnose", {"definition": definition, "type": machine_type})
            (reply,) = await self._evaluators.run(job, _OWNER)
        except JobStoppedError as stopped:
            return [TOO_DEEP if stopped.limit == "depth" else _STOPPED]
        return [Diagnostic(*found) for found in reply["value"]]

    async def variable_references(self, definition: str) -> dict[str, list[str]]:
        """Return the variables that each state of a valid definition uses, by state; empty if that takes too long."""
        known = self._references.get(definition)
        if known is None:
            known = self._references[definition] = await self._variable_references(definition)
            if len(self._references) > _MAX_CACHED_REFERENCES:
                self._references.popitem(last=False)
        return known

    async def _variable_references(self, definition: str) -> dict[str, list[str]]:
        if len(definition) <= _SMALL_DEFINITION:
            try:
                return variable_references(definition)
            except engines.EngineNeededError:
                pass
        try:
            (reply,) = await self._evaluators.run(EvaluationJob("variables", {"definition": definition}), _OWNER)
        except JobStoppedError:
            return {}
        references: dict[str, list[str]] = reply["value"]
        return references


_parse_small = lru_cache(maxsize=512)(parse)


class DefinitionCache:
    """Parses valid definitions and caches the results. Large definitions are parsed on a thread, one at a time.

    Executions share a parsed definition, because they do not change it.
    """

    def __init__(self) -> None:
        self._parsed: OrderedDict[str, Definition] = OrderedDict()
        self._parsing = asyncio.Lock()

    async def get(self, definition: str) -> Definition:
        """Return the parsed definition."""
        if len(definition) <= _SMALL_DEFINITION:
            return _parse_small(definition)
        async with self._parsing:
            parsed = self._parsed.pop(definition, None)
            if parsed is None:
                parsed = await asyncio.to_thread(parse, definition)
            self._parsed[definition] = parsed
            if len(self._parsed) > _MAX_CACHED_DEFINITIONS:
                self._parsed.popitem(last=False)
        return parsed

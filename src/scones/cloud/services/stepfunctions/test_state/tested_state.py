"""The state under test in a TestState request."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from scones.cloud.errors import ServiceError
from scones.cloud.services.stepfunctions.asl.definition import AnyState, parse
from scones.cloud.services.stepfunctions.evaluation.definitions import DefinitionChecker
from scones.cloud.services.stepfunctions.validation.diagnostics import Diagnostic
from scones.cloud.services.stepfunctions.validation.state_graph import all_states
from scones.cloud.wire.members import Members

STATE_NAME = "StateName"
"""AWS's name for the state under test, in the locations of findings and in the context object."""
_OTHER_STATE_CODES = frozenset({"MISSING_TRANSITION_TARGET", "MISSING_END_STATE"})
"""Codes of findings about a machine's other states, which the definition of a single state does not contain."""


@dataclass(frozen=True, slots=True)
class TestedState:
    """The state under test and the query language of its state machine."""

    name: str
    document: dict[str, Any]
    language: str

    def machine(self) -> str:
        """Return the definition of a state machine with this state only."""
        states = {self.name: self.document}
        return json.dumps({"QueryLanguage": self.language, "StartAt": self.name, "States": states})

    async def parse(self) -> AnyState:
        """Return the parsed state."""
        return (await asyncio.to_thread(parse, self.machine())).states[self.name]


async def read_tested_state(params: Members, definitions: DefinitionChecker) -> TestedState:
    """Return the state under test: the definition itself or, if the request has a stateName, that state in it.

    Raises ValidationException if there is no such state, and InvalidDefinition if the definition has errors.
    """
    definition, name = params["definition"], params.get("stateName")
    if name is not None:
        reject_findings(await definitions.diagnose(definition, "STANDARD"))
        machine = json.loads(definition)
        states = {found.name: found.state for found in all_states(machine)}
        if name not in states:
            raise ServiceError("ValidationException", "State not found in definition")
        return TestedState(name, states[name], machine.get("QueryLanguage", "JSONPath"))
    try:
        state = json.loads(definition)
    except (ValueError, RecursionError):
        state = None
    if not isinstance(state, dict):
        reject_findings(await definitions.diagnose(definition, "STANDARD"))
        raise ServiceError("InvalidDefinition", "Invalid State Machine Definition: 'A state must be a JSON object'")
    subject = TestedState(STATE_NAME, state, "JSONPath")
    found = await definitions.diagnose(subject.machine(), "STANDARD")
    reject_findings([each for each in found if each.code not in _OTHER_STATE_CODES])
    return subject


def reject_findings(found: list[Diagnostic]) -> None:
    """Raise InvalidDefinition if there are findings."""
    if found:
        joined = ", ".join(map(str, found))
        raise ServiceError("InvalidDefinition", f"Invalid State Machine Definition: '{joined}'")

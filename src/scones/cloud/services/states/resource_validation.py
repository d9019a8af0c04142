"""What AWS finds wrong with the resources of tasks and their parameters, which hundreds of service models tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.model import StructureShape

from scones.cloud.services.states.diagnostics import SCHEMA, Diagnostic
from scones.cloud.services.states.integrations import input_shape, recognised
from scones.cloud.services.states.integrations.naming import pascal
from scones.cloud.services.states.resources import read_resource
from scones.cloud.services.states.states_below import states_below


def resource_faults(document: dict[str, Any]) -> list[Diagnostic]:
    """Return what AWS finds in the tasks of a definition that `diagnose` found no error in; a second's work at most."""
    return [fault for _, state, at in states_below(document) if state["Type"] == "Task" for fault in _task(state, at)]


def _task(state: dict[str, Any], at: str) -> Iterator[Diagnostic]:
    resource = read_resource(state["Resource"])
    if resource.is_function or resource.is_activity:
        return
    if not recognised(resource):
        message = (
            f"The resource provided {resource.arn} is not recognized. The value is not a valid resource ARN, or the "
            "resource is not available in this region."
        )
        yield Diagnostic(SCHEMA, message, f"{at}/Resource")
        return
    shape = input_shape(resource)
    for field in ("Parameters", "Arguments"):
        if shape is not None and isinstance(state.get(field), dict):
            yield from _parameters(state[field], shape, f"{at}/{field}")


def _parameters(given: dict[str, Any], shape: StructureShape, at: str) -> Iterator[Diagnostic]:
    """Yield members that an operation has not, or needs: as AWS words it for a Task's Credentials."""
    names = {name.removesuffix(".$") for name in given}
    members = {pascal(name) for name in shape.members}
    for name in names:
        if name not in members:
            yield Diagnostic(SCHEMA, f"The field '{name}' is not supported by Step Functions", at)
    for name in map(pascal, shape.required_members):
        if name not in names:
            yield Diagnostic(SCHEMA, f"The field '{name}' is required but was missing", at)

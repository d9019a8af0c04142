"""The assumptions of a TestState request, and its mock, which replaces the work of a Task, Parallel or Map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scones.cloud.errors import ServiceError
from scones.cloud.services.stepfunctions.asl.failures import StateFailedError
from scones.cloud.services.stepfunctions.asl.resources import integration_name
from scones.cloud.services.stepfunctions.asl.text import loads
from scones.cloud.services.stepfunctions.test_state.mock_shapes import ShapeError, check_result
from scones.cloud.services.stepfunctions.validation.state_graph import nested_states
from scones.cloud.wire.members import Members

_MOCKABLE = ("Task", "Parallel", "Map")
_MOCK_REQUIRED = ("Parallel", "Map")
"""State types that can only be tested with a mock."""


@dataclass(frozen=True, slots=True)
class Mock:
    """A mocked result (its JSON text) or a mocked failure."""

    text: str | None
    failure: StateFailedError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TestAssumptions:
    """The assumptions of a test: mock, complete context object, and numbers of retries and failed iterations."""

    mock: Mock | None = None
    context: dict[str, Any] | None = None
    retries: int = 0
    failed_iterations: int = 0
    reader_data: str | None = None
    """Content that replaces the object that an ItemReader would read."""


def read_mock(params: Members, state: Mapping[str, Any]) -> Mock | None:
    """Return a request's mock, or None if there is none; raise ValidationException if AWS rejects it for the state."""
    given = params.get("mock")
    if given is None:
        _check_without(params, state)
        return None
    if params.get("revealSecrets"):
        raise _refused("TestState does not support RevealSecrets when a mock is specified.")
    if ("result" in given) == ("errorOutput" in given):
        raise _refused("A test mock should have only one of the following fields: [result, errorOutput].")
    if state["Type"] not in _MOCKABLE:
        raise _refused(f"State type '{state['Type']}' is not supported when a mock is specified")
    _check_configuration(params.get("stateConfiguration", {}), state)
    if "result" in given:
        result = _checked_result(given["result"], given.get("fieldValidationMode", "STRICT"), state)
        failed = params.get("stateConfiguration", {}).get("mapIterationFailureCount", 0)
        if isinstance(result, list) and failed > len(result):
            raise _refused("Map iteration failure count must be less than or equal to the number of Map iterations")
        return Mock(given["result"], None)
    error = given["errorOutput"].get("error")
    if error is None:
        raise _refused("The field 'error' is required in the errorOutput of a mock.")
    return Mock(None, StateFailedError(error, given["errorOutput"].get("cause"), fatal=error == "States.Runtime"))


def waits_for_callback(state: Mapping[str, Any]) -> bool:
    """Return True if a state is a task that waits for a job or a task token."""
    name = integration_name(state.get("Resource", "")) or ""
    return state["Type"] == "Task" and name.partition(".")[2] in ("sync", "sync:2", "waitForTaskToken")


def _check_without(params: Members, state: Mapping[str, Any]) -> None:
    """Reject a request without a mock if its members or its state require one, or if a Task has no role.

    AWS's messages are recorded for MapIterationFailureCount, RoleArn, and Map and Parallel states; the others follow
    their pattern.
    """
    for member in (*params.get("stateConfiguration", ()), *(["context"] if "context" in params else ())):
        raise _refused(f"TestState does not support {member[0].upper()}{member[1:]} when a mock is not specified.")
    if state["Type"] in _MOCK_REQUIRED:
        raise ServiceError(
            "InvalidDefinition",
            "TestState API does not support Map or Parallel states. "
            "Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]",
        )
    if state["Type"] != "Task":
        return
    if "roleArn" not in params:
        raise _refused("RoleArn must be specified when testing a Task state")
    if waits_for_callback(state) or ":activity:" in state["Resource"]:
        raise _refused(f"Resource '{state['Resource']}' is not supported when a mock is not specified")


def _check_configuration(configured: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Reject settings about iterations for states other than a Map, and an ErrorCausedByState that does not exist.

    AWS's messages are not known.
    """
    for member in ("mapIterationFailureCount", "mapItemReaderData"):
        if member in configured and state["Type"] != "Map":
            named = member[0].upper() + member[1:]
            raise _refused(f"State type '{state['Type']}' is not supported when {named} is specified")
    cause = configured.get("errorCausedByState")
    if cause is not None and cause not in {found.name for found in nested_states(state)}:
        raise _refused(f"State '{cause}' of ErrorCausedByState is not inside the state under test")


def _checked_result(text: str, mode: str, state: Mapping[str, Any]) -> Any:
    """Return a mocked result; raise ValidationException if the state cannot have it."""
    try:
        result = loads(text)
    except ValueError as error:
        raise _refused("Mocked result must be valid JSON") from error
    if state["Type"] == "Task":
        _check_shape(state["Resource"], result, mode)
    elif "ResultWriter" in state:
        if not isinstance(result, dict):
            raise _refused("Mocked result must be a JSON object.")
    elif not isinstance(result, list):
        raise _refused("Mocked result must be an array.")
    elif state["Type"] == "Parallel" and len(result) != len(state["Branches"]):
        raise _refused("Mocked result must contain the same number of items as number of Parallel branches.")
    return result


def _check_shape(resource: str, result: Any, mode: str) -> None:
    if mode == "NONE":
        return
    try:
        check_result(resource, result, strict=mode == "STRICT")
    except ShapeError as error:
        raise _refused(f"Mock result schema validation error: {error}") from error


def _refused(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)

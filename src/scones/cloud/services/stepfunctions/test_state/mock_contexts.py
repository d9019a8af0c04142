"""The context object of a TestState request, and the default if a request has none."""

from __future__ import annotations

import uuid
from typing import Any

from scones.cloud.core.arns import Arn
from scones.cloud.errors import ServiceError
from scones.cloud.services.stepfunctions.asl.text import loads
from scones.cloud.services.stepfunctions.asl.timestamps import format_timestamp

_STRINGS = {
    "Execution": ("Id", "Name", "RoleArn", "StartTime"),
    "State": ("EnteredTime", "Name"),
    "StateMachine": ("Id", "Name"),
    "Task": ("Token",),
}
"""Members of the context object that are strings."""
_NUMBERS = {"Execution": ("RedriveCount",), "State": ("RetryCount",)}
_OTHERS = {"Execution": ("Input", "RedriveTime")}


def read_context(text: str, *, takes_token: bool) -> dict[str, Any]:
    """Parse the context object of a request; `takes_token` allows its member `Task`, which holds a task token.

    Raises ValidationException if the object is invalid.
    """
    try:
        context = loads(text)
    except ValueError:
        context = None
    if not isinstance(context, dict):
        raise _invalid("Context object must be a valid JSON object")
    for name, described in context.items():
        if name == "Map":
            raise _invalid("'Map' field is not supported when mocking a Context object")
        if name not in _STRINGS:
            raise _invalid(f"Field '{name}' is not allowed")
        if name == "Task" and not takes_token:
            raise _invalid(
                "Context object contains 'Task' when state is not a Task state with a '.sync' or '.waitForTaskToken' "
                "service integration pattern"
            )
        _check(name, described)
    return context


def new_context(value: Any, role: str | None, region: str, account: str, now: float) -> dict[str, Any]:
    """Return the default context object without its `State`.

    A test is an Express execution of a state machine that exists only for the test; `now` is in Unix seconds.
    """
    machine, name = str(uuid.uuid4()), str(uuid.uuid4())

    def arn(resource: str) -> str:
        return str(Arn(service="states", region=region, account=account, resource=resource))

    return {
        "Execution": {
            "Id": arn(f"express:{machine}:{name}"),
            "Input": value,
            "Name": name,
            "RoleArn": role,
            "StartTime": format_timestamp(now),
        },
        "StateMachine": {"Id": arn(f"stateMachine:{machine}"), "Name": machine},
    }


def _check(name: str, described: Any) -> None:
    if not isinstance(described, dict):
        raise _invalid(f"{name} must be an object")
    texts, numbers = _STRINGS[name], _NUMBERS.get(name, ())
    for member, value in described.items():
        if member in texts and not isinstance(value, str):
            raise _invalid(f"{name}.{member} must be a string")
        if member in numbers and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise _invalid(f"{name}.{member} must be a number")
        if member not in (*texts, *numbers, *_OTHERS.get(name, ())):
            raise _invalid(f"Field '{member}' is not allowed")


def _invalid(what: str) -> ServiceError:
    return ServiceError("ValidationException", f"Invalid Context object provided: {what}")

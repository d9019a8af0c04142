"""What AWS accepts in a definition and the local cloud does not run: refused by name when a machine is created."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from scones.cloud import services
from scones.cloud.service import Service
from scones.cloud.services.states.integrations import INTEGRATIONS, integration_name, is_function
from scones.cloud.services.states.integrations.sdk_services import operation_name, sdk_service, sdk_services
from scones.cloud.services.states.validation import SCHEMA, Diagnostic
from scones.cloud.wire.model import service_model

_CALLBACK = "waitForTaskToken"
"""The pattern of a task that ends when its token comes back."""


def not_offered(document: dict[str, Any]) -> list[Diagnostic]:
    """Return what a valid definition uses that the local cloud does not offer."""
    return list(_group(document, ""))


def _group(document: dict[str, Any], at: str) -> Iterator[Diagnostic]:
    for name, state in document["States"].items():
        yield from _state(state, f"{at}/States/{name}")


def _state(state: dict[str, Any], at: str) -> Iterator[Diagnostic]:
    if state["Type"] == "Task":
        yield from _task(state, at)
    for index, branch in enumerate(state.get("Branches", ())):
        yield from _group(branch, f"{at}/Branches[{index}]")
    for field in ("ItemProcessor", "Iterator"):
        if field in state:
            yield from _processor(state, field, at)


def _task(state: dict[str, Any], at: str) -> Iterator[Diagnostic]:
    resource = state["Resource"]
    name = integration_name(resource)
    if name is None and not is_function(resource):
        kind = "activities" if ":activity:" in resource else "this resource"
        yield Diagnostic(SCHEMA, f"The local cloud does not offer {kind}: {resource}", f"{at}/Resource")
    elif name is not None and (found := _integration(resource, name)):
        yield Diagnostic(SCHEMA, found, f"{at}/Resource")


def _integration(resource: str, name: str) -> str | None:
    """Return what is wrong with an integration: AWS does not know it, or the local cloud does not offer it."""
    if name in INTEGRATIONS:
        return None
    action, _, pattern = name.removeprefix("aws-sdk:").partition(".")
    if name.startswith("aws-sdk:"):
        service, _, called = action.partition(":")
        known = sdk_service(service, frozenset(_services())) or sdk_services().get(service)
        operations = service_model(known).operation_names if known else ()
        operation = operation_name(called)
        if known is None or called[:1].isupper() or operation not in operations or pattern not in ("", _CALLBACK):
            return (
                f"The resource provided {resource} is not recognized. The value is not a valid resource ARN, or the "
                "resource is not available in this region."
            )
        streams = service_model(known).operation_model(operation).has_event_stream_output
        service_here = _services().get(known)
        if not pattern and not streams and service_here and operation in service_here.operations():
            return None
    offered = ", ".join(f"arn:aws:states:::{each}" for each in sorted(INTEGRATIONS))
    return (
        f"The local cloud does not offer the integration {resource}; it offers {offered}, function ARNs, and "
        "arn:aws:states:::aws-sdk:SERVICE:OPERATION for every operation of its own"
    )


@cache
def _services() -> dict[str, type[Service]]:
    """Return the local cloud's services by botocore's name."""
    return {service.name: service for service in services.offered()}


def _processor(state: dict[str, Any], field: str, at: str) -> Iterator[Diagnostic]:
    yield from _distributed(state, at)
    yield from _group(state[field], f"{at}/{field}")


def _distributed(state: dict[str, Any], at: str) -> Iterator[Diagnostic]:
    """Yield what of a distributed Map's sources and formats is not offered."""
    config, where = state.get("ItemReader", {}).get("ReaderConfig", {}), f"{at}/ItemReader/ReaderConfig"
    if config.get("InputType") == "PARQUET":
        yield Diagnostic(SCHEMA, "The local cloud does not read PARQUET; give CSV, JSON or JSONL", f"{where}/InputType")
    writer = state.get("ResultWriter", {})
    if writer.get("WriterConfig", {}).get("OutputType") == "JSONL" and "Resource" not in writer:
        message = "The local cloud writes JSONL to S3 alone; give the ResultWriter a Resource, or the OutputType JSON"
        yield Diagnostic(SCHEMA, message, f"{at}/ResultWriter/WriterConfig/OutputType")

"""Features that AWS accepts but the local cloud does not support; creating a state machine with one fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scones.cloud.services.stepfunctions.asl.resources import read_resource
from scones.cloud.services.stepfunctions.integrations.registry import IntegrationRegistry
from scones.cloud.services.stepfunctions.validation.diagnostics import SCHEMA, Diagnostic
from scones.cloud.services.stepfunctions.validation.nested_states import all_states


def unsupported(document: dict[str, Any], registry: IntegrationRegistry) -> list[Diagnostic]:
    """Return a diagnostic for each feature of a valid definition that the local cloud does not support."""
    return [fault for _, state, at in all_states(document) for fault in _state(state, at, registry)]


def _state(state: dict[str, Any], at: str, registry: IntegrationRegistry) -> Iterator[Diagnostic]:
    if state["Type"] == "Task":
        yield from _task(state, at, registry)
    elif state["Type"] == "Map":
        yield from _distributed(state, at)


def _task(state: dict[str, Any], at: str, registry: IntegrationRegistry) -> Iterator[Diagnostic]:
    resource = read_resource(state["Resource"])
    if resource.is_function or resource.is_activity or registry.find(resource) is not None:
        return
    message = (
        f"The local cloud does not support the integration {resource.arn}. It supports all of its operations "
        "as arn:aws:states:::aws-sdk:SERVICE:OPERATION, and optimized integrations with Lambda, SQS, SNS, "
        "EventBridge, Step Functions and SageMaker"
    )
    yield Diagnostic(SCHEMA, message, f"{at}/Resource")


def _distributed(state: dict[str, Any], at: str) -> Iterator[Diagnostic]:
    """Yield diagnostics for the input and output formats of a distributed Map that are not supported."""
    config, where = state.get("ItemReader", {}).get("ReaderConfig", {}), f"{at}/ItemReader/ReaderConfig"
    if config.get("InputType") == "PARQUET":
        yield Diagnostic(
            SCHEMA, "The local cloud does not support PARQUET; use CSV, JSON or JSONL", f"{where}/InputType"
        )
    writer = state.get("ResultWriter", {})
    if writer.get("WriterConfig", {}).get("OutputType") == "JSONL" and "Resource" not in writer:
        message = "The local cloud writes JSONL only to S3; specify a Resource for the ResultWriter, or OutputType JSON"
        yield Diagnostic(SCHEMA, message, f"{at}/ResultWriter/WriterConfig/OutputType")

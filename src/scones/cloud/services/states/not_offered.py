"""What AWS accepts in a definition and the local cloud does not run: refused by name when a machine is created."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scones.cloud.services.states.diagnostics import SCHEMA, Diagnostic
from scones.cloud.services.states.integrations import find, recognised
from scones.cloud.services.states.resources import read_resource


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
    resource = read_resource(state["Resource"])
    if resource.is_function or resource.is_activity or find(resource) is not None:
        return
    if recognised(resource):
        message = (
            f"The local cloud does not offer the integration {resource.arn}; it offers every operation of its own as "
            "arn:aws:states:::aws-sdk:SERVICE:OPERATION, and optimized integrations of Lambda, SQS, SNS, EventBridge, "
            "Step Functions and SageMaker"
        )
    else:
        message = (
            f"The resource provided {resource.arn} is not recognized. The value is not a valid resource ARN, or the "
            "resource is not available in this region."
        )
    yield Diagnostic(SCHEMA, message, f"{at}/Resource")


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

"""Validation of what a definition uses: resources and parameters that AWS knows, and what the local cloud supports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from scones.cloud.services.stepfunctions.asl.fields import LANGUAGES
from scones.cloud.services.stepfunctions.asl.resources import integration_name, read_resource
from scones.cloud.services.stepfunctions.integrations.naming import pascal
from scones.cloud.services.stepfunctions.integrations.registry import IntegrationRegistry
from scones.cloud.services.stepfunctions.validation.diagnostics import SCHEMA, Diagnostic
from scones.cloud.services.stepfunctions.validation.state_graph import all_states


def resource_faults(document: dict[str, Any], registry: IntegrationRegistry) -> list[Diagnostic]:
    """Return AWS's diagnostics for the tasks of a definition in which `diagnose` found no error; takes 1 s at most."""
    tasks = [(state, at) for _, state, at in all_states(document) if state["Type"] == "Task"]
    return [fault for state, at in tasks for fault in _task(state, at, registry)]


def missing_parameters(document: dict[str, Any]) -> list[Diagnostic]:
    """Return AWS's diagnostics for integrations without Parameters or Arguments, which only TestState accepts."""
    default, found = document.get("QueryLanguage", LANGUAGES[0]), []
    for _, state, at in all_states(document):
        needed = "Parameters" if state.get("QueryLanguage", default) == LANGUAGES[0] else "Arguments"
        if state["Type"] == "Task" and integration_name(state["Resource"]) and needed not in state:
            message = f"{needed} field is required for resource ARN: {state['Resource']}"
            found.append(Diagnostic(SCHEMA, message, f"{at}/Resource"))
    return found


def _task(state: dict[str, Any], at: str, registry: IntegrationRegistry) -> Iterator[Diagnostic]:
    resource = read_resource(state["Resource"])
    if resource.is_function or resource.is_activity:
        return
    if not registry.exists_on_aws(resource):
        message = (
            f"The resource provided {resource.arn} is not recognized. The value is not a valid resource ARN, or the "
            "resource is not available in this region."
        )
        yield Diagnostic(SCHEMA, message, f"{at}/Resource")
        return
    shape = registry.input_shape(resource)
    # Names in Arguments, which are JSONata, have no `.$`: AWS documents it for JSONPath only.
    for field, suffix in (("Parameters", ".$"), ("Arguments", "")):
        if shape is not None and isinstance(state.get(field), dict):
            yield from _parameters(state[field], shape, f"{at}/{field}", suffix)


def _parameters(given: dict[str, Any], shape: StructureShape, at: str, suffix: str) -> Iterator[Diagnostic]:
    """Yield a diagnostic for each unknown member at any depth, and for each missing required member at the top level.

    The message about unknown members is AWS's for SageMaker (aws/amazon-sagemaker-examples, issue 4492); its location
    is the Parameters field itself at any depth. The message about missing members is AWS's for a Task's Credentials.
    """
    for name in dict.fromkeys(_unknown_members(given, shape, suffix)):
        yield Diagnostic(SCHEMA, f'The field "{name}" is not supported by Step Functions', at)
    names = {name.removesuffix(suffix) for name in given}
    for name in map(pascal, shape.required_members):
        if name not in names:
            yield Diagnostic(SCHEMA, f"The field '{name}' is required but was missing", at)


def _unknown_members(given: Any, shape: Shape, suffix: str) -> Iterator[str]:
    """Yield the unknown members of a value: names that its shape does not have, even without `suffix`."""
    if isinstance(shape, StructureShape) and isinstance(given, dict) and not shape.is_document_type:
        members = {pascal(name): member for name, member in shape.members.items()}
        for key, value in given.items():
            name = key.removesuffix(suffix)
            if name not in members:
                yield name
            elif name == key:
                yield from _unknown_members(value, members[name], suffix)
    elif isinstance(shape, ListShape) and isinstance(given, list):
        for item in given:
            yield from _unknown_members(item, shape.member, suffix)
    elif isinstance(shape, MapShape) and isinstance(given, dict):
        for item in given.values():
            yield from _unknown_members(item, shape.value, suffix)


def unsupported(document: dict[str, Any], registry: IntegrationRegistry) -> list[Diagnostic]:
    """Return a diagnostic for each feature of a valid definition that the local cloud does not support."""
    return [fault for _, state, at in all_states(document) for fault in _unsupported_state(state, at, registry)]


def _unsupported_state(state: dict[str, Any], at: str, registry: IntegrationRegistry) -> Iterator[Diagnostic]:
    if state["Type"] == "Task":
        yield from _unsupported_task(state, at, registry)
    elif state["Type"] == "Map":
        yield from _unsupported_map(state, at)


def _unsupported_task(state: dict[str, Any], at: str, registry: IntegrationRegistry) -> Iterator[Diagnostic]:
    resource = read_resource(state["Resource"])
    if resource.is_function or resource.is_activity or registry.find(resource) is not None:
        return
    message = (
        f"The local cloud does not support the integration {resource.arn}. It supports all of its operations "
        "as arn:aws:states:::aws-sdk:SERVICE:OPERATION, and optimized integrations with Lambda, SQS, SNS, "
        "EventBridge, Step Functions and SageMaker"
    )
    yield Diagnostic(SCHEMA, message, f"{at}/Resource")


def _unsupported_map(state: dict[str, Any], at: str) -> Iterator[Diagnostic]:
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

"""Validation of the fields of a Map: mode, label, numbers, reader, batcher and writer.

The wording of most diagnostics was measured on AWS by third parties (floci-io/floci, issue 3733; the rules of Step
Functions in badmintoncryer/cdk-preflight); other diagnostics have our own wording if AWS's is not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scones.cloud.services.stepfunctions.arns import BAD_NAME
from scones.cloud.services.stepfunctions.asl.distribution import DELIMITERS
from scones.cloud.services.stepfunctions.asl.fields import DISTRIBUTED
from scones.cloud.services.stepfunctions.asl.queries import query_text
from scones.cloud.services.stepfunctions.validation.values import (
    Fault,
    bounded,
    expected,
    one_of,
    reference_fault,
    typed,
)

_MAX_LABEL, _LABEL_CODE = 40, "INVALID_LABEL_NAME"
_READERS = ("arn:aws:states:::s3:getObject", "arn:aws:states:::s3:listObjectsV2")
_WRITER = "arn:aws:states:::s3:putObject"
_READER_VALUES: dict[str, tuple[str, ...]] = {
    "InputType": ("CSV", "JSON", "JSONL", "PARQUET", "MANIFEST"),
    "CSVDelimiter": tuple(DELIMITERS),
    "ManifestType": ("S3_INVENTORY", "ATHENA_DATA"),
    "Transformation": ("NONE", "LOAD_AND_FLATTEN"),
}
_BOUNDS: dict[str, tuple[float, float | None]] = {
    "MaxConcurrency": (0, None),
    "ToleratedFailureCount": (0, None),
    "ToleratedFailurePercentage": (0.0, 100.0),
}
_HOLDERS = ("ReaderConfig", "ItemBatcher")
"""Objects in a state whose numbers may have `...Path` fields; `_numbers` checks the query language of these fields.

The same check of the state's other fields is in `definition`.
"""
_READER_BOUNDS: dict[str, tuple[float, float | None]] = {"MaxItems": (0, 100_000_000)}
_BATCHER_BOUNDS: dict[str, tuple[float, float | None]] = {
    "MaxItemsPerBatch": (0, None),
    "MaxInputBytesPerBatch": (0, None),
}


def map_faults(state: dict[str, Any], at: str, language: str, express: bool) -> Iterator[Fault]:
    """Yield the faults in a Map's own fields, but not in the states of its processor."""
    jsonata = language == "JSONata"
    yield from _numbers(state, _BOUNDS, at, jsonata)
    config, where = _config(state), f"{at}/ItemProcessor/ProcessorConfig"
    for field in ("ItemProcessor", "Iterator"):
        if isinstance(state.get(field), dict):
            yield from typed(state[field], ("ProcessorConfig",), f"{at}/{field}", dict)
    yield from one_of(config, "Mode", ("INLINE", "DISTRIBUTED"), where)
    yield from one_of(config, "ExecutionType", ("STANDARD", "EXPRESS"), where)
    if config.get("Mode") != "DISTRIBUTED":
        for field in sorted(DISTRIBUTED & set(state)):
            yield f"Field '{field}' is only supported if the processor's mode is 'DISTRIBUTED'", f"{at}/{field}"
        if "ExecutionType" in config:
            yield "Field 'ExecutionType' is not supported", where
        return
    if "ExecutionType" not in config:
        yield "These fields are required: [ExecutionType]", where
    if express:
        yield (
            "The field 'Mode' with value 'DISTRIBUTED' is not supported inside 'EXPRESS' state machines",
            f"{where}/Mode",
        )
    yield from _label(state, at)
    for field, check in (("ItemReader", _reader), ("ItemBatcher", _batcher), ("ResultWriter", _writer)):
        if field not in state:
            continue
        if isinstance(state[field], dict):
            yield from check(state[field], f"{at}/{field}", jsonata)
        else:
            yield expected(dict), f"{at}/{field}"


def express_children(state: dict[str, Any]) -> bool:
    """Return True if a state is a distributed Map whose child executions are Express."""
    config = _config(state)
    return config.get("Mode") == "DISTRIBUTED" and config.get("ExecutionType") == "EXPRESS"


def _config(state: dict[str, Any]) -> dict[str, Any]:
    processor = state.get("ItemProcessor") or state.get("Iterator")
    config = processor.get("ProcessorConfig") if isinstance(processor, dict) else None
    return config if isinstance(config, dict) else {}


def _label(state: dict[str, Any], at: str) -> Iterator[Fault]:
    label, where = state.get("Label"), f"{at}/Label"
    if "Label" not in state:
        return
    if not isinstance(label, str):
        yield expected(str), where
    elif not label:
        yield "Label cannot be empty", where, _LABEL_CODE
    elif len(label) > _MAX_LABEL:
        yield (
            f"Invalid Label name: {label} exceeds the {_MAX_LABEL}-character limit allowed by the service",
            where,
            _LABEL_CODE,
        )
    elif BAD_NAME.search(label):
        yield "Label contains invalid characters", where, _LABEL_CODE


def _reader(reader: dict[str, Any], at: str, jsonata: bool) -> Iterator[Fault]:
    resource, config = reader.get("Resource"), reader.get("ReaderConfig", {})
    if resource is None:
        yield "These fields are required: [Resource]", at
    elif resource not in _READERS:
        yield "The field 'Resource' does not match any of the allowed values", f"{at}/Resource"
    yield from _language(reader, at, jsonata)
    where = f"{at}/ReaderConfig"
    if not isinstance(config, dict):
        yield expected(dict), where
        return
    loads = config.get("Transformation") == "LOAD_AND_FLATTEN" or config.get("ManifestType") == "ATHENA_DATA"
    single = resource == _READERS[0] and config.get("ManifestType") != "S3_INVENTORY"
    if (single or loads) and "InputType" not in config:
        yield "These fields are required: [InputType]", where
    for field, values in _READER_VALUES.items():
        yield from one_of(config, field, values, where)
    if config.get("InputType") == "CSV":
        yield from _headers(config, where)
    elif config.get("InputType") == "JSON" and "CSVHeaderLocation" in config:
        yield "Field 'CSVHeaderLocation' is not supported", where
    yield from _numbers(config, _READER_BOUNDS, where, jsonata)


def _headers(config: dict[str, Any], at: str) -> Iterator[Fault]:
    location = config.get("CSVHeaderLocation")
    if location is None:
        yield "The field 'CSVHeaderLocation' is required", at
    yield from one_of(config, "CSVHeaderLocation", ("FIRST_ROW", "GIVEN"), at)
    if location == "GIVEN":
        headers = config.get("CSVHeaders")
        if not isinstance(headers, list):
            yield "These fields are required: [CSVHeaders]", at
        elif not all(isinstance(header, str) for header in headers):
            yield expected(str), f"{at}/CSVHeaders"


def _batcher(batcher: dict[str, Any], at: str, jsonata: bool) -> Iterator[Fault]:
    if not any(name.removesuffix("Path") in _BATCHER_BOUNDS for name in batcher):
        yield "An ItemBatcher requires MaxItemsPerBatch or MaxInputBytesPerBatch", at
    yield from _numbers(batcher, _BATCHER_BOUNDS, at, jsonata)


def _writer(writer: dict[str, Any], at: str, jsonata: bool) -> Iterator[Fault]:
    if not {"Resource", "WriterConfig"} & set(writer):
        yield "A ResultWriter requires a Resource, a WriterConfig or both", at
    if writer.get("Resource", _WRITER) != _WRITER:
        yield f"The Resource of a ResultWriter must be {_WRITER}", f"{at}/Resource"
    yield from _language(writer, at, jsonata)
    config, where = writer.get("WriterConfig", {}), f"{at}/WriterConfig"
    if not isinstance(config, dict):
        yield expected(dict), where
        return
    yield from one_of(config, "Transformation", ("NONE", "COMPACT", "FLATTEN"), where)
    yield from one_of(config, "OutputType", ("JSON", "JSONL"), where)


def _language(holder: dict[str, Any], at: str, jsonata: bool) -> Iterator[Fault]:
    """Yield a fault for Parameters in JSONata and for Arguments in JSONPath."""
    if ("Parameters" if jsonata else "Arguments") in holder:
        yield _wrong_language("Parameters" if jsonata else "Arguments", jsonata), at


def _wrong_language(field: str, jsonata: bool) -> str:
    language, other = ("JSONata", "JSONPath") if jsonata else ("JSONPath", "JSONata")
    supported = f"field '{field}' is only supported for the '{other}' QueryLanguage"
    return f"The QueryLanguage is set to '{language}', but {supported}"


def _numbers(
    holder: dict[str, Any], bounds: dict[str, tuple[float, float | None]], at: str, jsonata: bool
) -> Iterator[Fault]:
    for field, (least, most) in bounds.items():
        path = f"{field}Path"
        if field in holder and path in holder:
            yield f"There should only be one of the following fields: [{field}, {path}]", at
        if path in holder and jsonata and at.rpartition("/")[2] in _HOLDERS:
            yield _wrong_language(path, jsonata), at
        elif path in holder and not jsonata and (message := reference_fault(holder[path])):
            yield message, f"{at}/{path}"
        if not (jsonata and query_text(holder.get(field)) is not None):
            yield from bounded(holder, field, at, type(least), least, most)

"""The parsed fields of a distributed Map: item reader, batches, tolerated failures and result writer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scones.cloud.core.arns import last_part
from scones.cloud.services.stepfunctions.asl.paths import Path, compile_reference_path
from scones.cloud.services.stepfunctions.asl.queries import JsonataQuery, query_text
from scones.cloud.services.stepfunctions.asl.templates import Template, compile_jsonata, compile_template

Number = float | Path | JsonataQuery
"""A number, a path to it (a `...Path` field), or JSONata that gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemReader:
    """The source of the items: an S3 object or a list of objects; `parameters` are those of the S3 operation."""

    operation: str
    parameters: Template
    manifest: str | None
    """ManifestType; the default for the InputType MANIFEST is S3_INVENTORY."""
    flatten: bool
    """True if the items are the contents of the listed objects, not the objects themselves."""
    input_type: str | None
    header_location: str | None
    headers: tuple[str, ...]
    delimiter: str
    pointer: str | None
    max_items: Number | None


@dataclass(frozen=True, slots=True)
class ItemBatcher:
    """Limits of a batch, the items of one child execution: `max_items` items and `max_bytes` bytes of input.

    `batch_input` is BatchInput.
    """

    batch_input: Template | None
    max_items: Number | None
    max_bytes: Number | None


@dataclass(frozen=True, slots=True)
class ResultWriter:
    """Settings for the results; `parameters` is None if they become the state's output, `lines` is true for JSONL."""

    parameters: Template | None
    transformation: str
    lines: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributedMapFields:
    """The additional fields of a Map in DISTRIBUTED mode."""

    label: str | None
    express: bool
    reader: ItemReader | None
    batcher: ItemBatcher | None
    writer: ResultWriter | None
    tolerated_count: Number | None
    tolerated_percentage: Number | None


def parse_distribution(state: dict[str, Any], jsonata: bool) -> DistributedMapFields | None:
    """Parse a Map's fields; return None if its mode is inline."""
    config = (state.get("ItemProcessor") or state["Iterator"]).get("ProcessorConfig", {})
    if config.get("Mode", "INLINE") != "DISTRIBUTED":
        return None
    return DistributedMapFields(
        label=state.get("Label"),
        express=config.get("ExecutionType") == "EXPRESS",
        reader=_reader(state["ItemReader"], jsonata) if "ItemReader" in state else None,
        batcher=_batcher(state["ItemBatcher"], jsonata) if "ItemBatcher" in state else None,
        writer=_writer(state["ResultWriter"], jsonata) if "ResultWriter" in state else None,
        tolerated_count=_number(state, "ToleratedFailureCount", "", jsonata),
        tolerated_percentage=_number(state, "ToleratedFailurePercentage", "", jsonata),
    )


DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
"""Delimiter characters by their CSVDelimiter names."""


def _reader(reader: dict[str, Any], jsonata: bool) -> ItemReader:
    config = reader.get("ReaderConfig", {})
    return ItemReader(
        operation=last_part(reader["Resource"]),
        parameters=_parameters(reader, "ItemReader", jsonata),
        manifest=config.get("ManifestType", "S3_INVENTORY" if config.get("InputType") == "MANIFEST" else None),
        flatten=config.get("Transformation") == "LOAD_AND_FLATTEN",
        input_type=config.get("InputType"),
        header_location=config.get("CSVHeaderLocation"),
        headers=tuple(config.get("CSVHeaders", ())),
        delimiter=DELIMITERS[config.get("CSVDelimiter", "COMMA")],
        pointer=config.get("ItemsPointer"),
        max_items=_number(config, "MaxItems", "ItemReader/ReaderConfig/", jsonata),
    )


def _batcher(batcher: dict[str, Any], jsonata: bool) -> ItemBatcher:
    where = "ItemBatcher/"
    return ItemBatcher(
        _template(batcher["BatchInput"], f"{where}BatchInput", jsonata) if "BatchInput" in batcher else None,
        _number(batcher, "MaxItemsPerBatch", where, jsonata),
        _number(batcher, "MaxInputBytesPerBatch", where, jsonata),
    )


def _writer(writer: dict[str, Any], jsonata: bool) -> ResultWriter:
    config, exported = writer.get("WriterConfig", {}), "Resource" in writer
    return ResultWriter(
        _parameters(writer, "ResultWriter", jsonata) if exported else None,
        config.get("Transformation", "NONE" if exported else "COMPACT"),
        config.get("OutputType", "JSON") == "JSONL",
    )


def _parameters(holder: dict[str, Any], where: str, jsonata: bool) -> Template:
    field = "Arguments" if jsonata else "Parameters"
    return _template(holder.get(field, {}), f"{where}/{field}", jsonata)


def _template(payload: Any, field: str, jsonata: bool) -> Template:
    return compile_jsonata(payload, field) if jsonata else compile_template(payload)


def _number(holder: dict[str, Any], field: str, where: str, jsonata: bool) -> Number | None:
    if f"{field}Path" in holder:
        return compile_reference_path(holder[f"{field}Path"])
    text = query_text(holder.get(field)) if jsonata else None
    return holder.get(field) if text is None else JsonataQuery(f"{where}{field}", text)

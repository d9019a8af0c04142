"""How a distributed Map reads its items, batches them, tolerates failures and writes results, parsed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scones.cloud.services.states.language.paths import Path, compile_reference_path
from scones.cloud.services.states.language.queries import JsonataQuery, query_text
from scones.cloud.services.states.language.templates import Template, compile_jsonata, compile_template

Number = float | Path | JsonataQuery
"""A number, the path to it (a `...Path` field), or the JSONata that gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemReader:
    """Where the items are: an S3 object or a list of objects; `parameters` are S3's."""

    operation: str
    parameters: Template
    manifest: str | None
    """The ManifestType; an object of the type MANIFEST is S3_INVENTORY where it says nothing else."""
    flatten: bool
    """Whether the items are what is in the listed objects, not the objects."""
    input_type: str | None
    header_location: str | None
    headers: tuple[str, ...]
    delimiter: str
    pointer: str | None
    max_items: Number | None


@dataclass(frozen=True, slots=True)
class ItemBatcher:
    """Several items for one child: at most so many, or so many bytes of input; `fixed` is BatchInput."""

    fixed: Template | None
    max_items: Number | None
    max_bytes: Number | None


@dataclass(frozen=True, slots=True)
class ResultWriter:
    """Where results go (`parameters` is None for the state's output) and as what."""

    parameters: Template | None
    transformation: str
    lines: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """What a Map in the mode DISTRIBUTED has beside a Map's own fields."""

    label: str | None
    express: bool
    reader: ItemReader | None
    batcher: ItemBatcher | None
    writer: ResultWriter | None
    tolerated_count: Number | None
    tolerated_percentage: Number | None


def parse_distribution(state: dict[str, Any], jsonata: bool) -> Distribution | None:
    """Parse a Map's fields; None where its mode is inline."""
    config = (state.get("ItemProcessor") or state["Iterator"]).get("ProcessorConfig", {})
    if config.get("Mode", "INLINE") != "DISTRIBUTED":
        return None
    return Distribution(
        label=state.get("Label"),
        express=config.get("ExecutionType") == "EXPRESS",
        reader=_reader(state["ItemReader"], jsonata) if "ItemReader" in state else None,
        batcher=_batcher(state["ItemBatcher"], jsonata) if "ItemBatcher" in state else None,
        writer=_writer(state["ResultWriter"], jsonata) if "ResultWriter" in state else None,
        tolerated_count=_number(state, "ToleratedFailureCount", "", jsonata),
        tolerated_percentage=_number(state, "ToleratedFailurePercentage", "", jsonata),
    )


DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
"""CSVDelimiter's names."""


def _reader(reader: dict[str, Any], jsonata: bool) -> ItemReader:
    config = reader.get("ReaderConfig", {})
    return ItemReader(
        operation=reader["Resource"].rpartition(":")[2],
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

"""A transform job's processing of records: filters, the join of input and output, and inference ids.

SageMaker Developer Guide, "Associate Prediction Results with Input Records" and "Capture data from batch transform
job".
"""

from __future__ import annotations

import csv
import io
import json
import re
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from scones.cloud.core.clock import iso_seconds
from scones.cloud.services.sagemaker.errors import invalid
from scones.cloud.wire.members import Members

_NAMES = re.compile(r"\['[^']*'(\s*,\s*'[^']*')+\s*\]$")
"""Pattern of a path that ends with several names; such a path selects an object with these members."""
_OPERATORS = "$[]*. ,:-'"
_INDICES = re.compile(r"\[([^\]]*)\]$")

Record = Any
"""A record: a JSON value of any kind, or the list of a CSV line's fields. DataProcessing's paths select parts of it."""


class RecordsError(ValueError):
    """Records have an invalid format, or a path does not fit them; the message is for the job's data log."""


class TransformRecords:
    """The filters, the join and the inference ids of one transform job.

    `request` is the job's document, and `begun` its start in seconds since 1970.
    """

    def __init__(self, request: Members, begun: float) -> None:
        processing = request.get("DataProcessing", {})
        data = request["TransformInput"]
        kind = data.get("ContentType", "").partition(";")[0].strip()
        self._csv = kind == "text/csv"
        self._lines = self._csv or kind == "application/jsonlines" or data.get("SplitType") == "Line"
        self._input_filter = _selection(processing.get("InputFilter", "$"), row=self._csv)
        self._output_filter = _selection(processing.get("OutputFilter", "$"), row=self._csv)
        self._joins = processing.get("JoinSource", "None") == "Input"
        self._adds_inference_ids = request.get("DataCaptureConfig", {}).get("GenerateInferenceId", False)
        self._time = iso_seconds(datetime.fromtimestamp(begun, UTC))

    def model_input(self, records: bytes) -> bytes:
        """Return the model's input for some records, after the input filter; raises `RecordsError`."""
        if self._input_filter is None:
            return records
        return self._written(self._input_filter(record) for record in self._read(records, "input"))

    def output(self, records: bytes, response: bytes) -> bytes:
        """Return the output for some records: the model's response after join, output filter and inference ids.

        Raises `RecordsError`.
        """
        if self._output_filter is None and not self._joins and not self._adds_inference_ids:
            return response
        outputs = self._read(response, "output")
        if self._joins:
            inputs = self._read(records, "input")
            if len(inputs) != len(outputs):
                raise RecordsError(
                    f"{len(inputs)} input records but {len(outputs)} output records; they cannot be joined"
                )
            outputs = [self._joined(*pair) for pair in zip(inputs, outputs, strict=True)]
        if self._output_filter is not None:
            outputs = [self._output_filter(record) for record in outputs]
        if self._adds_inference_ids:
            outputs = [self._with_inference_id(record) for record in outputs]
        return self._written(outputs)

    def _joined(self, given: Record, response: Record) -> Record:
        if self._csv:
            return [*given, *response]
        if isinstance(given, dict):
            return {**given, "SageMakerOutput": response}
        return {"SageMakerInput": given, "SageMakerOutput": response}

    def _with_inference_id(self, record: Record) -> Record:
        inference_id = str(uuid.uuid4())
        if self._csv:
            return [*record, inference_id, self._time]
        members = record if isinstance(record, dict) else {"SageMakerOutput": record}
        return {**members, "SageMakerInferenceId": inference_id, "SageMakerInferenceTime": self._time}

    def _read(self, records: bytes, what: str) -> list[Record]:
        try:
            text = records.decode()
            if self._csv:
                return [row for row in csv.reader(io.StringIO(text)) if row]
            if self._lines:
                return [json.loads(line) for line in text.splitlines() if line.strip()]
            return [json.loads(text)]
        except (ValueError, csv.Error) as error:
            kind = "CSV" if self._csv else "JSON Lines" if self._lines else "JSON"
            raise RecordsError(f"the {what} is not {kind}: {error}") from error

    def _written(self, records: Iterator[Record] | list[Record]) -> bytes:
        if not self._csv:
            end = "\n" if self._lines else ""
            return "".join(json.dumps(record) + end for record in records).encode()
        written = io.StringIO()
        rows = [record if isinstance(record, list) else [record] for record in records]
        csv.writer(written, lineterminator="\n").writerows(rows)
        return written.getvalue().encode()


def check(request: Members) -> None:
    """Check the filters' paths and the input's format; raises `ServiceError` (ValidationException)."""
    processing = request.get("DataProcessing", {})
    adds_inference_ids = request.get("DataCaptureConfig", {}).get("GenerateInferenceId", False)
    paths = [processing.get(member, "$") for member in ("InputFilter", "OutputFilter")]
    for member, path in zip(("InputFilter", "OutputFilter"), paths, strict=True):
        _check_operators(member, path, request["TransformInput"].get("ContentType", ""))
        _selection(path, row=False)
    if paths == ["$", "$"] and processing.get("JoinSource", "None") == "None" and not adds_inference_ids:
        return
    kind = request["TransformInput"].get("ContentType", "").partition(";")[0].strip()
    if kind not in ("text/csv", "application/json", "application/jsonlines"):
        raise invalid(
            "DataProcessing and GenerateInferenceId require ContentType text/csv, application/json or "
            f"application/jsonlines, not {kind or 'none'}."
        )
    if kind == "text/csv" and request["TransformInput"].get("SplitType", "None") != "Line":
        raise invalid("DataProcessing and GenerateInferenceId require SplitType Line for text/csv.")


def _check_operators(member: str, path: str, content_type: str) -> None:
    """Check that a path of JSON Lines has only the operators that AWS lists, letters and digits.

    AWS's error is published for JSON Lines only.
    """
    kind = content_type.partition(";")[0].strip()
    found = next((each for each in path if not each.isalnum() and each not in _OPERATORS), None)
    if kind == "application/jsonlines" and found is not None:
        listed = ", ".join(f"'{each}'" for each in _OPERATORS)
        raise invalid(
            f'Invalid {member}: "{path}". Unexpected "{found}" in JsonPath. Supported operators for "{kind}" are '
            f"[{listed}]"
        )


def _selection(path: str, *, row: bool) -> Callable[[Record], Record] | None:
    """Return a function that selects a path's part of a record; None if the path selects the complete record.

    For a row of CSV the function returns a list. Raises `ServiceError` (ValidationException) for an invalid path.
    """
    import jsonpath

    if path in ("$", ""):
        return None
    try:
        query = jsonpath.JSONPathEnvironment(strict=True).compile(path)
    except jsonpath.JSONPathError as error:
        raise invalid(f"The JSONPath {path!r} in DataProcessing is invalid: {error}".splitlines()[0]) from error
    assert isinstance(query, jsonpath.JSONPath)  # a compound query is not standard JSONPath
    single, named = query.singular_query(), bool(_NAMES.search(path))

    def select(record: Record) -> Record:
        _check_ranges(path)
        _check_indices(path, record)
        matches = list(query.finditer(record))
        if named:
            return {match.parts[-1]: match.value for match in matches}
        if single and not row:
            if not matches:
                raise RecordsError(f"the path {path} does not exist in a record")
            return matches[0].value
        return [match.value for match in matches]

    return select


def _check_ranges(path: str) -> None:
    """Refuse several ranges, or a range and an index; on AWS, too, the job fails when it reads the first record."""
    for part in re.findall(r"\[[^\]']*\]", path):
        if ":" in part and "," in part:
            raise RecordsError(
                f"Invalid JsonPath: {path}: only single range filters of format (eg: [1:5]) are supported. Format "
                f"{part} is not supported"
            )


def _check_indices(path: str, record: Record) -> None:
    found = _INDICES.search(path)
    if found is None or not isinstance(record, list) or path.count("[") > 1:
        return
    for part in found[1].split(","):
        if re.fullmatch(r"\s*-?\d+\s*", part) and not -len(record) <= int(part) < len(record):
            raise RecordsError(
                f"the path {path} refers to column {part.strip()} of a record with {len(record)} columns"
            )

"""ItemReader: the items of a distributed Map out of S3.

Causes are AWS's where a recording has them ("CSV headers cannot contain duplicates."); the others say what is wrong
in our words.
"""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import json
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from scones.cloud.cloud import Cloud, read_body
from scones.cloud.errors import ServiceError
from scones.cloud.services.states.language.distribution import ItemReader
from scones.cloud.services.states.language.failures import StateFailedError
from scones.cloud.services.states.language.map_numbers import whole_number
from scones.cloud.services.states.language.paths import Scope

_PAGE = 1000
csv.field_size_limit(2**31 - 1)


def reader_failed(cause: str) -> StateFailedError:
    """Return the failure of a reader."""
    return StateFailedError("States.ItemReaderFailed", cause)


def source(reader: ItemReader, parameters: dict[str, Any]) -> str:
    """Return where items come from, as the context object's Map.Item.Source has it."""
    key = "" if reader.operation == "listObjectsV2" else f"/{parameters.get('Key')}"
    return f"s3://{parameters.get('Bucket')}{key}"


async def read_items(
    cloud: Cloud, reader: ItemReader, parameters: dict[str, Any], scope: Scope
) -> AsyncIterator[list[Any]]:
    """Yield pages of items."""
    most = await whole_number("MaxItems", reader.max_items, scope, negative=True)
    if most is not None and most < 0:
        raise reader_failed("field MaxItems must be positive")
    left = most or None  # 0 is no limit, as recorded on AWS
    async for page in _pages(cloud, reader, parameters):
        items = page if left is None else page[:left]
        yield items
        if left is not None:
            left -= len(items)
            if left == 0:
                return


async def _pages(cloud: Cloud, reader: ItemReader, parameters: dict[str, Any]) -> AsyncIterator[list[Any]]:
    if reader.operation == "listObjectsV2":
        async for page in _listed(cloud, parameters):
            keys = [{"Bucket": parameters["Bucket"], "Key": each["Key"]} for each in page]
            async for inner in _contents(cloud, reader, keys) if reader.flatten else _alone(page):
                yield inner
        return
    if reader.manifest is None:
        chosen = _contents(cloud, reader, [parameters])
    elif reader.manifest == "ATHENA_DATA":
        chosen = _contents(cloud, reader, _athena(await _object(cloud, parameters)))
    else:
        chosen = _inventory(cloud, await _object(cloud, parameters))
    async for page in chosen:
        yield page


async def _alone(page: list[Any]) -> AsyncIterator[list[Any]]:
    yield page


async def _contents(cloud: Cloud, reader: ItemReader, objects: list[dict[str, Any]]) -> AsyncIterator[list[Any]]:
    """Yield the items in objects, one object after the other."""
    for each in objects:
        items = await asyncio.to_thread(_parse, reader, await _object(cloud, each))
        while page := await asyncio.to_thread(_next, items):
            yield page


def _athena(manifest: bytes) -> list[dict[str, Any]]:
    """Return the objects whose addresses (s3://bucket/key) a manifest of Athena has, one a line."""
    objects = []
    for line in manifest.decode("utf-8", "replace").split("\n"):
        address = line.strip().strip('"')
        bucket, _, key = address.removeprefix("s3://").partition("/")
        if address and not (address.startswith("s3://") and key):
            raise reader_failed(f"A manifest of Athena has addresses that begin with s3://, and not '{address}'.")
        if address:
            objects.append({"Bucket": bucket, "Key": key})
    return objects


def parse_items(reader: ItemReader, body: bytes) -> list[Any]:
    """Return all the items in an object."""
    items = _parse(reader, body)
    return [item for page in iter(lambda: _next(items), []) for item in page]


def _next(items: Iterator[Any]) -> list[Any]:
    """Return the next page; what is wrong with a line in it fails the reader."""
    try:
        return list(islice(items, _PAGE))
    except (csv.Error, ValueError, RecursionError) as error:
        raise reader_failed(f"The items could not be read: {error}") from error


def _parse(reader: ItemReader, body: bytes) -> Iterator[Any]:
    try:
        text = body.decode("utf-8-sig")
        if reader.input_type == "CSV":
            return _csv(reader, text)
        if reader.input_type == "JSONL":
            return (json.loads(line) for line in text.split("\n") if line.strip())
        return iter(_array(reader, json.loads(text)))
    except (ValueError, RecursionError) as error:
        raise reader_failed(f"The object is not valid {reader.input_type}: {error}") from error


def _array(reader: ItemReader, value: Any) -> list[Any]:
    """Return the array of a JSON document, or the one in it that ItemsPointer (RFC 6901) names."""
    for step in (reader.pointer or "").split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        try:
            value = value[int(name)] if isinstance(value, list) else value[name]
        except (KeyError, IndexError, ValueError, TypeError):
            raise reader_failed(f"The object has nothing at the ItemsPointer '{reader.pointer}'.") from None
    if not isinstance(value, list):
        raise reader_failed("Attempting to map over non-iterable node.")
    return value


def _csv(reader: ItemReader, text: str) -> Iterator[dict[str, str]]:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=reader.delimiter)
    headers = list(reader.headers) if reader.header_location == "GIVEN" else next(rows, [])
    if len(set(headers)) < len(headers):
        raise reader_failed("CSV headers cannot contain duplicates.")
    return _records(headers, rows)


def _records(headers: Sequence[str], rows: Iterable[list[str]]) -> Iterator[dict[str, str]]:
    """Yield rows as objects: what is beyond the headers is dropped, what is missing is empty.

    On AWS the members are not in the headers' order; by name, which the recordings agree with.
    """
    order = sorted(range(len(headers)), key=lambda column: headers[column])
    for row in rows:
        if row:
            yield {headers[column]: row[column] if column < len(row) else "" for column in order}


async def _object(cloud: Cloud, parameters: dict[str, Any]) -> bytes:
    answer = await _s3(cloud, "GetObject", parameters)
    return await read_body(answer["Body"])


async def _listed(cloud: Cloud, parameters: dict[str, Any]) -> AsyncIterator[list[dict[str, Any]]]:
    """Yield the objects of a bucket as AWS hands them to children: LastModified in seconds."""
    more: dict[str, Any] = {}
    while True:
        answer = await _s3(cloud, "ListObjectsV2", {**parameters, **more})
        yield [
            {
                "Etag": each["ETag"],
                "Key": each["Key"],
                "LastModified": _seconds(each["LastModified"]),
                "Size": each["Size"],
                "StorageClass": each.get("StorageClass", "STANDARD"),
            }
            for each in answer.get("Contents") or ()
        ]
        if not answer.get("NextContinuationToken"):
            return
        more = {"ContinuationToken": answer["NextContinuationToken"]}


def _seconds(moment: datetime | float) -> float:
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)


async def _inventory(cloud: Cloud, manifest: bytes) -> AsyncIterator[list[dict[str, str]]]:
    """Yield the rows of an S3 inventory's CSV files, which its manifest lists."""
    try:
        document = json.loads(manifest)
        kind, columns = document["fileFormat"], [name.strip() for name in document["fileSchema"].split(",")]
        bucket, keys = document["destinationBucket"].rpartition(":")[2], [each["key"] for each in document["files"]]
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise reader_failed(f"The object is no manifest of an S3 inventory: {error!r}") from error
    if kind != "CSV":
        raise reader_failed(f"The local cloud reads inventories in CSV, and this one is in {kind}.")
    for key in keys:
        body = await _object(cloud, {"Bucket": bucket, "Key": key})
        rows = await asyncio.to_thread(_rows, body, columns)
        while page := await asyncio.to_thread(_next, rows):
            yield page


def _rows(body: bytes, columns: list[str]) -> Iterator[dict[str, str]]:
    try:
        text = gzip.decompress(body).decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise reader_failed(f"A file of the inventory is no gzip of CSV: {error}") from error
    return _records(columns, csv.reader(io.StringIO(text, newline="")))


async def _s3(cloud: Cloud, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    try:
        return await cloud.call("s3", operation, parameters, check=True)
    except ServiceError as error:
        raise reader_failed(s3_cause(error)) from error


def s3_cause(error: ServiceError) -> str:
    """Word an error of S3 as the AWS SDK for Java does, whose text the causes of Step Functions have."""
    return f"{error.message} (Service: S3, Status Code: {error.status}, Error Code: {error.code})"

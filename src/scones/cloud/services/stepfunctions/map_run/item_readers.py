"""ItemReader: reading the items of a distributed Map from S3.

A failure's cause is AWS's text where it is known from executions recorded on AWS, such as "CSV headers cannot contain
duplicates."; other causes are the local cloud's.
"""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import aclosing
from datetime import datetime
from itertools import chain
from typing import Any, TypeVar

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import last_part
from scones.cloud.errors import ServiceError
from scones.cloud.services.stepfunctions.asl.distribution import ItemReader
from scones.cloud.services.stepfunctions.asl.map_numbers import whole_number
from scones.cloud.services.stepfunctions.asl.paths import EvaluationScope
from scones.cloud.services.stepfunctions.map_run.item_formats import (
    Items,
    csv_items,
    items_in,
    lines_of,
    next_page,
    reader_failed,
)
from scones.cloud.services.stepfunctions.map_run.text_window import (
    MAX_ITEM,
    PieceDecoder,
    TextWindow,
    decoded,
    unzipped,
)

T = TypeVar("T")
Parser = Callable[[TextWindow], Items]
_MAX_QUOTED = 200
"""Maximum characters of an invalid line that a failure cause shows."""


def source(reader: ItemReader, parameters: dict[str, Any]) -> str:
    """Return the source of the items, in the form of the context object's Map.Item.Source."""
    key = "" if reader.operation == "listObjectsV2" else f"/{parameters.get('Key')}"
    return f"s3://{parameters.get('Bucket')}{key}"


async def read_items(
    cloud: CloudContext, reader: ItemReader, parameters: dict[str, Any], scope: EvaluationScope
) -> AsyncIterator[list[Any]]:
    """Yield pages of items, at most MaxItems in total."""
    max_items = await whole_number("MaxItems", reader.max_items, scope, negative=True)
    if max_items is not None and max_items < 0:
        raise reader_failed("field MaxItems must be positive")
    remaining = max_items or None  # 0 means no limit, as recorded on AWS
    async with aclosing(_pages(cloud, reader, parameters)) as pages:
        async for page in pages:
            items = page if remaining is None else page[:remaining]
            yield items
            if remaining is not None:
                remaining -= len(items)
                if remaining == 0:
                    return


async def _pages(cloud: CloudContext, reader: ItemReader, parameters: dict[str, Any]) -> AsyncGenerator[list[Any]]:
    if reader.operation == "listObjectsV2":
        async for page in _listed(cloud, parameters):
            keys = _each({"Bucket": parameters["Bucket"], "Key": each["Key"]} for each in page)
            async for inner in _contents(cloud, reader, keys) if reader.flatten else _each([page]):
                yield inner
        return
    if reader.manifest is None:
        chosen = _contents(cloud, reader, _each([parameters]))
    elif reader.manifest == "ATHENA_DATA":
        chosen = _contents(cloud, reader, _athena(cloud, parameters))
    else:
        chosen = _inventory(cloud, parameters)
    async for page in chosen:
        yield page


async def _each(values: Iterable[T]) -> AsyncIterator[T]:
    for value in values:
        yield value


async def _contents(
    cloud: CloudContext, reader: ItemReader, objects: AsyncIterator[dict[str, Any]]
) -> AsyncIterator[list[Any]]:
    """Yield pages of the items in objects, one object after the other."""
    async for each in objects:
        async for page in _parsed(_object(cloud, each), lambda window: items_in(reader, window)):
            yield page


async def _athena(cloud: CloudContext, parameters: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    """Yield the objects in an Athena manifest, which has one address (s3://bucket/key) per line."""
    async for page in _parsed(_object(cloud, parameters), lines_of):
        for line in page:
            address = line.strip().strip('"')
            bucket, _, key = address.removeprefix("s3://").partition("/")
            if address and not (address.startswith("s3://") and key):
                shown = address[:_MAX_QUOTED]
                raise reader_failed(f"An Athena manifest must contain addresses that begin with s3://, not '{shown}'.")
            if address:
                yield {"Bucket": bucket, "Key": key}


async def _parsed(chunks: AsyncIterator[bytes], parse: Parser) -> AsyncIterator[list[Any]]:
    """Yield pages of the items in an object; a thread parses each page."""
    window, pieces = TextWindow(), decoded(chunks)
    items, last = parse(window), False
    while not last:
        try:
            while window.low:
                window.add(await anext(pieces, None))
        except ValueError as error:
            raise reader_failed(f"The object is not UTF-8: {error}") from error
        page, last = await asyncio.to_thread(next_page, items)
        if page:
            yield page


def parse_items(reader: ItemReader, data: bytes) -> list[Any]:
    """Return all the items in an object."""
    decoder, window = PieceDecoder(), TextWindow()
    pieces = chain(decoder.pieces(data), [decoder.end()])
    items, last, found = items_in(reader, window), False, list[Any]()
    while not last:
        while window.low:
            window.add(next(pieces, None))
        page, last = next_page(items)
        found += page
    return found


async def _object(cloud: CloudContext, parameters: dict[str, Any]) -> AsyncIterator[bytes]:
    """Yield an object's content."""
    body = (await _s3(cloud, "GetObject", parameters))["Body"]
    if isinstance(body, bytes):
        yield body
    else:
        async for chunk in body:
            yield chunk


async def _listed(cloud: CloudContext, parameters: dict[str, Any]) -> AsyncIterator[list[dict[str, Any]]]:
    """Yield pages of the objects in a bucket as AWS passes them to child executions: LastModified is in seconds."""
    more: dict[str, Any] = {}
    while True:
        response = await _s3(cloud, "ListObjectsV2", {**parameters, **more})
        yield [
            {
                "Etag": each["ETag"],
                "Key": each["Key"],
                "LastModified": _seconds(each["LastModified"]),
                "Size": each["Size"],
                "StorageClass": each.get("StorageClass", "STANDARD"),
            }
            for each in response.get("Contents") or ()
        ]
        if not response.get("NextContinuationToken"):
            return
        more = {"ContinuationToken": response["NextContinuationToken"]}


def _seconds(moment: datetime | float) -> float:
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)


async def _inventory(cloud: CloudContext, parameters: dict[str, Any]) -> AsyncIterator[list[Any]]:
    """Yield pages of the rows in the CSV files that the manifest of an S3 inventory lists."""
    manifest = await _manifest(cloud, parameters)
    try:
        document = await asyncio.to_thread(json.loads, manifest)
        kind, columns = document["fileFormat"], [name.strip() for name in document["fileSchema"].split(",")]
        bucket, keys = last_part(document["destinationBucket"]), [each["key"] for each in document["files"]]
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise reader_failed(f"The object is not an S3 inventory manifest: {error!r}") from error
    if kind != "CSV":
        raise reader_failed(f"The local cloud supports inventories in CSV only; this one is in {kind}.")
    for key in keys:
        content = unzipped(_object(cloud, {"Bucket": bucket, "Key": key}))
        try:
            async for page in _parsed(content, lambda window: csv_items(window, ",", columns)):
                yield page
        except (EOFError, zlib.error) as error:
            raise reader_failed(f"A file of the inventory is not gzip-compressed CSV: {error}") from error


async def _manifest(cloud: CloudContext, parameters: dict[str, Any]) -> bytes:
    """Return the manifest of an S3 inventory; raise `StateFailedError` if it is too large."""
    manifest = b""
    async for chunk in _object(cloud, parameters):
        manifest += chunk
        if len(manifest) > MAX_ITEM:
            raise reader_failed(f"The S3 inventory manifest exceeds {MAX_ITEM} bytes.")
    return manifest


async def _s3(cloud: CloudContext, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    try:
        return await cloud.call("s3", operation, parameters, check=True)
    except ServiceError as error:
        raise reader_failed(s3_cause(error)) from error


def s3_cause(error: ServiceError) -> str:
    """Return an S3 error in the form of the AWS SDK for Java, which Step Functions uses in its failure causes."""
    return f"{error.message} (Service: S3, Status Code: {error.status}, Error Code: {error.code})"

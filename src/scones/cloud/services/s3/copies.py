"""Copies of objects."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

from scones.cloud.errors import ServiceError
from scones.cloud.service import Body, OperationCall
from scones.cloud.services.s3 import checksum, errors
from scones.cloud.services.s3.conditions import check_copy
from scones.cloud.services.s3.object_record import ObjectRecord, headers_of
from scones.cloud.services.s3.objects import ObjectOperations, check_key
from scones.cloud.services.s3.tags import tags_in_header

LARGEST_COPY = 5 * 1024**3
"""Maximum number of bytes that one CopyObject copies."""


class CopyOperations(ObjectOperations):
    """CopyObject."""

    async def copy_object(self, call: OperationCall) -> dict[str, Any]:
        """Copy an object with its metadata and tags, or with new ones if a directive is REPLACE."""
        params = call.params
        bucket = self.check_bucket(params)
        check_key(params["Key"])
        source = self.source(params)
        _check_to_itself(params, source, bucket)
        if source.size > LARGEST_COPY:
            raise ServiceError(
                "InvalidRequest",
                "The specified copy source is larger than the maximum allowable size for a copy source: "
                f"{LARGEST_COPY}",
            )
        algorithm = checksum.require(params.get("ChecksumAlgorithm", source.checksum.algorithm))
        tags = source.tags
        if params.get("TaggingDirective") == "REPLACE":
            tags = tags_in_header(params.get("Tagging", ""))
        headers = headers_of(params) if params.get("MetadataDirective") == "REPLACE" else source.headers
        content = await self.files.receive(chunks(await self.body(source)), [algorithm])
        kept = {name: value for name, value in params.items() if name in ("Key", "StorageClass")}
        record = self.record(bucket, {**kept, **headers}, content, tags)
        try:
            await self.replace(record, call, "ObjectCreated:Copy")
        except BaseException:
            await self.drop(content)
            raise
        result = {"ETag": f'"{record.etag}"', "LastModified": record.modified / 1000, **record.checksum.members()}
        return {"CopyObjectResult": result}

    def source(self, params: Mapping[str, Any]) -> ObjectRecord:
        """Return the object that x-amz-copy-source names; raises `PreconditionFailed` if a condition on it fails."""
        path, _, query = params["CopySource"].partition("?")
        bucket, slash, key = unquote(path).removeprefix("/").partition("/")
        if not (bucket and slash and key):
            raise errors.invalid_argument(
                "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
                "x-amz-copy-source",
                params["CopySource"],
            )
        self.check_owner(params.get("ExpectedSourceBucketOwner"))
        version = parse_qs(query).get("versionId", ["null"])[0]
        record = self.find(self.check_bucket({"Bucket": bucket, "VersionId": version}), key)
        check_copy(params, record)
        return record


def _check_to_itself(params: Mapping[str, Any], source: ObjectRecord, bucket: str) -> None:
    if (source.bucket, source.key) != (bucket, params["Key"]):
        return
    changes = params.get("MetadataDirective") == "REPLACE" or "WebsiteRedirectLocation" in params
    if not changes and "ServerSideEncryption" not in params and "StorageClass" not in params:
        raise ServiceError(
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself without changing the "
            "object's metadata, storage class, website redirect location or encryption attributes.",
        )


async def chunks(body: Body) -> AsyncIterator[bytes]:
    """Return a body as an iterator of bytes."""
    if isinstance(body, bytes):
        yield body
        return
    async for chunk in body:
        yield chunk

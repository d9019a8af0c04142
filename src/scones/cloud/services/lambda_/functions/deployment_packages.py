"""Deployment packages that requests contain or name, and the limit on the size of a function's code with its layers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.service import read_body
from scones.cloud.services.lambda_.functions.code import UNZIPPED_LIMIT, ZIPPED_LIMIT, CodeStore, Package
from scones.cloud.wire.members import Members


class DeploymentPackages:
    """Stores the deployment packages of functions and layers."""

    def __init__(self, cloud: CloudContext, code: CodeStore) -> None:
        self._cloud = cloud
        self._code = code

    async def store(self, code: Members) -> Package:
        """Store the archive that a request contains or that it names in S3; raises `ServiceError` if it is invalid."""
        archive = code.get("ZipFile")
        if archive is None:
            if "S3Bucket" not in code or "S3Key" not in code:
                raise ServiceError(
                    "InvalidParameterValueException", "Please provide a source for function code.", Type="User"
                )
            archive = await self._from_s3(code)
        elif len(archive) > ZIPPED_LIMIT:
            message = f"Zipped size must be smaller than {ZIPPED_LIMIT} bytes"
            raise ServiceError("RequestEntityTooLargeException", message, 413)
        return await asyncio.to_thread(self._code.add, archive)

    async def _from_s3(self, code: Members) -> bytes:
        params = {"Bucket": code["S3Bucket"], "Key": code["S3Key"]}
        if "S3ObjectVersion" in code:
            params["VersionId"] = code["S3ObjectVersion"]
        try:
            response = await self._cloud.call("s3", "GetObject", params)
        except ServiceError as error:
            raise ServiceError(
                "InvalidParameterValueException",
                f"Error occurred while GetObject. S3 Error Code: {error.code}. S3 Error Message: {error.message}",
                Type="User",
            ) from error
        return await read_body(response["Body"])

    async def check_size(self, code: str, layers: Sequence[str]) -> None:
        """Raise `InvalidParameterValueException` if code and layers together exceed the limit on unzipped bytes."""
        size = await asyncio.to_thread(self._code.unzipped, (code, *layers)) if layers else 0
        if size > UNZIPPED_LIMIT:
            message = (
                f"Function code combined with layers exceeds the maximum allowed size of {UNZIPPED_LIMIT} bytes. "
                f"The actual size is {size} bytes."
            )
            raise ServiceError("InvalidParameterValueException", message, Type="User")

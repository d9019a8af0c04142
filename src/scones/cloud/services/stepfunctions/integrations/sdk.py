"""`aws-sdk:` integrations: all operations that the local cloud supports, by botocore's models."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.services.stepfunctions.asl.failures import StateFailedError
from scones.cloud.services.stepfunctions.integrations.calls import call
from scones.cloud.services.stepfunctions.integrations.conversion import iso_timestamp, to_state_json
from scones.cloud.services.stepfunctions.integrations.naming import java_exception, java_service
from scones.cloud.wire.model import operation_model


class SdkIntegration:
    """An integration that calls one operation; service and operation have botocore's names."""

    def __init__(self, service: str, operation: str) -> None:
        self._service = service
        self._operation = operation

    async def call(self, cloud: CloudContext, parameters: Any) -> Any:
        """Return the response's members; raise `StateFailedError` named after the SDK for Java's exception."""
        model = await asyncio.to_thread(operation_model, self._service, self._operation)
        try:
            response = await call(cloud, self._service, self._operation, parameters)
        except ServiceError as error:
            raise self._failure(error) from error
        return to_state_json(response, model.output_shape, iso_timestamp)

    def _failure(self, error: ServiceError) -> StateFailedError:
        service = java_service(self._service)
        exception = java_exception(self._service, error.code) or f"{service}Exception"
        origin = f"Service: {service}, Status Code: {error.status}, Request ID: {uuid.uuid4()}"
        if self._service == "s3":
            origin += f", Extended Request ID: {uuid.uuid4().hex}{uuid.uuid4().hex}"
        # AWS's messages since 2025 end with the number of attempts; recordings of 2023 do not.
        return StateFailedError(f"{service}.{exception}", f"{error.message} ({origin}) (SDK Attempt Count: 1)")

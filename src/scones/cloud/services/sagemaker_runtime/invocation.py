"""InvokeEndpoint, which sends a request to a model server and returns its response."""

from __future__ import annotations

import asyncio
import time

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.sagemaker.hosting.capture import CapturedMessage, CaptureTarget
from scones.cloud.services.sagemaker.hosting.container_client import (
    ContainerResponse,
    ResponseTooLargeError,
    ServerTimeoutError,
    ServerUnavailableError,
)
from scones.cloud.services.sagemaker.hosting.deployment import ProductionVariant
from scones.cloud.services.sagemaker.hosting.model_server import CUSTOM_ATTRIBUTES
from scones.cloud.services.sagemaker.log_stream import log_group
from scones.cloud.services.sagemaker.service import SageMaker
from scones.cloud.wire.members import Members

MAX_BODY = 6_291_456
"""Maximum bytes of a request's and of a response's body: the length of BodyBlob in botocore's model.

We found no source for AWS's error for a larger response.
"""
MESSAGE_LIMIT = 2048
"""Maximum characters of a model server's error message: the length of OriginalMessage in botocore's model."""
ENCODE_ON_THREAD_BYTES = 256 << 10
"""Bytes from which a capture record is encoded on a thread, so that it does not delay other requests."""
_REFUSED = ("TargetContainerHostname", "InferenceComponentName", "EnableExplanations", "SessionId")


class InvocationOperations:
    """The invocation of endpoints, which the SageMaker service deploys."""

    def __init__(self, cloud: CloudContext) -> None:
        self._cloud = cloud

    async def invoke_endpoint(self, call: OperationCall) -> Members:
        """Send a request to a variant's model server and return its response; capture both if that is configured."""
        params = call.params
        moment = time.time()
        for member in _REFUSED:
            if member in params:
                raise _invalid(f"The local cloud's endpoints do not support {member}; omit it.")
        name = params["EndpointName"]
        variant = self._variant(name, params.get("TargetVariant"))
        if "TargetModel" in params:
            raise _invalid(f"Endpoint {name} is not a multi-model endpoint and does not support target model header.")
        body = params.get("Body", b"")
        if len(body) > MAX_BODY:  # AWS's front end rejects it before the service validates the request
            raise ServiceError("413", f"HTTP content length exceeded {MAX_BODY} bytes.", 413)
        request = CapturedMessage(params.get("ContentType", "application/octet-stream"), body)
        reply = await self._invoke(name, variant, request, call)
        content_type = reply.headers.get("content-type", "application/octet-stream")
        if variant.capture is not None and variant.capture.sampled():
            await self._capture(variant.capture, request, CapturedMessage(content_type, reply.body), moment, params)
        members = {"Body": reply.body, "ContentType": content_type, "InvokedProductionVariant": variant.name}
        if (attributes := reply.headers.get(CUSTOM_ATTRIBUTES.lower())) is not None:
            members["CustomAttributes"] = attributes
        return members

    @property
    def _sagemaker(self) -> SageMaker:
        return self._cloud.service(SageMaker)

    def _variant(self, name: str, target: str | None) -> ProductionVariant:
        deployment = self._sagemaker.deployments.serving.get(name)
        if deployment is None:
            status = self._sagemaker.deployments.status(name)
            endpoint = f"Endpoint {name} of account {self._cloud.settings.account}"
            if status in (None, "Deleting"):
                raise _invalid(f"{endpoint} not found.")
            # AWS's error has this code; its message is not known.
            raise _invalid(f"{endpoint} is not InService; its status is {status}.")
        variant = deployment.choose_variant(target)
        if variant is None:
            raise _invalid(f"Variant {target} not found for endpoint {name}.")
        return variant

    async def _invoke(
        self, name: str, variant: ProductionVariant, request: CapturedMessage, call: OperationCall
    ) -> ContainerResponse:
        headers = {"Content-Type": request.content_type}
        if "Accept" in call.params:
            headers["Accept"] = call.params["Accept"]
        if "CustomAttributes" in call.params:
            headers[CUSTOM_ATTRIBUTES] = call.params["CustomAttributes"]
        try:
            reply = await variant.server.invoke(request.body, headers, MAX_BODY)
        except ServerTimeoutError as error:
            message = (
                "Your invocation timed out while waiting for a response from container primary. Review the latency "
                "metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
            )
            raise self._model_error(name, variant, 0, message) from error
        except ResponseTooLargeError as error:
            raise self._model_error(name, variant, 0, str(error)) from error
        except ServerUnavailableError as error:
            raise ServiceError(
                "InternalFailure",
                "An exception occurred while sending request to model. Please contact customer support regarding "
                f"request {call.request_id}.",
                500,
            ) from error
        if not 200 <= reply.status < 300:
            model_message = reply.body[: 4 * MESSAGE_LIMIT].decode(errors="replace")[:MESSAGE_LIMIT]
            raise self._model_error(name, variant, reply.status, model_message)
        return reply

    def _model_error(self, endpoint: str, variant: ProductionVariant, status: int, model_message: str) -> ServiceError:
        region, account = self._cloud.settings.region, self._cloud.settings.account
        kind = "client" if 400 <= status < 500 else "server"
        group = log_group(endpoint)
        return ServiceError(
            "ModelError",
            f'Received {kind} error ({status}) from primary with message "{model_message}". See '
            f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logEventViewer:group={group} "
            f"in account {account} for more information.",
            424,
            OriginalStatusCode=status,
            OriginalMessage=model_message,
            LogStreamArn=self._cloud.arn("logs", f"log-group:{group}:log-stream:{variant.stream}"),
        )

    async def _capture(
        self,
        target: CaptureTarget,
        request: CapturedMessage,
        response: CapturedMessage,
        moment: float,
        params: Members,
    ) -> None:
        parts = request, response, moment, params.get("InferenceId"), params.get("CustomAttributes")
        if len(request.body) + len(response.body) < ENCODE_ON_THREAD_BYTES:
            line = target.record(*parts)
        else:
            line = await asyncio.to_thread(target.record, *parts)
        self._sagemaker.captures.add(target, line, moment)


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationError", message)

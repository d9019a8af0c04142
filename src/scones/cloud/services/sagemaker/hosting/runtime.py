"""SageMaker Runtime: InvokeEndpoint, which sends a request to a model server and returns its response."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, ClassVar, cast

from scones.cloud.errors import ServiceError
from scones.cloud.service import Call, Service
from scones.cloud.services.sagemaker.hosting.capture import Captured, CaptureTarget
from scones.cloud.services.sagemaker.hosting.container_client import (
    Answer,
    AnswerTooLargeError,
    ServerGoneError,
    TimedOutError,
)
from scones.cloud.services.sagemaker.hosting.deployment import Deployment, Variant
from scones.cloud.services.sagemaker.hosting.model_server import CUSTOM_ATTRIBUTES
from scones.cloud.services.sagemaker.loglines import log_group

if TYPE_CHECKING:
    from scones.cloud.services.sagemaker.service import SageMaker

LARGEST = 6_291_456
"""Maximum bytes of a request's and of a response's body: the length of BodyBlob in botocore's model.

We found no source for AWS's error for a larger response.
"""
MESSAGE_LIMIT = 2048
"""Maximum characters of a model server's error message: the length of OriginalMessage in botocore's model."""
ENCODE_ASIDE = 256 << 10
"""Bytes from which a capture record is encoded on a thread, so that it does not delay other requests."""
_REFUSED = ("TargetModel", "TargetContainerHostname", "InferenceComponentName", "EnableExplanations", "SessionId")


class SageMakerRuntime(Service):
    """SageMaker Runtime of this cloud."""

    name: ClassVar[str] = "sagemaker-runtime"
    signing_name: ClassVar[str] = "sagemaker"
    validation_code: ClassVar[str] = "ValidationError"
    own_checks: ClassVar[frozenset[str]] = frozenset({"BodyBlob"})

    async def invoke_endpoint(self, call: Call) -> dict[str, Any]:
        """Send a request to a variant's model server and return its response; capture both if that is configured."""
        params = call.params
        moment = time.time()
        for member in _REFUSED:
            if member in params:
                raise ServiceError(
                    "ValidationError", f"The local cloud's endpoints know no {member}. Leave it out of the request."
                )
        name = params["EndpointName"]
        variant = self._variant(name, params.get("TargetVariant"))
        body = params.get("Body", b"")
        if len(body) > LARGEST:  # AWS's front end rejects it before the service validates the request
            raise ServiceError("413", f"HTTP content length exceeded {LARGEST} bytes.", 413)
        request = Captured(params.get("ContentType", "application/octet-stream"), body)
        answer = await self._ask(name, variant, request, call)
        content_type = answer.headers.get("content-type", "application/octet-stream")
        if variant.capture is not None and variant.capture.sampled():
            await self._capture(variant.capture, request, Captured(content_type, answer.body), moment, params)
        members = {"Body": answer.body, "ContentType": content_type, "InvokedProductionVariant": variant.name}
        if (attributes := answer.headers.get(CUSTOM_ATTRIBUTES.lower())) is not None:
            members["CustomAttributes"] = attributes
        return members

    @property
    def _sagemaker(self) -> SageMaker:
        return cast("SageMaker", self.cloud.services["sagemaker"])

    def _variant(self, name: str, target: str | None) -> Variant:
        deployment: Deployment | None = self._sagemaker.endpoints.serving.get(name)
        if deployment is None:
            status = self._sagemaker.endpoints.status(name)
            if status in (None, "Deleting"):
                raise ServiceError(
                    "ValidationError", f"Endpoint {name} of account {self.cloud.settings.account} not found."
                )
            # AWS's error has this code; its message is not known.
            raise ServiceError(
                "ValidationError",
                f"Endpoint {name} of account {self.cloud.settings.account} is not InService: it is {status}.",
            )
        variant = deployment.pick(target)
        if variant is None:
            raise ServiceError("ValidationError", f"Variant {target} not found for endpoint {name}.")
        return variant

    async def _ask(self, name: str, variant: Variant, request: Captured, call: Call) -> Answer:
        headers = {"Content-Type": request.content_type}
        if "Accept" in call.params:
            headers["Accept"] = call.params["Accept"]
        if "CustomAttributes" in call.params:
            headers[CUSTOM_ATTRIBUTES] = call.params["CustomAttributes"]
        try:
            answer = await variant.server.invoke(request.body, headers, LARGEST)
        except TimedOutError as error:
            message = (
                "Your invocation timed out while waiting for a response from container primary. Review the latency "
                "metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
            )
            raise self._model_error(name, variant, 0, message) from error
        except AnswerTooLargeError as error:
            raise self._model_error(name, variant, 0, str(error)) from error
        except ServerGoneError as error:
            raise ServiceError(
                "InternalFailure",
                "An exception occurred while sending request to model. Please contact customer support regarding "
                f"request {call.request_id}.",
                500,
            ) from error
        if not 200 <= answer.status < 300:
            told = answer.body[: 4 * MESSAGE_LIMIT].decode(errors="replace")[:MESSAGE_LIMIT]
            raise self._model_error(name, variant, answer.status, told)
        return answer

    def _model_error(self, endpoint: str, variant: Variant, status: int, told: str) -> ServiceError:
        region, account = self.cloud.settings.region, self.cloud.settings.account
        kind = "client" if 400 <= status < 500 else "server"
        group = log_group(endpoint)
        return ServiceError(
            "ModelError",
            f'Received {kind} error ({status}) from primary with message "{told}". See '
            f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logEventViewer:group={group} "
            f"in account {account} for more information.",
            424,
            OriginalStatusCode=status,
            OriginalMessage=told,
            LogStreamArn=self.cloud.arn("logs", f"log-group:{group}:log-stream:{variant.stream}"),
        )

    async def _capture(
        self, target: CaptureTarget, request: Captured, answer: Captured, moment: float, params: dict[str, Any]
    ) -> None:
        parts = request, answer, moment, params.get("InferenceId"), params.get("CustomAttributes")
        if len(request.body) + len(answer.body) < ENCODE_ASIDE:
            line = target.record(*parts)
        else:
            line = await asyncio.to_thread(target.record, *parts)
        self._sagemaker.captures.add(target, line, moment)

"""Operations on functions: create, describe, list, update and delete."""

from __future__ import annotations

import hashlib

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import Arn
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall, OperationOutput
from scones.cloud.services.lambda_.functions.code_links import CodeLinks
from scones.cloud.services.lambda_.functions.code_signing import CodeSigningConfigs
from scones.cloud.services.lambda_.functions.configuration import check_revision, listed, merged_logging
from scones.cloud.services.lambda_.functions.deployment_packages import DeploymentPackages
from scones.cloud.services.lambda_.functions.function_records import FunctionRecords, new_revision, now
from scones.cloud.services.lambda_.functions.limits import check_name, check_settings, check_tags, check_variables
from scones.cloud.services.lambda_.functions.names import LATEST, FunctionName, FunctionNames
from scones.cloud.services.lambda_.invoke.destinations import DEAD_LETTER_SERVICES, check_target
from scones.cloud.services.lambda_.invoke.invoker import Invoker
from scones.cloud.services.lambda_.pages import page
from scones.cloud.wire.members import Members

_COPIED_MEMBERS = (
    "Runtime",
    "Role",
    "Handler",
    "Description",
    "Timeout",
    "MemorySize",
    "VpcConfig",
    "DeadLetterConfig",
    "KMSKeyArn",
    "FileSystemConfigs",
    "EphemeralStorage",
    "Architectures",
)

_CREATING = {"State": "Pending", "StateReason": "The function is being created.", "StateReasonCode": "Creating"}
_UPDATING = {
    "LastUpdateStatus": "InProgress",
    "LastUpdateStatusReason": "The function is being created.",
    "LastUpdateStatusReasonCode": "Creating",
}
"""States in the responses to creation and to updates, as on AWS; here both are complete by then.

Each change of a function's state gives it a new RevisionId. So the RevisionId of these responses is not the stored one.
"""


class FunctionOperations:
    """Operations on functions."""

    def __init__(
        self,
        *,
        cloud: CloudContext,
        names: FunctionNames,
        records: FunctionRecords,
        packages: DeploymentPackages,
        links: CodeLinks,
        invoker: Invoker,
        signing: CodeSigningConfigs,
    ) -> None:
        self._cloud = cloud
        self._names = names
        self._records = records
        self._packages = packages
        self._links = links
        self._invoker = invoker
        self._signing = signing

    async def create_function(self, call: OperationCall) -> Members:
        """Create a function from a zip archive in the request or in S3."""
        params = call.params
        name = self._names.requested(call).name
        check_name(name)
        if params.get("PackageType", "Zip") != "Zip" or "ImageUri" in params["Code"]:
            raise ServiceError(
                "InvalidParameterValueException",
                "The local cloud runs functions from zip archives only, not from container images.",
            )
        for required in ("Runtime", "Handler"):
            if required not in params:
                raise ServiceError(
                    "InvalidParameterValueException",
                    "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
                )
        check_settings(params)
        check_tags(params.get("Tags", {}))
        self._signing.check_deployment(params.get("CodeSigningConfigArn"))
        await self._invoker.prepare(params["Runtime"])
        package = await self._packages.store(params["Code"])
        configuration = {
            "FunctionName": name,
            "FunctionArn": self._records.arn(name),
            "Description": "",
            "Timeout": 3,
            "MemorySize": 128,
            "EphemeralStorage": {"Size": 512},
            "Architectures": ["x86_64"],
            **{member: params[member] for member in _COPIED_MEMBERS if member in params},
            **self._optional(params),
            "CodeSize": package.size,
            "CodeSha256": package.code_sha256,
            "LastModified": now(),
            "Version": LATEST,
            "TracingConfig": params.get("TracingConfig", {"Mode": "PassThrough"}),
            "RevisionId": new_revision(),
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "PackageType": "Zip",
            "SnapStart": {"ApplyOn": "None", **params.get("SnapStart", {}), "OptimizationStatus": "Off"},
            "RuntimeVersionConfig": {"RuntimeVersionArn": self._runtime_version_arn(params["Runtime"])},
            "LoggingConfig": merged_logging({"LogGroup": f"/aws/lambda/{name}"}, params.get("LoggingConfig", {})),
        }
        _leave_out_empty(configuration)
        await self._check_size(configuration, package.digest)
        await self._records.create(configuration, package.digest, params.get("Tags", {}))
        if "CodeSigningConfigArn" in params:
            await self._signing.assign(name, params["CodeSigningConfigArn"])
        if params.get("Publish"):
            configuration["Version"] = (await self._records.publish(name, None)).configuration["Version"]
        return _without(configuration, "LastUpdateStatus") | _CREATING | {"RevisionId": new_revision()}

    async def get_function(self, call: OperationCall) -> Members:
        """Describe a function, with its code's location, its tags and its reserved concurrency."""
        function = self._names.requested(call)
        version = self._records.find(function)
        response: Members = {
            "Configuration": self._described(version.configuration, function),
            "Code": {"RepositoryType": "S3", "Location": self._links.location(version.code_digest)},
        }
        if tags := self._records.tags(function.name):
            response["Tags"] = tags
        if (reserved := self._records.reserved(function.name)) is not None:
            response["Concurrency"] = {"ReservedConcurrentExecutions": reserved}
        return response

    async def get_function_configuration(self, call: OperationCall) -> Members:
        """Describe a function's configuration."""
        function = self._names.requested(call)
        return self._described(self._records.find(function).configuration, function)

    async def list_functions(self, call: OperationCall) -> Members:
        """List functions; with FunctionVersion ALL, also their published versions."""
        functions = self._records.latest()
        if call.params.get("FunctionVersion") == "ALL":
            functions = [version for latest in functions for version in self._records.versions(latest["FunctionName"])]
        return page("Functions", [listed(function) for function in functions], call.params)

    async def update_function_code(self, call: OperationCall) -> Members:
        """Replace a function's code."""
        params = call.params
        name = FunctionName(self._names.requested(call).name)
        check_revision(self._records.find(name).configuration, params)
        self._signing.check_deployment(self._signing.of_function(name.name))
        package = await self._packages.store(params)
        configuration = self._records.find(name).configuration  # again: it may have changed meanwhile
        configuration |= {"CodeSize": package.size, "CodeSha256": package.code_sha256}
        if "Architectures" in params:
            configuration["Architectures"] = params["Architectures"]
        if params.get("DryRun"):
            return configuration
        return await self._changed(configuration, package.digest, params)

    async def update_function_configuration(self, call: OperationCall) -> Members:
        """Change the given settings of a function."""
        params = call.params
        version = self._records.find(FunctionName(self._names.requested(call).name))
        configuration = version.configuration
        check_revision(configuration, params)
        check_settings(params)
        if "Runtime" in params:
            await self._invoker.prepare(params["Runtime"])
            configuration["RuntimeVersionConfig"] = {"RuntimeVersionArn": self._runtime_version_arn(params["Runtime"])}
        configuration |= {member: params[member] for member in _COPIED_MEMBERS if member in params}
        configuration |= self._optional(params)
        configuration["SnapStart"] |= params.get("SnapStart", {})
        _leave_out_empty(configuration)
        configuration["TracingConfig"] |= params.get("TracingConfig", {})
        configuration["LoggingConfig"] = merged_logging(configuration["LoggingConfig"], params.get("LoggingConfig", {}))
        return await self._changed(configuration, version.code_digest, params)

    async def delete_function(self, call: OperationCall) -> OperationOutput:
        """Delete a function, or one of its published versions."""
        function = self._names.requested(call)
        await self._records.delete(function)
        if function.qualifier is None:
            self._invoker.retire(function.name)
        return OperationOutput({"StatusCode": 204}, 204)

    async def _changed(self, configuration: Members, code: str, params: Members) -> Members:
        await self._check_size(configuration, code)
        await self._records.update(configuration, code)
        self._invoker.retire(configuration["FunctionName"])
        if params.get("Publish"):
            version = await self._records.publish(configuration["FunctionName"], None)
            return _without(version.configuration, "LastUpdateStatus") | _CREATING
        return configuration | _UPDATING | {"RevisionId": new_revision()}

    async def _check_size(self, configuration: Members, code: str) -> None:
        layers = [self._records.layer_code(layer["Arn"]) for layer in configuration.get("Layers", [])]
        await self._packages.check_size(code, layers)

    def _optional(self, params: Members) -> Members:
        """Check optional members of a request, and return those whose form in a description is different."""
        found: Members = {}
        if arn := params.get("DeadLetterConfig", {}).get("TargetArn"):
            check_target(self._cloud, arn, DEAD_LETTER_SERVICES, "dead-letter target")
        if "Environment" in params:
            variables = params["Environment"].get("Variables", {})
            check_variables(variables)
            found["Environment"] = {"Variables": variables}
        if "Layers" in params:
            layers = [(arn, self._records.layer(arn)) for arn in params["Layers"]]
            found["Layers"] = [{"Arn": arn, "CodeSize": layer["Content"]["CodeSize"]} for arn, layer in layers]
        return found

    def _described(self, configuration: Members, function: FunctionName) -> Members:
        """Return a configuration with the requested ARN, which has a qualifier if one was given."""
        if function.qualifier is None:
            return configuration
        return {**configuration, "FunctionArn": self._records.arn(function.name, function.qualifier)}

    def _runtime_version_arn(self, runtime: str) -> str:
        """Return the ARN of the version of a runtime: here, each runtime has one version."""
        digest = hashlib.sha256(runtime.encode()).hexdigest()
        return str(Arn(service="lambda", region=self._cloud.settings.region, resource=f"runtime:{digest}"))


def _leave_out_empty(configuration: Members) -> None:
    """Remove members that a request set to an empty value in order to delete them."""
    if not configuration.get("DeadLetterConfig", {}).get("TargetArn"):
        configuration.pop("DeadLetterConfig", None)
    for member in ("Layers", "KMSKeyArn", "FileSystemConfigs"):
        if not configuration.get(member):
            configuration.pop(member, None)


def _without(configuration: Members, member: str) -> Members:
    return {name: value for name, value in configuration.items() if name != member}

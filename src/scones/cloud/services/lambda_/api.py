"""The Lambda service's operations."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import uuid
from typing import Any, ClassVar

from scones.cloud.cloud import Cloud, read_body
from scones.cloud.errors import ServiceError
from scones.cloud.service import Answer, Call, Service
from scones.cloud.services.lambda_.code import CodeStore, Package
from scones.cloud.services.lambda_.events import Events
from scones.cloud.services.lambda_.invoker import Invoker
from scones.cloud.services.lambda_.names import LATEST, FunctionName
from scones.cloud.services.lambda_.records import SCHEMA, Records, now
from scones.cloud.services.lambda_.runtimes import check_runtime

log = logging.getLogger(__name__)

SYNCHRONOUS_LIMIT, ASYNCHRONOUS_LIMIT = 6_291_456, 1_048_576
"""Bytes of a payload."""
_COPIED = (
    "Runtime", "Role", "Handler", "Description", "Timeout", "MemorySize", "VpcConfig", "DeadLetterConfig", "KMSKeyArn",
    "FileSystemConfigs", "EphemeralStorage", "Architectures",
)  # fmt: skip


class Lambda(Service):
    """Functions in execution environments on this machine."""

    name: ClassVar[str] = "lambda"
    schema: ClassVar[str] = SCHEMA
    own_checks: ClassVar[frozenset[str]] = frozenset({"Runtime"})

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        folder = cloud.settings.data_dir / "lambda"
        self._records = Records(cloud)
        self._code = CodeStore(folder)
        self._invoker = Invoker(cloud, self._records, self._code, folder / "tmp")
        self._events = Events(cloud, self._invoker)

    async def start(self) -> None:
        """Clear what a former process left, and go on with events that it had accepted."""
        await asyncio.to_thread(self._code.sweep, self._records.used_code())
        await self._invoker.start()
        self._events.start()

    async def stop(self) -> None:
        """End every execution environment."""
        await self._invoker.stop()

    # Functions

    async def create_function(self, call: Call) -> dict[str, Any]:
        """Create a function from a zip, given here or in S3."""
        params = call.params
        name = FunctionName.parse(params["FunctionName"]).name
        if params.get("PackageType", "Zip") != "Zip" or "ImageUri" in params["Code"]:
            raise ServiceError(
                "InvalidParameterValueException",
                "The local cloud runs functions from zip archives, not container images.",
            )
        for required in ("Runtime", "Handler"):
            if required not in params:
                raise ServiceError(
                    "InvalidParameterValueException",
                    "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
                )
        check_runtime(params["Runtime"])
        package = await self._package(params["Code"])
        configuration = {
            "FunctionName": name,
            "FunctionArn": self._records.arn(name),
            "Description": "",
            "Timeout": 3,
            "MemorySize": 128,
            "EphemeralStorage": {"Size": 512},
            "Architectures": ["x86_64"],
            **{member: params[member] for member in _COPIED if member in params},
            **self._optional(params),
            "CodeSize": package.size,
            "CodeSha256": package.code_sha256,
            "LastModified": now(),
            "Version": LATEST,
            "TracingConfig": params.get("TracingConfig", {"Mode": "PassThrough"}),
            "RevisionId": str(uuid.uuid4()),
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "PackageType": "Zip",
            "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
            "RuntimeVersionConfig": {"RuntimeVersionArn": self._runtime_version_arn()},
            "LoggingConfig": {
                "LogFormat": "Text",
                "LogGroup": f"/aws/lambda/{name}",
                **params.get("LoggingConfig", {}),
            },
        }
        await self._records.create(configuration, package.digest, params.get("Tags", {}))
        if params.get("Publish"):
            configuration = (await self._records.publish(name, None)).configuration
        return configuration

    async def get_function(self, call: Call) -> dict[str, Any]:
        """Describe a function, its code's place and its tags."""
        function = self._function(call)
        version = self._records.find(function)
        answer: dict[str, Any] = {
            "Configuration": self._described(version.configuration, function),
            # AWS gives a presigned URL; here the archive's own place tells where to look
            "Code": {"RepositoryType": "S3", "Location": self._code.archive(version.code).as_uri()},
        }
        if tags := self._records.tags(function.name):
            answer["Tags"] = tags
        if (reserved := self._records.reserved(function.name)) is not None:
            answer["Concurrency"] = {"ReservedConcurrentExecutions": reserved}
        return answer

    async def get_function_configuration(self, call: Call) -> dict[str, Any]:
        """Describe a function."""
        function = self._function(call)
        return self._described(self._records.find(function).configuration, function)

    async def list_functions(self, call: Call) -> dict[str, Any]:
        """List functions; with FunctionVersion ALL, their published versions too."""
        functions = self._records.latest()
        if call.params.get("FunctionVersion") == "ALL":
            functions = [version for latest in functions for version in self._records.versions(latest["FunctionName"])]
        return _page("Functions", functions, call.params)

    async def update_function_code(self, call: Call) -> dict[str, Any]:
        """Replace a function's code."""
        params = call.params
        version = self._records.find(FunctionName(self._function(call).name))
        configuration = version.configuration
        self._check_revision(configuration, params)
        package = await self._package(params)
        configuration |= {"CodeSize": package.size, "CodeSha256": package.code_sha256}
        if "Architectures" in params:
            configuration["Architectures"] = params["Architectures"]
        return configuration if params.get("DryRun") else await self._changed(configuration, package.digest, params)

    async def update_function_configuration(self, call: Call) -> dict[str, Any]:
        """Change a function's settings; what is not given stays."""
        params = call.params
        version = self._records.find(FunctionName(self._function(call).name))
        configuration = version.configuration
        self._check_revision(configuration, params)
        if "Runtime" in params:
            check_runtime(params["Runtime"])
        configuration |= {member: params[member] for member in _COPIED if member in params}
        configuration |= self._optional(params)
        for member in ("TracingConfig", "LoggingConfig"):
            configuration[member] |= params.get(member, {})
        return await self._changed(configuration, version.code, params)

    async def delete_function(self, call: Call) -> Answer:
        """Delete a function, or one of its published versions."""
        function = self._function(call)
        await self._records.delete(function)
        self._invoker.retire(function.name)
        return Answer({"StatusCode": 204}, 204)

    async def _changed(self, configuration: dict[str, Any], code: str, params: dict[str, Any]) -> dict[str, Any]:
        await self._records.update(configuration, code)
        self._invoker.retire(configuration["FunctionName"])
        if params.get("Publish"):
            return (await self._records.publish(configuration["FunctionName"], None)).configuration
        return configuration

    def _optional(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return the members whose form in a description differs from that in a request."""
        found: dict[str, Any] = {}
        if "Environment" in params:
            found["Environment"] = {"Variables": params["Environment"].get("Variables", {})}
        if "Layers" in params:
            layers = [(arn, self._records.layer(arn)[0]) for arn in params["Layers"]]
            found["Layers"] = [{"Arn": arn, "CodeSize": layer["Content"]["CodeSize"]} for arn, layer in layers]
        return found

    async def _package(self, code: dict[str, Any]) -> Package:
        archive = code.get("ZipFile")
        if archive is None:
            if "S3Bucket" not in code or "S3Key" not in code:
                raise ServiceError(
                    "InvalidParameterValueException", "Please provide a source for function code.", Type="User"
                )
            archive = await self._from_s3(code["S3Bucket"], code["S3Key"])
        return await asyncio.to_thread(self._code.add, archive)

    async def _from_s3(self, bucket: str, key: str) -> bytes:
        try:
            answer = await self.cloud.call("s3", "GetObject", {"Bucket": bucket, "Key": key})
        except ServiceError as error:
            raise ServiceError(
                "InvalidParameterValueException",
                f"Error occurred while GetObject. S3 Error Code: {error.code}. S3 Error Message: {error.message}",
                Type="User",
            ) from error
        return await read_body(answer["Body"])

    # Invocation

    async def invoke(self, call: Call) -> Answer:
        """Run a function: at once, later (Event), or not at all (DryRun)."""
        params = call.params
        function, payload = self._function(call), params.get("Payload") or b"{}"
        kind = params.get("InvocationType", "RequestResponse")
        limit = ASYNCHRONOUS_LIMIT if kind == "Event" else SYNCHRONOUS_LIMIT
        if len(payload) > limit:
            raise ServiceError(
                "RequestTooLargeException",
                f"{len(payload)} byte payload is too large for the {kind} invocation type (limit {limit} bytes)",
                413,
            )
        version = self._records.find(function)
        _check_json(payload)
        if kind == "DryRun":
            return Answer({"StatusCode": 204}, 204)
        if kind == "Event":
            await self._events.accept(call.request_id, function, payload)
            return Answer({"StatusCode": 202, "Payload": b""}, 202)
        outcome = await self._invoker.invoke(
            version, function, payload, request_id=call.request_id, client_context=params.get("ClientContext")
        )
        answer = {
            "StatusCode": 200,
            "FunctionError": outcome.function_error,
            "Payload": outcome.payload,
            "ExecutedVersion": version.configuration["Version"],
        }
        if params.get("LogType") == "Tail":
            answer["LogResult"] = base64.b64encode(outcome.log.encode()[-4096:]).decode()
        return Answer(answer, 200)

    # Versions and aliases

    async def publish_version(self, call: Call) -> dict[str, Any]:
        """Publish what $LATEST is now."""
        version = self._records.find(FunctionName(self._function(call).name))
        if call.params.get("CodeSha256", version.configuration["CodeSha256"]) != version.configuration["CodeSha256"]:
            raise ServiceError(
                "InvalidParameterValueException",
                "CodeSHA256 does not match the current code of the function.",
                Type="User",
            )
        self._check_revision(version.configuration, call.params)
        return (await self._records.publish(version.name, call.params.get("Description"))).configuration

    async def list_versions_by_function(self, call: Call) -> dict[str, Any]:
        """List $LATEST and the published versions."""
        return _page("Versions", self._records.versions(self._function(call).name), call.params)

    async def create_alias(self, call: Call) -> dict[str, Any]:
        """Give a version a name."""
        name, params = self._function(call).name, call.params
        self._records.find(FunctionName(name, params["FunctionVersion"]))
        if any(alias["Name"] == params["Name"] for alias in self._records.aliases(name)):
            arn = self._records.arn(name, params["Name"])
            raise ServiceError("ResourceConflictException", f"Alias already exists: {arn}", 409, Type="User")
        alias = {
            "AliasArn": self._records.arn(name, params["Name"]),
            "Name": params["Name"],
            "FunctionVersion": params["FunctionVersion"],
            "Description": params.get("Description", ""),
            "RevisionId": str(uuid.uuid4()),
        }
        await self._records.put_alias(name, alias)
        return alias

    async def get_alias(self, call: Call) -> dict[str, Any]:
        """Describe an alias."""
        return self._records.alias(self._function(call).name, call.params["Name"])

    async def update_alias(self, call: Call) -> dict[str, Any]:
        """Point an alias elsewhere."""
        name, params = self._function(call).name, call.params
        alias = self._records.alias(name, params["Name"])
        alias |= {member: params[member] for member in ("FunctionVersion", "Description") if member in params}
        self._records.find(FunctionName(name, alias["FunctionVersion"]))
        await self._records.put_alias(name, alias | {"RevisionId": str(uuid.uuid4())})
        return self._records.alias(name, params["Name"])

    async def delete_alias(self, call: Call) -> dict[str, Any]:
        """Delete an alias."""
        await self._records.delete_alias(self._function(call).name, call.params["Name"])
        return {}

    async def list_aliases(self, call: Call) -> dict[str, Any]:
        """List a function's aliases."""
        name = self._function(call).name
        self._records.find(FunctionName(name))
        return _page("Aliases", self._records.aliases(name), call.params)

    # Tags, concurrency, account

    async def list_tags(self, call: Call) -> dict[str, Any]:
        """List a function's tags."""
        return {"Tags": self._records.tags(FunctionName.parse(call.params["Resource"]).name)}

    async def tag_resource(self, call: Call) -> dict[str, Any]:
        """Add tags to a function."""
        name = FunctionName.parse(call.params["Resource"]).name
        await self._records.put_tags(name, self._records.tags(name) | call.params["Tags"])
        return {}

    async def untag_resource(self, call: Call) -> dict[str, Any]:
        """Remove tags from a function."""
        name = FunctionName.parse(call.params["Resource"]).name
        kept = {key: value for key, value in self._records.tags(name).items() if key not in call.params["TagKeys"]}
        await self._records.put_tags(name, kept)
        return {}

    async def put_function_concurrency(self, call: Call) -> dict[str, Any]:
        """Reserve concurrency: more invocations at once than this are throttled."""
        name, executions = self._function(call).name, call.params["ReservedConcurrentExecutions"]
        self._records.find(FunctionName(name))
        await self._records.reserve(name, executions)
        return {"ReservedConcurrentExecutions": executions}

    async def get_function_concurrency(self, call: Call) -> dict[str, Any]:
        """Return the reserved concurrency."""
        name = self._function(call).name
        self._records.find(FunctionName(name))
        return {"ReservedConcurrentExecutions": self._records.reserved(name)}

    async def delete_function_concurrency(self, call: Call) -> dict[str, Any]:
        """Give reserved concurrency back."""
        await self._records.reserve(self._function(call).name, None)
        return {}

    # Layers

    async def publish_layer_version(self, call: Call) -> dict[str, Any]:
        """Publish the next version of a layer."""
        params = call.params
        name = params["LayerName"].rpartition(":")[2]
        package = await self._package(params["Content"])
        row = self.cloud.store.row("SELECT max(version) AS last FROM layers WHERE name = ?", name)
        number = (row["last"] or 0) + 1 if row else 1
        layer_arn = self.cloud.arn("lambda", f"layer:{name}")
        layer = {
            "Content": {
                "Location": self._code.archive(package.digest).as_uri(),
                "CodeSha256": package.code_sha256,
                "CodeSize": package.size,
            },
            "LayerArn": layer_arn,
            "LayerVersionArn": f"{layer_arn}:{number}",
            "Description": params.get("Description", ""),
            "CreatedDate": now(),
            "Version": number,
            "CompatibleRuntimes": params.get("CompatibleRuntimes"),
            "LicenseInfo": params.get("LicenseInfo"),
            "CompatibleArchitectures": params.get("CompatibleArchitectures"),
        }
        await self.cloud.store.execute(
            "INSERT INTO layers VALUES (?, ?, ?, ?)", name, number, json.dumps(layer), package.digest
        )
        return layer

    async def get_layer_version(self, call: Call) -> dict[str, Any]:
        """Describe a layer version."""
        name = call.params["LayerName"].rpartition(":")[2]
        return self._layer(name, call.params["VersionNumber"])

    async def get_layer_version_by_arn(self, call: Call) -> dict[str, Any]:
        """Describe a layer version by its ARN."""
        *_, name, number = call.params["Arn"].split(":")
        return self._layer(name, int(number))

    def _layer(self, name: str, number: int) -> dict[str, Any]:
        row = self.cloud.store.row("SELECT document FROM layers WHERE name = ? AND version = ?", name, number)
        if row is None:
            raise ServiceError(
                "ResourceNotFoundException", "The resource you requested does not exist.", 404, Type="User"
            )
        document: dict[str, Any] = json.loads(row["document"])
        return document

    async def list_layer_versions(self, call: Call) -> dict[str, Any]:
        """List a layer's versions, newest first."""
        name = call.params["LayerName"].rpartition(":")[2]
        rows = self.cloud.store.rows("SELECT document FROM layers WHERE name = ? ORDER BY version DESC", name)
        return _page("LayerVersions", [json.loads(row["document"]) for row in rows], call.params)

    async def list_layers(self, call: Call) -> dict[str, Any]:
        """List layers with their latest versions."""
        rows = self.cloud.store.rows("SELECT name, document, max(version) FROM layers GROUP BY name ORDER BY name")
        documents = [(row["name"], json.loads(row["document"])) for row in rows]
        layers = [
            {"LayerName": name, "LayerArn": layer["LayerArn"], "LatestMatchingVersion": layer}
            for name, layer in documents
        ]
        return _page("Layers", layers, call.params)

    async def delete_layer_version(self, call: Call) -> dict[str, Any]:
        """Delete a layer version; functions that have it keep it until they change, as on AWS."""
        name = call.params["LayerName"].rpartition(":")[2]
        await self.cloud.store.execute(
            "DELETE FROM layers WHERE name = ? AND version = ?", name, call.params["VersionNumber"]
        )
        return {}

    # Permissions: recorded, and not enforced, as all policies are here

    async def add_permission(self, call: Call) -> dict[str, Any]:
        """Add a statement to a function's policy."""
        function, params = self._function(call), call.params
        self._records.find(function)
        statement = self._statement(function, params)
        qualifier = function.qualifier or ""
        found = self.cloud.store.row(
            "SELECT 1 FROM function_statements WHERE function = ? AND qualifier = ? AND sid = ?",
            function.name, qualifier, params["StatementId"],
        )  # fmt: skip
        if found:
            message = (
                f"The statement id ({params['StatementId']}) provided already exists. Please provide a new statement "
                "id, or remove the existing statement."
            )
            raise ServiceError("ResourceConflictException", message, 409, Type="User")
        await self.cloud.store.execute(
            "INSERT INTO function_statements VALUES (?, ?, ?, ?)",
            function.name, qualifier, params["StatementId"], json.dumps(statement),
        )  # fmt: skip
        return {"Statement": json.dumps(statement)}

    def _statement(self, function: FunctionName, params: dict[str, Any]) -> dict[str, Any]:
        principal = params["Principal"]
        conditions: dict[str, Any] = {}
        if "SourceArn" in params:
            conditions["ArnLike"] = {"AWS:SourceArn": params["SourceArn"]}
        if "SourceAccount" in params:
            conditions["StringEquals"] = {"AWS:SourceAccount": params["SourceAccount"]}
        return {
            "Sid": params["StatementId"],
            "Effect": "Allow",
            "Principal": {"Service": principal} if principal.endswith(".amazonaws.com") else {"AWS": principal},
            "Action": params["Action"],
            "Resource": self._records.arn(function.name, function.qualifier),
            **({"Condition": conditions} if conditions else {}),
        }

    async def get_policy(self, call: Call) -> dict[str, Any]:
        """Return a function's policy."""
        function = self._function(call)
        rows = self.cloud.store.rows(
            "SELECT statement FROM function_statements WHERE function = ? AND qualifier = ? ORDER BY sid",
            function.name, function.qualifier or "",
        )  # fmt: skip
        if not rows:
            raise ServiceError(
                "ResourceNotFoundException", "The resource you requested does not exist.", 404, Type="User"
            )
        statements = [json.loads(row["statement"]) for row in rows]
        policy = {"Version": "2012-10-17", "Id": "default", "Statement": statements}
        return {"Policy": json.dumps(policy), "RevisionId": str(uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(policy)))}

    async def remove_permission(self, call: Call) -> dict[str, Any]:
        """Remove a statement from a function's policy."""
        function = self._function(call)
        removed = await self.cloud.store.execute(
            "DELETE FROM function_statements WHERE function = ? AND qualifier = ? AND sid = ?",
            function.name, function.qualifier or "", call.params["StatementId"],
        )  # fmt: skip
        if not removed:
            raise ServiceError(
                "ResourceNotFoundException", "Statement is not found in resource policy.", 404, Type="User"
            )
        return {}

    # What several of them need

    def _function(self, call: Call) -> FunctionName:
        return FunctionName.parse(call.params["FunctionName"], call.params.get("Qualifier"))

    def _described(self, configuration: dict[str, Any], function: FunctionName) -> dict[str, Any]:
        """Return a configuration with the ARN that was asked for: with its qualifier where one was given."""
        if function.qualifier is None:
            return configuration
        return {**configuration, "FunctionArn": self._records.arn(function.name, function.qualifier)}

    def _check_revision(self, configuration: dict[str, Any], params: dict[str, Any]) -> None:
        if params.get("RevisionId", configuration["RevisionId"]) != configuration["RevisionId"]:
            raise ServiceError(
                "PreconditionFailedException",
                "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to "
                "retrieve the latest Revision Id",
                412,
                Type="User",
            )

    def _runtime_version_arn(self) -> str:
        return f"arn:aws:lambda:{self.cloud.settings.region}::runtime:" + "0" * 64


def _check_json(payload: bytes) -> None:
    try:
        json.loads(payload)
    except ValueError as error:
        raise ServiceError(
            "InvalidRequestContentException", f"Could not parse request body into json: {error}", Type="User"
        ) from error


def _page(name: str, items: list[dict[str, Any]], params: dict[str, Any]) -> dict[str, Any]:
    begin = int(params.get("Marker") or 0)
    end = begin + params.get("MaxItems", 50)
    return {name: items[begin:end], "NextMarker": str(end) if end < len(items) else None}

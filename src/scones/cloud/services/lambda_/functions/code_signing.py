"""Code signing configurations. Signatures cannot be verified here: a configuration that enforces them refuses code."""

from __future__ import annotations

import json
import secrets
import string
from datetime import UTC, datetime

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall, OperationOutput
from scones.cloud.services.lambda_.functions.function_records import FunctionRecords
from scones.cloud.services.lambda_.functions.names import FunctionName, FunctionNames
from scones.cloud.services.lambda_.functions.setting_records import CODE_SIGNING, SettingRecords
from scones.cloud.services.lambda_.pages import page
from scones.cloud.wire.members import Members

SCHEMA = """
    CREATE TABLE IF NOT EXISTS code_signing_configs (
        id INTEGER PRIMARY KEY AUTOINCREMENT, arn TEXT NOT NULL UNIQUE, document TEXT NOT NULL
    )
"""
_STORED_MEMBERS = ("Description", "AllowedPublishers", "CodeSigningPolicies")
_UNTRUSTED = "UntrustedArtifactOnDeployment"
_ID_CHARACTERS = string.ascii_lowercase + string.digits


class CodeSigningConfigs:
    """Stored code signing configurations, and the functions that have one."""

    def __init__(self, cloud: CloudContext, settings: SettingRecords) -> None:
        self._store = cloud.store
        self._settings = settings

    def find(self, arn: str) -> Members | None:
        """Return a configuration, or None."""
        row = self._store.row("SELECT document FROM code_signing_configs WHERE arn = ?", arn)
        return json.loads(row["document"]) if row else None

    def all(self) -> list[Members]:
        """Return all configurations in the order of their creation."""
        return [
            json.loads(row["document"]) for row in self._store.rows("SELECT * FROM code_signing_configs ORDER BY id")
        ]

    async def put(self, config: Members) -> None:
        """Create or replace a configuration."""
        await self._store.execute(
            "INSERT INTO code_signing_configs (arn, document) VALUES (?1, ?2)"
            " ON CONFLICT (arn) DO UPDATE SET document = ?2",
            config["CodeSigningConfigArn"],
            json.dumps(config),
        )

    async def delete(self, arn: str) -> None:
        """Delete a configuration."""
        await self._store.execute("DELETE FROM code_signing_configs WHERE arn = ?", arn)

    def of_function(self, name: str) -> str | None:
        """Return the ARN of a function's configuration, or None."""
        setting = self._settings.find(FunctionName(name), CODE_SIGNING)
        return setting["CodeSigningConfigArn"] if setting else None

    async def assign(self, name: str, arn: str) -> None:
        """Give a function a configuration."""
        await self._settings.store(FunctionName(name), CODE_SIGNING, {"CodeSigningConfigArn": arn})

    def functions(self, arn: str) -> list[str]:
        """Return the names of the functions that have a configuration."""
        rows = self._store.rows("SELECT name FROM functions ORDER BY name")
        return [row["name"] for row in rows if self.of_function(row["name"]) == arn]

    def check_deployment(self, arn: str | None) -> None:
        """Raise `CodeVerificationFailedException` for code of a function whose configuration enforces signatures.

        Raises `CodeSigningConfigNotFoundException` for a configuration that does not exist.
        """
        if arn is None:
            return
        if self.require(arn)["CodeSigningPolicies"][_UNTRUSTED] == "Enforce":
            raise ServiceError(
                "CodeVerificationFailedException",
                f"The code signing configuration {arn} enforces signatures, which the local cloud cannot verify. Set "
                f"{_UNTRUSTED} to Warn.",
            )

    def require(self, arn: str) -> Members:
        """Return the configuration for a function; raises `CodeSigningConfigNotFoundException`."""
        config = self.find(arn)
        if config is None:
            message = (
                "The code signing configuration cannot be found. Check that the provided configuration is not deleted: "
                f"{arn}."
            )
            raise ServiceError("CodeSigningConfigNotFoundException", message, 404)
        return config


class CodeSigningOperations:
    """Operations on code signing configurations."""

    def __init__(
        self,
        *,
        cloud: CloudContext,
        names: FunctionNames,
        records: FunctionRecords,
        settings: SettingRecords,
        configs: CodeSigningConfigs,
    ) -> None:
        self._cloud = cloud
        self._names = names
        self._records = records
        self._settings = settings
        self._configs = configs

    async def create_code_signing_config(self, call: OperationCall) -> OperationOutput:
        """Create a configuration; its policy is Warn unless one is given."""
        if call.params.get("Tags"):
            message = "The local cloud does not support tags of code signing configurations; omit Tags."
            raise ServiceError("InvalidParameterValueException", message)
        identity = "csc-" + "".join(secrets.choice(_ID_CHARACTERS) for _ in range(17))
        config = {
            "CodeSigningConfigId": identity,
            "CodeSigningConfigArn": self._cloud.arn("lambda", f"code-signing-config:{identity}"),
            "CodeSigningPolicies": {_UNTRUSTED: "Warn"},
            "Description": "",
            **_given(call.params),
        }
        await self._configs.put(config)
        return OperationOutput({"CodeSigningConfig": config}, 201)

    async def update_code_signing_config(self, call: OperationCall) -> Members:
        """Change the given settings of a configuration."""
        config = self._existing(call) | _given(call.params)
        await self._configs.put(config)
        return {"CodeSigningConfig": config}

    async def get_code_signing_config(self, call: OperationCall) -> Members:
        """Describe a configuration."""
        return {"CodeSigningConfig": self._existing(call)}

    async def list_code_signing_configs(self, call: OperationCall) -> Members:
        """List all configurations."""
        return page("CodeSigningConfigs", self._configs.all(), call.params)

    async def delete_code_signing_config(self, call: OperationCall) -> OperationOutput:
        """Delete a configuration that no function has."""
        arn = self._existing(call)["CodeSigningConfigArn"]
        if self._configs.functions(arn):  # AWS's wording is not known
            message = f"The code signing configuration {arn} is in use by functions."
            raise ServiceError("ResourceConflictException", message, 409)
        await self._configs.delete(arn)
        return OperationOutput({}, 204)

    async def put_function_code_signing_config(self, call: OperationCall) -> Members:
        """Give a function a configuration, which applies to its next deployment."""
        arn = self._configs.require(call.params["CodeSigningConfigArn"])["CodeSigningConfigArn"]
        name = self._function(call)
        await self._configs.assign(name, arn)
        return {"CodeSigningConfigArn": arn, "FunctionName": name}

    async def get_function_code_signing_config(self, call: OperationCall) -> Members:
        """Return a function's configuration, or nothing if it has none."""
        name = self._function(call)
        arn = self._configs.of_function(name)
        return {"CodeSigningConfigArn": arn, "FunctionName": name} if arn else {}

    async def delete_function_code_signing_config(self, call: OperationCall) -> OperationOutput:
        """Take a function's configuration away."""
        await self._settings.delete(FunctionName(self._function(call)), CODE_SIGNING)
        return OperationOutput({}, 204)

    async def list_functions_by_code_signing_config(self, call: OperationCall) -> Members:
        """List the functions that have a configuration."""
        names = self._configs.functions(self._existing(call)["CodeSigningConfigArn"])
        return page("FunctionArns", [self._records.arn(name) for name in names], call.params)

    def _existing(self, call: OperationCall) -> Members:
        arn = call.params["CodeSigningConfigArn"]
        config = self._configs.find(arn)
        if config is None:
            message = f"The Lambda code signing configuration {arn} can not be found."
            raise ServiceError("ResourceNotFoundException", message, 404, Type=None)
        return config

    def _function(self, call: OperationCall) -> str:
        name = self._names.requested(call).name
        self._records.find(FunctionName(name))
        return name


def _given(params: Members) -> Members:
    """Return the members of a request that a configuration has, with the time of the change."""
    changed = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {**{member: params[member] for member in _STORED_MEMBERS if member in params}, "LastModified": changed}

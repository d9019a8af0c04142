"""Operations on function URLs, and their stored configurations."""

from __future__ import annotations

import json
import secrets
import sqlite3
from datetime import UTC, datetime

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall, OperationOutput
from scones.cloud.services.lambda_.functions.function_records import FunctionRecords
from scones.cloud.services.lambda_.functions.names import FunctionName, FunctionNames
from scones.cloud.services.lambda_.pages import page
from scones.cloud.wire.members import Members

SCHEMA = """
    CREATE TABLE IF NOT EXISTS function_urls (
        function TEXT NOT NULL REFERENCES functions(name) ON DELETE CASCADE, qualifier TEXT NOT NULL,
        id TEXT NOT NULL UNIQUE, document TEXT NOT NULL, PRIMARY KEY (function, qualifier)
    ) WITHOUT ROWID
"""
PREFIX = "/_lambda-url/"
"""Prefix of a function URL's path; the URL's id follows."""
DEFAULT_MODE, STREAMED = "BUFFERED", "RESPONSE_STREAM"


class FunctionUrlOperations:
    """Operations on function URLs. Their policies are recorded but not enforced, like all policies here."""

    def __init__(self, cloud: CloudContext, names: FunctionNames, records: FunctionRecords) -> None:
        self._cloud = cloud
        self._names = names
        self._records = records

    async def create_function_url_config(self, call: OperationCall) -> OperationOutput:
        """Create the URL of a function or of one of its aliases."""
        function, params = self._names.requested(call), call.params
        self._check_exists(function)
        arn = self._records.arn(function.name, function.qualifier)
        if self._url_row(function) is not None:
            message = (
                f"Failed to create function url config for [functionArn = {arn}]. Error message:  "
                "FunctionUrlConfig exists for this Lambda function"
            )
            raise ServiceError("ResourceConflictException", message, 409, Type="User")
        now = _now()
        config = {"FunctionArn": arn, "CreationTime": now, "LastModifiedTime": now, **_settings_of(params)}
        identity = secrets.token_hex(16)
        await self._cloud.store.execute(
            "INSERT INTO function_urls VALUES (?, ?, ?, ?)",
            function.name,
            function.qualifier or "",
            identity,
            json.dumps({"InvokeMode": DEFAULT_MODE, **config}),
        )
        return OperationOutput(self._with_address(identity, config), 201)

    async def get_function_url_config(self, call: OperationCall) -> Members:
        """Describe a function URL."""
        return self._with_address(*self._url(self._names.requested(call)))

    async def update_function_url_config(self, call: OperationCall) -> Members:
        """Change the given settings of a function URL."""
        function = self._names.requested(call)
        self._check_exists(function)
        identity, config = self._url(function)
        config |= {**_settings_of(call.params), "LastModifiedTime": _now()}
        await self._cloud.store.execute(
            "UPDATE function_urls SET document = ? WHERE id = ?", json.dumps(config), identity
        )
        if "InvokeMode" not in call.params and config["InvokeMode"] == DEFAULT_MODE:
            del config["InvokeMode"]  # AWS names the default only in responses of Get and List
        return self._with_address(identity, config)

    async def delete_function_url_config(self, call: OperationCall) -> OperationOutput:
        """Delete a function URL; a new URL of the function will be a different one."""
        identity, _ = self._url(self._names.requested(call))
        await self._cloud.store.execute("DELETE FROM function_urls WHERE id = ?", identity)
        return OperationOutput({}, 204)

    async def list_function_url_configs(self, call: OperationCall) -> Members:
        """List the URLs of a function and its aliases."""
        name = self._names.requested(call).name
        self._check_exists(FunctionName(name))
        rows = self._cloud.store.rows(
            "SELECT id, document FROM function_urls WHERE function = ? ORDER BY qualifier", name
        )
        found = [self._with_address(row["id"], json.loads(row["document"])) for row in rows]
        return page("FunctionUrlConfigs", found, call.params)

    def _check_exists(self, function: FunctionName) -> None:
        try:
            self._records.find(function)
        except ServiceError as error:
            raise ServiceError(error.code, "Function does not exist", 404, Type="User") from error

    def _url_row(self, function: FunctionName) -> sqlite3.Row | None:
        return self._cloud.store.row(
            "SELECT id, document FROM function_urls WHERE function = ? AND qualifier = ?",
            function.name,
            function.qualifier or "",
        )

    def _url(self, function: FunctionName) -> tuple[str, Members]:
        row = self._url_row(function)
        if row is None:
            message = "The resource you requested does not exist."
            raise ServiceError("ResourceNotFoundException", message, 404, Type="User")
        return row["id"], json.loads(row["document"])

    def _with_address(self, identity: str, config: Members) -> Members:
        """Return a configuration with its current address: the cloud's port may change with each start."""
        return {"FunctionUrl": f"{self._cloud.url}{PREFIX}{identity}/", **config}


def _settings_of(params: Members) -> Members:
    return {member: params[member] for member in ("AuthType", "Cors", "InvokeMode") if member in params}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

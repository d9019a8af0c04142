"""Operations on layers, the code that several functions share."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import cast

from botocore.model import StringShape

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import Arn, last_part
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.lambda_.functions.code_links import CodeLinks
from scones.cloud.services.lambda_.functions.deployment_packages import DeploymentPackages
from scones.cloud.services.lambda_.functions.function_records import now
from scones.cloud.services.lambda_.pages import page
from scones.cloud.services.lambda_.runtime.interpreters import OFFERED
from scones.cloud.wire.members import Members
from scones.cloud.wire.model import service_model


class LayerOperations:
    """Operations on layers."""

    def __init__(self, cloud: CloudContext, packages: DeploymentPackages, links: CodeLinks) -> None:
        self._cloud = cloud
        self._packages = packages
        self._links = links

    async def publish_layer_version(self, call: OperationCall) -> Members:
        """Publish the next version of a layer."""
        params = call.params
        name = last_part(params["LayerName"])
        _check_runtimes(params.get("CompatibleRuntimes", ()))
        package = await self._packages.store(params["Content"])
        layer_arn = self._cloud.arn("lambda", f"layer:{name}")
        layer: Members = {
            "Content": {
                "CodeSha256": package.code_sha256,
                "CodeSize": package.size,
            },
            "LayerArn": layer_arn,
            "Description": params.get("Description", ""),
            "CreatedDate": now(),
            "CompatibleRuntimes": params.get("CompatibleRuntimes"),
            "LicenseInfo": params.get("LicenseInfo"),
            "CompatibleArchitectures": params.get("CompatibleArchitectures"),
        }

        def insert(connection: sqlite3.Connection) -> Members:
            last = connection.execute("SELECT max(version) FROM layer_versions WHERE name = ?", (name,)).fetchone()[0]
            number = (last or 0) + 1  # a deleted version's number is never reused
            numbered = {**layer, "LayerVersionArn": f"{layer_arn}:{number}", "Version": number}
            connection.execute(
                "INSERT INTO layer_versions (name, version, document, code) VALUES (?, ?, ?, ?)",
                (name, number, json.dumps(numbered), package.digest),
            )
            return numbered

        return self._with_location(await self._cloud.store.write(insert), package.digest)

    async def get_layer_version(self, call: OperationCall) -> Members:
        """Describe a layer version."""
        name = last_part(call.params["LayerName"])
        _check_number(call.params["VersionNumber"])
        return self._layer(name, call.params["VersionNumber"])

    async def get_layer_version_by_arn(self, call: OperationCall) -> Members:
        """Describe a layer version by its ARN."""
        name, _, number = Arn.parse(call.params["Arn"]).resource_id.partition(":")
        return self._layer(name, number)

    def _layer(self, name: str, number: int | str) -> Members:
        row = self._cloud.store.row(
            "SELECT document, code FROM layer_versions WHERE name = ? AND version = ? AND NOT deleted", name, number
        )
        if row is None:
            raise ServiceError(
                "ResourceNotFoundException", "The resource you requested does not exist.", 404, Type="User"
            )
        return self._with_location(json.loads(row["document"]), row["code"])

    def _with_location(self, layer: Members, digest: str) -> Members:
        return {**layer, "Content": {**layer["Content"], "Location": self._links.location(digest)}}

    async def list_layer_versions(self, call: OperationCall) -> Members:
        """List a layer's versions, newest first."""
        name = last_part(call.params["LayerName"])
        rows = self._cloud.store.rows(
            "SELECT document FROM layer_versions WHERE name = ? AND NOT deleted ORDER BY version DESC", name
        )
        found = [json.loads(row["document"]) for row in rows]
        return page("LayerVersions", [layer for layer in found if _suits(layer, call.params)], call.params)

    async def list_layers(self, call: OperationCall) -> Members:
        """List layers, each with its latest version that suits the given runtime and architecture, if any are given."""
        if (runtime := call.params.get("CompatibleRuntime")) is not None:
            _check_runtime(runtime)
        rows = self._cloud.store.rows(
            "SELECT name, document FROM layer_versions WHERE NOT deleted ORDER BY name, version DESC"
        )
        latest: dict[str, Members] = {}
        for row in rows:
            if row["name"] not in latest and _suits(layer := json.loads(row["document"]), call.params):
                latest[row["name"]] = layer
        layers = [
            {"LayerName": name, "LayerArn": layer["LayerArn"], "LatestMatchingVersion": layer}
            for name, layer in latest.items()
        ]
        return page("Layers", layers, call.params)

    async def delete_layer_version(self, call: OperationCall) -> Members:
        """Delete a layer version; functions that use it keep it until they change, as on AWS."""
        name = last_part(call.params["LayerName"])
        _check_number(call.params["VersionNumber"])
        await self._cloud.store.execute(
            "UPDATE layer_versions SET deleted = 1 WHERE name = ? AND version = ?", name, call.params["VersionNumber"]
        )
        return {}


def _suits(layer: Members, params: Members) -> bool:
    requested = (("CompatibleRuntime", "CompatibleRuntimes"), ("CompatibleArchitecture", "CompatibleArchitectures"))
    return all(params[one] in (layer.get(several) or ()) for one, several in requested if one in params)


def _known_runtimes() -> list[str]:
    return list(cast(StringShape, service_model("lambda").shape_for("Runtime")).enum)


def _check_runtime(given: str) -> None:
    """Raise `ValidationException` for a runtime that does not exist; AWS's list has runtimes that no model has."""
    known = _known_runtimes()
    if given not in known:
        raise ServiceError(
            "ValidationException",
            f"1 validation error detected: Value '{given}' at 'compatibleRuntime' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(known)}]",
        )


def _check_runtimes(given: Sequence[str]) -> None:
    """Raise `ValidationException` for a runtime that does not exist."""
    known = _known_runtimes()
    if any(runtime not in known for runtime in given):
        raise ServiceError(
            "ValidationException",
            f"1 validation error detected: Value '[{', '.join(given)}]' at 'compatibleRuntimes' failed to satisfy "
            f"constraint: Member must satisfy enum value set: [{', '.join(OFFERED)}]",
        )


def _check_number(number: int) -> None:
    if number < 1:
        raise ServiceError("InvalidParameterValueException", "Layer Version Cannot be less than 1", Type="User")

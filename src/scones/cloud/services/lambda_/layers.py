"""Layers: code that several functions share."""

from __future__ import annotations

import json
from typing import Any

from scones.cloud.errors import ServiceError
from scones.cloud.service import Call
from scones.cloud.services.lambda_.operations import Operations, page
from scones.cloud.services.lambda_.records import now


class LayerOperations(Operations):
    """Operations on layers."""

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
        return page("LayerVersions", [json.loads(row["document"]) for row in rows], call.params)

    async def list_layers(self, call: Call) -> dict[str, Any]:
        """List layers with their latest versions."""
        rows = self.cloud.store.rows("SELECT name, document, max(version) FROM layers GROUP BY name ORDER BY name")
        documents = [(row["name"], json.loads(row["document"])) for row in rows]
        layers = [
            {"LayerName": name, "LayerArn": layer["LayerArn"], "LatestMatchingVersion": layer}
            for name, layer in documents
        ]
        return page("Layers", layers, call.params)

    async def delete_layer_version(self, call: Call) -> dict[str, Any]:
        """Delete a layer version; functions that have it keep it until they change, as on AWS."""
        name = call.params["LayerName"].rpartition(":")[2]
        await self.cloud.store.execute(
            "DELETE FROM layers WHERE name = ? AND version = ?", name, call.params["VersionNumber"]
        )
        return {}

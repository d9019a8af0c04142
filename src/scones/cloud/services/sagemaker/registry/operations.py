"""The model registry's operations: model package groups and model packages."""

from __future__ import annotations

from typing import Any

from scones.cloud.service import OperationCall
from scones.cloud.services.sagemaker.registry.model_packages import ModelPackages


class RegistryOperations:
    """SageMaker's operations on model package groups and model packages."""

    model_packages: ModelPackages

    async def create_model_package_group(self, call: OperationCall) -> dict[str, Any]:
        """Create a model package group."""
        return await self.model_packages.groups.create(call.params, call.caller)

    async def describe_model_package_group(self, call: OperationCall) -> dict[str, Any]:
        """Describe a model package group."""
        return self.model_packages.groups.describe(call.params["ModelPackageGroupName"])

    async def list_model_package_groups(self, call: OperationCall) -> dict[str, Any]:
        """List model package groups."""
        return await self.model_packages.groups.list(call.params)

    async def delete_model_package_group(self, call: OperationCall) -> dict[str, Any]:
        """Delete a model package group that has no versions."""
        await self.model_packages.delete_group(call.params["ModelPackageGroupName"])
        return {}

    async def create_model_package(self, call: OperationCall) -> dict[str, Any]:
        """Create a model package, or a version in a group."""
        return await self.model_packages.create(call.params, call.caller)

    async def describe_model_package(self, call: OperationCall) -> dict[str, Any]:
        """Describe a model package."""
        return self.model_packages.describe(call.params["ModelPackageName"])

    async def batch_describe_model_package(self, call: OperationCall) -> dict[str, Any]:
        """Describe several model packages."""
        return self.model_packages.describe_all(call.params["ModelPackageArnList"])

    async def list_model_packages(self, call: OperationCall) -> dict[str, Any]:
        """List model packages."""
        return await self.model_packages.list(call.params)

    async def update_model_package(self, call: OperationCall) -> dict[str, Any]:
        """Change a model package's approval, metadata or specifications."""
        return await self.model_packages.update(call.params, call.caller)

    async def delete_model_package(self, call: OperationCall) -> dict[str, Any]:
        """Delete a model package."""
        await self.model_packages.delete(call.params["ModelPackageName"])
        return {}

"""Deployment plans: what an endpoint runs, independent of the configuration and models that a plan was made from."""

from __future__ import annotations

from dataclasses import dataclass

from scones.cloud.services.sagemaker.resources import Document
from scones.cloud.wire.members import Members

_RETAINED = {"DesiredWeight": "InitialVariantWeight", "DesiredInstanceCount": "InitialInstanceCount"}
"""Member of a ProductionVariant for each VariantPropertyType of a variant."""


@dataclass(frozen=True, slots=True)
class PlannedVariant:
    """A production variant with copies of its model's container and role."""

    settings: Document
    """The ProductionVariant of the endpoint configuration."""
    container: Document
    role: str
    """ARN of the execution role."""

    @property
    def name(self) -> str:
        """Return the variant's name."""
        name: str = self.settings["VariantName"]
        return name

    @property
    def weight(self) -> float:
        """Return the variant's share of the requests, relative to the other variants."""
        weight: float = self.settings["InitialVariantWeight"]
        return weight

    @property
    def image(self) -> str:
        """Return the URI of the container image."""
        image: str = self.container["Image"]
        return image


@dataclass(slots=True)
class DeploymentPlan:
    """The plan of one deployment, stored in its endpoint's document; `id` names the folder of its files."""

    id: str
    config_name: str
    """Name of the endpoint configuration."""
    variants: list[PlannedVariant]
    capture_config: Document | None
    """The DataCaptureConfig, or None."""

    @classmethod
    def of_document(cls, stored: Document) -> DeploymentPlan:
        """Read a stored plan; a damaged plan may have no variants."""
        variants = [
            PlannedVariant(
                # Plans of earlier releases also contain the command of the container image.
                {key: value for key, value in each.items() if key not in ("Container", "RoleArn", "Command")},
                each["Container"],
                each["RoleArn"],
            )
            for each in stored.get("Variants", [])
        ]
        return cls(
            stored.get("Id", ""), stored.get("EndpointConfigName", ""), variants, stored.get("DataCaptureConfig")
        )

    def document(self) -> Document:
        """Return the plan as it is stored; its keys must not change, because data folders contain them."""
        stored: Members = {
            "Id": self.id,
            "EndpointConfigName": self.config_name,
            "Variants": [
                {**each.settings, "Container": each.container, "RoleArn": each.role} for each in self.variants
            ],
        }
        if self.capture_config is not None:
            stored["DataCaptureConfig"] = self.capture_config
        return stored

    def retain_properties(self, current: DeploymentPlan, excluded: set[str]) -> None:
        """Copy the current weights, instance counts and capture settings, except for excluded VariantPropertyTypes.

        Weights and instance counts are copied between variants with the same name.
        """
        old = {variant.name: variant.settings for variant in current.variants}
        for variant in self.variants:
            for kind, member in _RETAINED.items():
                if kind not in excluded and member in old.get(variant.name, {}):
                    variant.settings[member] = old[variant.name][member]
        if "DataCaptureConfig" not in excluded and current.capture_config is not None:
            self.capture_config = current.capture_config

    def set_properties(self, variant: str, desired: Document) -> bool:
        """Apply a DesiredWeightAndCapacity to a variant; return False if the plan has no such variant."""
        found = next((each for each in self.variants if each.name == variant), None)
        if found is None:
            return False
        found.settings.update({member: desired[kind] for kind, member in _RETAINED.items() if kind in desired})
        return True

"""The plans of deployments, which data folders contain as JSON."""

from __future__ import annotations

from typing import Any

from scones.cloud.services.sagemaker.hosting.deployment_plan import DeploymentPlan

STORED: dict[str, Any] = {
    "Id": "0123456789abcdef",
    "EndpointConfigName": "config",
    "Variants": [
        {
            "VariantName": "main",
            "ModelName": "model",
            "InitialVariantWeight": 1.0,
            "InitialInstanceCount": 1,
            "Container": {"Image": "image"},
            "RoleArn": "role",
        }
    ],
    "DataCaptureConfig": {"InitialSamplingPercentage": 100},
}


def stored(**variant: Any) -> dict[str, Any]:
    """Return the stored plan with other members of its variant."""
    return STORED | {"Variants": [STORED["Variants"][0] | variant]}


def test_a_stored_plan_keeps_its_keys() -> None:
    assert DeploymentPlan.of_document(STORED).document() == STORED


def test_the_command_in_plans_of_earlier_releases_is_left_out() -> None:
    assert DeploymentPlan.of_document(stored(Command=["python", "serve"])).document() == STORED


def test_a_plan_without_members_has_no_variants() -> None:
    assert DeploymentPlan.of_document({}).variants == []


def test_retained_properties_are_copied_between_variants_with_the_same_name() -> None:
    current = DeploymentPlan.of_document(stored(InitialVariantWeight=3.0, InitialInstanceCount=2))
    plan = DeploymentPlan.of_document({key: value for key, value in stored().items() if key != "DataCaptureConfig"})
    plan.retain_properties(current, {"DesiredInstanceCount"})
    assert plan.document() == stored(InitialVariantWeight=3.0)


def test_desired_properties_of_an_unknown_variant_are_not_applied() -> None:
    plan = DeploymentPlan.of_document(stored())
    assert not plan.set_properties("other", {"DesiredWeight": 2.0})
    assert plan.set_properties("main", {"DesiredWeight": 2.0})
    assert plan.document() == stored(InitialVariantWeight=2.0)

"""Model package groups and packages, models created from packages, and Search."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.sagemaker_workbench import IMAGE, ROLE, Workbench, archive


def specification(bench: Workbench, answer: str = "packaged") -> dict[str, Any]:
    data = bench.put(f"{answer}.tar.gz", archive(answer_txt=answer))
    return {
        "Containers": [{"Image": IMAGE, "ModelDataUrl": data, "Environment": {"TEST_VARIABLE": "packaged"}}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }


def group_of(bench: Workbench, versions: int = 1, **more: Any) -> tuple[str, list[str]]:
    """Create a model package group with versions; return the group's name and the versions' ARNs."""
    name = bench.name("Group")
    bench.sagemaker.create_model_package_group(ModelPackageGroupName=name, ModelPackageGroupDescription="tested")
    made = [
        bench.sagemaker.create_model_package(
            ModelPackageGroupName=name, InferenceSpecification=specification(bench), **more
        )["ModelPackageArn"]
        for _ in range(versions)
    ]
    return name, made


def refusal(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_a_group_is_created_described_listed_and_deleted(bench):
    sagemaker = bench.sagemaker
    name, _ = group_of(bench, 0)
    described = sagemaker.describe_model_package_group(ModelPackageGroupName=name)
    arn = described["ModelPackageGroupArn"]
    assert arn.endswith(f":model-package-group/{name.lower()}")
    assert described["ModelPackageGroupStatus"] == "Completed"
    assert described["CreatedBy"]["IamIdentity"]["Arn"].endswith(":root")
    again = sagemaker.describe_model_package_group(ModelPackageGroupName=arn)
    assert again["ModelPackageGroupName"] == name
    listed = sagemaker.list_model_package_groups(NameContains=name)["ModelPackageGroupSummaryList"]
    assert [each["ModelPackageGroupDescription"] for each in listed] == ["tested"]
    code, message = refusal(sagemaker.create_model_package_group, ModelPackageGroupName=name)
    assert (code, message) == ("ValidationException", f"Model Package Group already exists: {arn}")
    sagemaker.delete_model_package_group(ModelPackageGroupName=name)
    code, message = refusal(sagemaker.describe_model_package_group, ModelPackageGroupName=name)
    assert code == "ValidationException"
    assert "does not exist" in message
    assert sagemaker.list_model_package_groups(NameContains=name)["ModelPackageGroupSummaryList"] == []


def test_version_numbers_increase_and_are_never_reused(bench):
    sagemaker = bench.sagemaker
    name, arns = group_of(bench, 2)
    assert [arn.rpartition("/")[2] for arn in arns] == ["1", "2"]
    code, _ = refusal(sagemaker.delete_model_package_group, ModelPackageGroupName=name)
    assert code == "ConflictException"
    sagemaker.delete_model_package(ModelPackageName=arns[1])
    made = sagemaker.create_model_package(
        ModelPackageGroupName=name, InferenceSpecification=specification(bench), ClientToken="a" * 36
    )
    assert made["ModelPackageArn"].endswith(f"model-package/{name.lower()}/3")
    same = sagemaker.create_model_package(
        ModelPackageGroupName=name, InferenceSpecification=specification(bench), ClientToken="a" * 36
    )
    assert same["ModelPackageArn"] == made["ModelPackageArn"]
    described = sagemaker.describe_model_package(ModelPackageName=made["ModelPackageArn"])
    assert (described["ModelPackageGroupName"], described["ModelPackageVersion"]) == (name, 3)
    assert (described["ModelPackageStatus"], described["ModelApprovalStatus"]) == ("Completed", "PendingManualApproval")
    assert described["ModelPackageStatusDetails"] == {"ValidationStatuses": [], "ImageScanStatuses": []}
    assert {"ModelPackageName", "ClientToken"}.isdisjoint(described)
    summaries, errors = (
        sagemaker.batch_describe_model_package(ModelPackageArnList=arns)[member]
        for member in ("ModelPackageSummaries", "BatchDescribeModelPackageErrorMap")
    )
    assert (list(summaries), list(errors)) == (arns[:1], arns[1:])


def test_packages_are_listed_by_group_type_and_approval(bench):
    sagemaker = bench.sagemaker
    name, arns = group_of(bench, 3)
    alone = bench.name("alone")
    sagemaker.create_model_package(ModelPackageName=alone, InferenceSpecification=specification(bench))
    sagemaker.update_model_package(ModelPackageArn=arns[1], ModelApprovalStatus="Approved", ApprovalDescription="good")

    def listed(**params: Any) -> list[str]:
        pages = sagemaker.get_paginator("list_model_packages").paginate(**params)
        return [each["ModelPackageArn"] for page in pages for each in page["ModelPackageSummaryList"]]

    assert listed(ModelPackageGroupName=name, MaxResults=2) == arns
    assert listed(ModelPackageGroupName=name, SortBy="CreationTime", SortOrder="Descending") == arns[::-1]
    assert listed(ModelPackageGroupName=name, ModelApprovalStatus="Approved") == [arns[1]]
    unversioned = listed(NameContains=alone)
    assert [arn.rpartition("/")[2] for arn in unversioned] == [alone]
    assert listed(NameContains=name) == []
    assert listed(NameContains=name, ModelPackageType="Versioned") == arns
    assert len(listed(ModelPackageType="Both", MaxResults=100)) >= 4
    code, message = refusal(sagemaker.list_model_packages, ModelPackageGroupName="no-such-group")
    assert (code, "does not exist" in message) == ("ValidationException", True)


def test_an_update_changes_approval_and_metadata(bench):
    sagemaker = bench.sagemaker
    _, (arn,) = group_of(bench, CustomerMetadataProperties={"run": "1", "old": "x"})
    sagemaker.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Rejected",
        CustomerMetadataProperties={"run": "2", "new": "y"},
        CustomerMetadataPropertiesToRemove=["old"],
        AdditionalInferenceSpecificationsToAdd=[{"Name": "second", "Containers": [{"Image": IMAGE}]}],
    )
    described = sagemaker.describe_model_package(ModelPackageName=arn)
    assert described["ModelApprovalStatus"] == "Rejected"
    assert described["CustomerMetadataProperties"] == {"run": "2", "new": "y"}
    assert [each["Name"] for each in described["AdditionalInferenceSpecifications"]] == ["second"]
    assert described["LastModifiedTime"] > described["CreationTime"]


def test_groups_and_packages_outside_of_one_have_tags(bench):
    sagemaker, spec, tags = bench.sagemaker, specification(bench), [{"Key": "team", "Value": "a"}]
    name = bench.name("tagged")
    group = sagemaker.create_model_package_group(ModelPackageGroupName=name, Tags=tags)["ModelPackageGroupArn"]
    package = sagemaker.create_model_package(ModelPackageName=name, InferenceSpecification=spec, Tags=tags)
    sagemaker.add_tags(ResourceArn=group, Tags=[{"Key": "stage", "Value": "test"}])
    assert [each["Key"] for each in sagemaker.list_tags(ResourceArn=group)["Tags"]] == ["stage", "team"]
    assert sagemaker.list_tags(ResourceArn=package["ModelPackageArn"])["Tags"] == tags
    code, message = refusal(
        sagemaker.create_model_package, ModelPackageGroupName=name, InferenceSpecification=spec, Tags=tags
    )
    assert (code, "cannot have tags" in message) == ("ValidationException", True)


def test_a_model_of_an_approved_package_serves(bench):
    sagemaker = bench.sagemaker
    _, (arn,) = group_of(bench)
    model = bench.name("model")
    container = {"ModelPackageName": arn, "Environment": {"MORE": "own"}}
    wanted = {"ModelName": model, "ExecutionRoleArn": ROLE, "Containers": [container]}
    code, message = refusal(sagemaker.create_model, **wanted)
    assert code == "ValidationException"
    assert "PendingManualApproval" in message
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    sagemaker.create_model(**wanted)
    described = sagemaker.describe_model(ModelName=model)["Containers"]
    assert described == [{**container, "Mode": "SingleModel"}]
    sagemaker.delete_model_package(ModelPackageName=arn)
    answer = bench.invoke(bench.endpoint(bench.config(model)))
    reported = json.loads(answer["Body"].read())
    assert (reported["model"], reported["variable"]) == ("packaged", "packaged")


def test_invalid_model_packages_are_rejected(bench):
    sagemaker, spec = bench.sagemaker, specification(bench)
    create = sagemaker.create_model_package
    assert refusal(create, InferenceSpecification=spec) == ("ValidationException", "Missing ARN.")
    code, message = refusal(create, ModelPackageGroupName="no-such-group", InferenceSpecification=spec)
    assert (code, "no-such-group does not exist" in message) == ("ValidationException", True)
    code, _ = refusal(create, ModelPackageGroupName="one", ModelPackageName="two", InferenceSpecification=spec)
    assert code == "ValidationException"
    code, message = refusal(sagemaker.describe_model_package, ModelPackageName="no-such-package")
    assert (code, "does not exist" in message) == ("ValidationException", True)


def test_search_finds_by_properties_tags_and_hyperparameters(bench):
    sagemaker = bench.sagemaker
    name, arns = group_of(bench, 2)
    sagemaker.update_model_package(ModelPackageArn=arns[0], ModelApprovalStatus="Approved")
    jobs = [
        bench.train(HyperParameters={"rate": rate, "answer": name}, Tags=[{"Key": "set", "Value": name}])
        for rate in ("0.1", "0.5", "0.9")
    ]
    assert [bench.ended(job)["TrainingJobStatus"] for job in jobs] == ["Completed"] * 3

    def found(resource: str, *filters: tuple[str, str, str], **more: Any) -> list[dict[str, Any]]:
        expression = {"Filters": [dict(zip(("Name", "Operator", "Value"), each, strict=True)) for each in filters]}
        expression |= more.pop("expression", {})
        results = sagemaker.search(Resource=resource, SearchExpression=expression, **more)["Results"]
        return [each[resource] for each in results]

    (group,) = found("ModelPackageGroup", ("ModelPackageGroupName", "Equals", name))
    assert group["ModelPackageGroupDescription"] == "tested"
    assert found("ModelPackageGroup", ("ModelPackageGroupName", "Equals", "no-such-group")) == []
    packages = found(
        "ModelPackage", ("ModelPackageGroupName", "Equals", name), ("ModelApprovalStatus", "Equals", "Approved")
    )
    assert [each["ModelPackageArn"] for each in packages] == arns[:1]
    own = ("Tags.set", "Equals", name)
    slow = found("TrainingJob", own, ("HyperParameters.rate", "LessThan", "0.6"), SortBy="CreationTime")
    assert [each["TrainingJobName"] for each in slow] == [jobs[1], jobs[0]]
    either = {
        "SubExpressions": [
            {
                "Filters": [
                    {"Name": "HyperParameters.rate", "Operator": "In", "Value": "0.1, 0.2"},
                    {"Name": "TrainingJobName", "Operator": "Contains", "Value": jobs[2]},
                ],
                "Operator": "Or",
            }
        ]
    }
    several = found("TrainingJob", own, expression=either, SortBy="TrainingJobName", SortOrder="Ascending")
    assert [each["TrainingJobName"] for each in several] == sorted([jobs[0], jobs[2]])
    code, message = refusal(sagemaker.search, Resource="Experiment")
    assert (code, "Experiment" in message) == ("NotImplemented", True)

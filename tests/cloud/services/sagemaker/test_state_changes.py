"""Status changes of SageMaker resources as EventBridge events."""

from __future__ import annotations

import json
from typing import Any

from support.sagemaker_workbench import IMAGE, Workbench


class Changes:
    """A queue that receives the events of one detail type."""

    def __init__(self, bench: Workbench, kind: str) -> None:
        self._sqs = bench.cloud.client("sqs")
        events, name = bench.cloud.client("events"), bench.name("changes")
        self._url = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        given = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.sagemaker"], "detail-type": [kind]}))
        events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": given["Attributes"]["QueueArn"]}])

    def of(self, member: str, name: str, status: str, wanted: set[str]) -> list[dict[str, Any]]:
        """Return the details of one resource's events, once events with all `wanted` statuses have arrived."""
        found: list[dict[str, Any]] = []
        while not wanted <= {detail[status] for detail in found}:
            batch = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=20)
            assert batch.get("Messages"), f"no more events come, and of {wanted} only {found}"
            details = [json.loads(message["Body"])["detail"] for message in batch["Messages"]]
            found += [detail for detail in details if detail[member] == name]
        return found


def test_the_status_changes_of_a_training_job_are_announced(bench: Workbench) -> None:
    changes = Changes(bench, "SageMaker Training Job State Change")
    job = bench.train(Tags=[{"Key": "team", "Value": "a"}])
    described = bench.ended(job)
    found = changes.of("TrainingJobName", job, "SecondaryStatus", {"Starting", "Training", "Completed"})
    (last,) = [each for each in found if each["TrainingJobStatus"] == "Completed"]
    assert last["TrainingJobArn"] == described["TrainingJobArn"]
    assert last["TrainingEndTime"] == round(described["TrainingEndTime"].timestamp() * 1000)
    assert last["Tags"] == {"team": "a"}


def test_the_status_changes_of_an_endpoint_are_announced(bench: Workbench) -> None:
    changes = Changes(bench, "SageMaker Endpoint State Change")
    endpoint = bench.endpoint()
    bench.delete(endpoint)
    found = changes.of("EndpointName", endpoint, "EndpointStatus", {"CREATING", "IN_SERVICE", "DELETING"})
    assert found[0]["ProductionVariants"] == [
        {"VariantName": "AllTraffic", "DesiredWeight": 1.0, "DesiredInstanceCount": 1}
    ]


def test_a_change_of_a_model_packages_approval_is_announced(bench: Workbench) -> None:
    changes = Changes(bench, "SageMaker Model Package State Change")
    group = bench.name("group")
    bench.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    made = bench.sagemaker.create_model_package(
        ModelPackageGroupName=group, InferenceSpecification={"Containers": [{"Image": IMAGE}]}
    )
    bench.sagemaker.update_model_package(ModelPackageArn=made["ModelPackageArn"], ModelApprovalStatus="Approved")
    wanted = {"PendingManualApproval", "Approved"}
    found = changes.of("ModelPackageGroupName", group, "ModelApprovalStatus", wanted)
    assert [each["ModelApprovalStatus"] for each in found] == ["PendingManualApproval", "Approved"]
    assert [each["ModelPackageVersion"] for each in found] == [1, 1]
    assert isinstance(found[0]["CreationTime"], int)

"""Endpoints, endpoint configurations and models: deployment, traffic, updates, failures and limits."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from support.sagemaker_workbench import IMAGE, QUICK, ROLE, Workbench, until


def answered(response: Any) -> dict[str, Any]:
    reported: dict[str, Any] = json.loads(response["Body"].read())
    return reported


def test_an_endpoint_serves_its_model(bench: Workbench) -> None:
    config = bench.config(bench.model("forty-two", {"TEST_VARIABLE": "given"}))
    endpoint = bench.endpoint(config)
    response = bench.invoke(endpoint, b"hello", Accept="application/json", CustomAttributes="trace=1")
    assert response["ContentType"] == "application/json; charset=utf-8"
    assert response["InvokedProductionVariant"] == "AllTraffic"
    assert response["CustomAttributes"] == "answer to trace=1"
    assert answered(response) == {
        "model": "forty-two",
        "accept": "application/json",
        "variable": "given",
        "body": "hello",
    }

    described = bench.sagemaker.describe_endpoint(EndpointName=endpoint)
    assert described["EndpointStatus"] == "InService"
    assert described["EndpointArn"] == f"arn:aws:sagemaker:us-east-1:111122223333:endpoint/{endpoint}"
    (variant,) = described["ProductionVariants"]
    assert (variant["VariantName"], variant["CurrentWeight"], variant["CurrentInstanceCount"]) == ("AllTraffic", 1.0, 1)
    assert variant["DeployedImages"][0]["SpecifiedImage"] == IMAGE
    assert not {"Plan", "NextPlan"} & described.keys()
    until(lambda: bench.log_lines(f"/aws/sagemaker/Endpoints/{endpoint}", "AllTraffic/i-") == ["Serving"])


def test_a_deleted_endpoint_is_gone_with_its_process(bench: Workbench) -> None:
    endpoint = bench.endpoint()
    bench.delete(endpoint)
    with pytest.raises(ClientError) as missing:
        bench.sagemaker.describe_endpoint(EndpointName=endpoint)
    assert missing.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": f'Could not find endpoint "arn:aws:sagemaker:us-east-1:111122223333:endpoint/{endpoint}".',
    }
    with pytest.raises(ClientError) as refused:
        bench.invoke(endpoint)
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    assert refused.value.response["Error"]["Message"] == f"Endpoint {endpoint} of account 111122223333 not found."
    assert not (bench.cloud.data_dir / "sagemaker" / "endpoints" / endpoint).exists()


def test_bytes_that_are_not_an_image_cause_a_model_error(bench: Workbench) -> None:
    endpoint = bench.endpoint()
    with pytest.raises(bench.runtime.exceptions.ModelError) as refused:
        bench.invoke(endpoint, b"no image", "image/png")
    response = refused.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == 400
    assert response["OriginalMessage"] == "unable to evaluate payload provided"
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    assert response["LogStreamArn"].startswith(f"arn:aws:logs:us-east-1:111122223333:log-group:{group}:log-stream:All")
    assert response["Error"]["Message"] == (
        'Received client error (400) from primary with message "unable to evaluate payload provided". See '
        "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#logEventViewer:group="
        f"{group} in account 111122223333 for more information."
    )
    with pytest.raises(bench.runtime.exceptions.ModelError, match=r"Received server error \(500\) from primary"):
        bench.invoke(endpoint, b"fail")
    with pytest.raises(bench.runtime.exceptions.ModelError) as refused:
        bench.invoke(endpoint, b"fail at length")
    assert refused.value.response["OriginalMessage"] == "é" * 2048
    assert bench.invoke(endpoint, b"\x89PNG", "image/png")["Body"].read() == b"[0.9, 0.1]"


def test_a_crashed_model_server_is_restarted(bench: Workbench) -> None:
    endpoint = bench.endpoint()
    with pytest.raises(ClientError) as refused:
        bench.invoke(endpoint, b"crash")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert refused.value.response["Error"]["Code"] == "InternalFailure"

    def serves() -> bool:
        try:
            return bool(answered(bench.invoke(endpoint, b"back"))["body"] == "back")
        except ClientError:
            return False

    until(serves)


def test_a_connection_that_the_server_closed_does_not_fail_a_request(bench: Workbench) -> None:
    endpoint = bench.endpoint()
    for _ in range(3):
        assert answered(bench.invoke(endpoint, b"close soon"))["body"] == "close soon"


def test_traffic_is_split_by_weight_and_by_name(bench: Workbench) -> None:
    config = bench.config(bench.model("first"), bench.model("second"), weights=(1.0, 0.0))
    endpoint = bench.endpoint(config)
    drawn = {bench.invoke(endpoint)["InvokedProductionVariant"] for _ in range(20)}
    assert drawn == {"Variant-0"}
    response = bench.invoke(endpoint, TargetVariant="Variant-1")
    assert (response["InvokedProductionVariant"], answered(response)["model"]) == ("Variant-1", "second")
    with pytest.raises(ClientError, match="Variant-9"):
        bench.invoke(endpoint, TargetVariant="Variant-9")

    bench.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=endpoint,
        DesiredWeightsAndCapacities=[
            {"VariantName": "Variant-0", "DesiredWeight": 0},
            {"VariantName": "Variant-1", "DesiredWeight": 1},
        ],
    )
    assert {bench.invoke(endpoint)["InvokedProductionVariant"] for _ in range(20)} == {"Variant-1"}
    weights = [
        item["CurrentWeight"] for item in bench.sagemaker.describe_endpoint(EndpointName=endpoint)["ProductionVariants"]
    ]
    assert weights == [0.0, 1.0]

    other = bench.config(bench.model("first"), bench.model("second"), weights=(1.0, 0.0))
    bench.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=other, RetainAllVariantProperties=True)
    bench.in_service(endpoint)
    assert {bench.invoke(endpoint)["InvokedProductionVariant"] for _ in range(20)} == {"Variant-1"}


def test_an_update_does_not_fail_requests(bench: Workbench) -> None:
    endpoint = bench.endpoint(bench.config(bench.model("old")))
    reported: list[str] = []
    failures: list[Exception] = []
    enough = threading.Event()

    def ask() -> None:
        while not enough.is_set():
            try:
                reported.append(answered(bench.invoke(endpoint))["model"])
            except Exception as error:
                failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: reported)
        config = bench.config(bench.model("new"))
        bench.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
        with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
            bench.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
        bench.in_service(endpoint)
        count = len(reported)
        until(lambda: len(reported) > count + 20)
    finally:
        enough.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert reported[0] == "old"
    assert reported[-1] == "new"
    assert bench.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"] == config


def test_a_failed_update_leaves_the_old_configuration_serving(bench: Workbench) -> None:
    config = bench.config(bench.model("old"))
    endpoint = bench.endpoint(config)
    broken = bench.config(bench.model("new", {"TEST_BROKEN": "yes"}))
    bench.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=broken)
    bench.in_service(endpoint)
    described = bench.sagemaker.describe_endpoint(EndpointName=endpoint)
    assert described["EndpointConfigName"] == config
    assert "did not pass the ping health check" in described["FailureReason"]
    assert answered(bench.invoke(endpoint))["model"] == "old"


def test_a_server_that_never_gets_healthy_fails_its_endpoint(bench: Workbench) -> None:
    endpoint = bench.endpoint(bench.config(bench.model("x", {"TEST_BROKEN": "yes"})), wait=False)
    with pytest.raises(WaiterError):
        bench.in_service(endpoint)
    described = bench.sagemaker.describe_endpoint(EndpointName=endpoint)
    assert (described["EndpointStatus"], described["FailureReason"]) == (
        "Failed",
        "The primary container for production variant AllTraffic did not pass the ping health check. "
        "Please check CloudWatch logs for this endpoint.",
    )
    assert "The model is broken" in bench.log_lines(f"/aws/sagemaker/Endpoints/{endpoint}", "AllTraffic/")
    with pytest.raises(ClientError, match="its status is Failed"):
        bench.invoke(endpoint)
    bench.delete(endpoint)


@pytest.mark.parametrize("replacement", [None, b"no archive"])
def test_deleted_or_damaged_model_data_fails_the_endpoint(bench: Workbench, replacement: bytes | None) -> None:
    model = bench.model()
    key = f"data/{model}/model.tar.gz"
    if replacement is None:
        bench.s3.delete_object(Bucket=bench.bucket, Key=key)
    else:
        bench.put(key, replacement)
    endpoint = bench.endpoint(bench.config(model), wait=False)
    until(lambda: bench.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "Failed")
    reason = bench.sagemaker.describe_endpoint(EndpointName=endpoint)["FailureReason"]
    assert f"s3://{bench.bucket}/{key}" in reason


def test_endpoints_are_independent_and_listed(bench: Workbench) -> None:
    prefix = bench.name("several")
    names = [f"{prefix}-{letter}" for letter in "abc"]
    for name in names:
        bench.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=bench.config(bench.model(name)))
    for name in names:
        bench.in_service(name)
    assert [answered(bench.invoke(name))["model"] for name in names] == names
    pages = bench.sagemaker.get_paginator("list_endpoints").paginate(
        NameContains=prefix,
        StatusEquals="InService",
        SortBy="Name",
        SortOrder="Ascending",
        PaginationConfig={"PageSize": 2},
    )
    assert [item["EndpointName"] for page in pages for item in page["Endpoints"]] == names
    for name in names:
        bench.delete(name)


def test_models_and_configurations_exist_independently_of_endpoints(bench: Workbench) -> None:
    model = bench.model("kept")
    config = bench.config(model)
    arn = f"arn:aws:sagemaker:us-east-1:111122223333:model/{model}"
    described = bench.sagemaker.describe_model(ModelName=model)
    assert (described["ModelArn"], described["ExecutionRoleArn"]) == (arn, ROLE)
    assert [item["ModelName"] for item in bench.sagemaker.list_models(NameContains=model)["Models"]] == [model]
    with pytest.raises(ClientError, match="Cannot create already existing model"):
        bench.sagemaker.create_model(
            ModelName=model, PrimaryContainer=described["PrimaryContainer"], ExecutionRoleArn=ROLE
        )
    with pytest.raises(ClientError, match="Cannot create already existing endpoint configuration"):
        bench.sagemaker.create_endpoint_config(
            EndpointConfigName=config,
            ProductionVariants=bench.sagemaker.describe_endpoint_config(EndpointConfigName=config)[
                "ProductionVariants"
            ],
        )
    endpoint = bench.endpoint(config)
    bench.sagemaker.delete_endpoint_config(EndpointConfigName=config)
    bench.sagemaker.delete_model(ModelName=model)
    for delete in (
        lambda: bench.sagemaker.delete_model(ModelName=model),
        lambda: bench.sagemaker.delete_endpoint_config(EndpointConfigName=config),
        lambda: bench.sagemaker.create_endpoint(EndpointName="x", EndpointConfigName=config),
    ):
        with pytest.raises(ClientError, match="Could not find"):
            delete()
    assert answered(bench.invoke(endpoint))["model"] == "kept"
    with pytest.raises(ClientError, match="Cannot create already existing endpoint"):
        bench.sagemaker.create_endpoint(EndpointName=endpoint, EndpointConfigName=bench.config(bench.model()))


def test_missing_model_data_is_rejected(bench: Workbench) -> None:
    uri = f"s3://{bench.bucket}/missing/model.tar.gz"
    with pytest.raises(ClientError, match="Could not access model data at s3://"):
        bench.sagemaker.create_model(
            ModelName=bench.name("model"),
            PrimaryContainer={"Image": IMAGE, "ModelDataUrl": uri},
            ExecutionRoleArn=ROLE,
        )


def test_tags_follow_their_resource(bench: Workbench) -> None:
    model = bench.model()
    arn = bench.sagemaker.describe_model(ModelName=model)["ModelArn"]
    assert bench.sagemaker.list_tags(ResourceArn=arn)["Tags"] == []
    bench.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "a"}, {"Key": "cost", "Value": "1"}])
    bench.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "b"}])
    bench.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["cost"])
    assert bench.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "b"}]
    bench.sagemaker.delete_model(ModelName=model)
    with pytest.raises(ClientError, match="Could not find"):
        bench.sagemaker.list_tags(ResourceArn=arn)


def test_a_target_model_is_rejected_in_the_words_of_aws(bench: Workbench) -> None:
    endpoint = bench.endpoint()
    with pytest.raises(ClientError) as refused:
        bench.invoke(endpoint, TargetModel="a.tar.gz")
    assert refused.value.response["Error"] == {
        "Code": "ValidationError",
        "Message": f"Endpoint {endpoint} is not a multi-model endpoint and does not support target model header.",
    }


def test_a_body_longer_than_the_limit_of_aws_is_rejected(bench: Workbench) -> None:
    endpoint = bench.endpoint()
    with pytest.raises(ClientError) as refused:
        bench.invoke(endpoint, bytes(6_291_457), "text/plain")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


@pytest.mark.parametrize("size", [6_291_457, 300 << 20])
def test_a_response_longer_than_the_limit_of_aws_is_a_model_error(bench: Workbench, size: int) -> None:
    endpoint = bench.endpoint()
    with pytest.raises(bench.runtime.exceptions.ModelError, match="The response is larger than 6291456 bytes"):
        bench.invoke(endpoint, f"bytes {size}".encode(), "text/plain")
    assert len(bench.invoke(endpoint, b"bytes 6291456", "text/plain")["Body"].read()) == 6_291_456


def test_deleting_an_endpoint_that_is_being_created_ends_it(bench: Workbench) -> None:
    endpoint = bench.endpoint(wait=False)
    bench.sagemaker.delete_endpoint(EndpointName=endpoint)
    bench.sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=endpoint, WaiterConfig=QUICK)


def test_a_model_has_one_container_or_a_list(bench: Workbench) -> None:
    with pytest.raises(ClientError, match="either PrimaryContainer or Containers"):
        bench.sagemaker.create_model(
            ModelName="both", ExecutionRoleArn=ROLE, PrimaryContainer={}, Containers=[{"Image": IMAGE}]
        )

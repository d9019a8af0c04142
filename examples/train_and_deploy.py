"""Train a model with SageMaker's XGBoost, deploy it to an endpoint, and ask it: boto3 only, on a local cloud.

    pip install --editable '.[frameworks]'
    python examples/train_and_deploy.py

The model learns that a number above 50 has label 1. After about ten seconds it prints:

    training: Completed
    endpoint: InService
    10 -> 0
    90 -> 1
"""

from typing import Any

from scones.testing import LocalCloud

ROLE = "arn:aws:iam::111122223333:role/example"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
ROWS = "\n".join(f"{int(number > 50)},{number}" for number in range(100))  # CSV: label, feature
SOON = {"Delay": 1, "MaxAttempts": 300}


def train(sagemaker: Any) -> str:
    """Train on s3://data/train/, and return the S3 URI of model.tar.gz."""
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/train/"}}
    sagemaker.create_training_job(
        TrainingJobName="above-50",
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        HyperParameters={"objective": "binary:logistic", "num_round": "10"},
        InputDataConfig=[{"ChannelName": "train", "ContentType": "text/csv", "DataSource": source}],
        OutputDataConfig={"S3OutputPath": "s3://data/models"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
        RoleArn=ROLE,
    )
    sagemaker.get_waiter("training_job_completed_or_stopped").wait(TrainingJobName="above-50", WaiterConfig=SOON)
    job = sagemaker.describe_training_job(TrainingJobName="above-50")
    print("training:", job["TrainingJobStatus"])
    model: str = job["ModelArtifacts"]["S3ModelArtifacts"]
    return model


def deploy(sagemaker: Any, model_data: str) -> None:
    """Create the endpoint `above-50`, and wait until it is in service."""
    container = {"Image": IMAGE, "ModelDataUrl": model_data}
    sagemaker.create_model(ModelName="above-50", PrimaryContainer=container, ExecutionRoleArn=ROLE)
    variant = {
        "VariantName": "all",
        "ModelName": "above-50",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    sagemaker.create_endpoint_config(EndpointConfigName="above-50", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="above-50", EndpointConfigName="above-50")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="above-50", WaiterConfig=SOON)
    print("endpoint:", sagemaker.describe_endpoint(EndpointName="above-50")["EndpointStatus"])


def main() -> None:
    """Upload the rows, train, deploy, and print two predictions."""
    with LocalCloud() as cloud:
        s3, sagemaker, runtime = (cloud.client(service) for service in ("s3", "sagemaker", "sagemaker-runtime"))
        s3.create_bucket(Bucket="data")
        s3.put_object(Bucket="data", Key="train/rows.csv", Body=ROWS)
        deploy(sagemaker, train(sagemaker))
        for number in (10, 90):
            response = runtime.invoke_endpoint(EndpointName="above-50", ContentType="text/csv", Body=str(number))
            print(number, "->", round(float(response["Body"].read())))


if __name__ == "__main__":
    main()

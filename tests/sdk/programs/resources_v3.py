"""Train, process, transform, serve and list with resource objects: sagemaker-core of SageMaker SDK v3."""

import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from botocore.exceptions import ClientError
from results import report
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.resources import (
    Endpoint,
    EndpointConfig,
    Model,
    ModelPackage,
    ModelPackageGroup,
    ProcessingJob,
    TrainingJob,
    TransformJob,
)
from sagemaker.core.shapes import (
    AlgorithmSpecification,
    AppSpecification,
    Channel,
    ContainerDefinition,
    DataSource,
    OutputDataConfig,
    ProcessingClusterConfig,
    ProcessingOutput,
    ProcessingOutputConfig,
    ProcessingResources,
    ProcessingS3Output,
    ProductionVariant,
    ResourceConfig,
    S3DataSource,
    StoppingCondition,
    TransformDataSource,
    TransformInput,
    TransformOutput,
    TransformResources,
    TransformS3DataSource,
)

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
INFERENCE = """
import json


def model_fn(model_dir):
    return 2


def input_fn(body, content_type):
    return [float(line) for line in body.split()]


def predict_fn(rows, factor):
    return [value * factor for value in rows]


def output_fn(prediction, accept):
    return "".join(f"{value}\\n" for value in prediction), "text/csv"
"""
TRAIN = "import os, pathlib; print('lr=' + os.environ['SM_HP_LR']); pathlib.Path('/opt/ml/model/m.txt').write_text('m')"

Path("inference.py").write_text(INFERENCE)
Path("train.py").write_text(TRAIN)
Path("rows.csv").write_text("1\n2\n3\n")
for name, source, location in (("model", "inference.py", "code/inference.py"), ("source", "train.py", "train.py")):
    with tarfile.open(f"{name}.tar.gz", "w:gz") as tar:
        tar.add(source, location)

session = Session()
role = get_execution_role()
bucket = session.default_bucket()
location = f"s3://{bucket}/resources-v3"
for file in ("model.tar.gz", "source.tar.gz", "rows.csv"):
    session.upload_data(file, bucket, "resources-v3/input")


def train():
    job = TrainingJob.create(
        training_job_name="resources-v3-train",
        algorithm_specification=AlgorithmSpecification(training_image=IMAGE, training_input_mode="File"),
        hyper_parameters={
            "lr": "0.5",
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": f"{location}/input/source.tar.gz",
        },
        role_arn=role,
        input_data_config=[
            Channel(
                channel_name="train",
                data_source=DataSource(
                    s3_data_source=S3DataSource(s3_data_type="S3Prefix", s3_uri=f"{location}/input/rows.csv")
                ),
            )
        ],
        output_data_config=OutputDataConfig(s3_output_path=f"{location}/models"),
        resource_config=ResourceConfig(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=30),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=600),
    )
    job.wait(poll=1, logs=True)
    again = TrainingJob.get("resources-v3-train")
    report("trained", [again.training_job_status, again.model_artifacts.s3_model_artifacts.rpartition("/")[2]])
    listed = TrainingJob.get_all(name_contains="resources-v3", status_equals="Completed")
    report("listed", [each.training_job_name for each in listed])


def process():
    job = ProcessingJob.create(
        processing_job_name="resources-v3-process",
        processing_resources=ProcessingResources(
            cluster_config=ProcessingClusterConfig(instance_count=1, instance_type="ml.m5.large", volume_size_in_gb=30)
        ),
        app_specification=AppSpecification(
            image_uri=IMAGE,
            container_entrypoint=["/bin/bash"],
            container_arguments=["-c", "echo made >/opt/ml/processing/out/made.txt"],
        ),
        role_arn=role,
        processing_output_config=ProcessingOutputConfig(
            outputs=[
                ProcessingOutput(
                    output_name="out",
                    s3_output=ProcessingS3Output(
                        s3_uri=f"{location}/processed", local_path="/opt/ml/processing/out", s3_upload_mode="EndOfJob"
                    ),
                )
            ]
        ),
    )
    job.wait(poll=1)
    made = session.read_s3_file(bucket, "resources-v3/processed/made.txt")
    report("processed", [job.refresh().processing_job_status, made.strip()])


def transform(model):
    job = TransformJob.create(
        transform_job_name="resources-v3-transform",
        model_name=model.model_name,
        transform_input=TransformInput(
            data_source=TransformDataSource(
                s3_data_source=TransformS3DataSource(s3_data_type="S3Prefix", s3_uri=f"{location}/input/rows.csv")
            ),
            content_type="text/csv",
            split_type="Line",
        ),
        transform_output=TransformOutput(s3_output_path=f"{location}/transformed", assemble_with="Line"),
        transform_resources=TransformResources(instance_type="ml.m5.large", instance_count=1),
    )
    job.wait(poll=1)
    answers = session.read_s3_file(bucket, "resources-v3/transformed/rows.csv.out").split()
    report("transformed", [job.refresh().transform_job_status, answers])


def serve(model):
    EndpointConfig.create(
        endpoint_config_name="resources-v3",
        production_variants=[
            ProductionVariant(
                variant_name="all",
                model_name=model.model_name,
                initial_instance_count=1,
                instance_type="ml.m5.large",
                initial_variant_weight=1.0,
            )
        ],
    )
    endpoint = Endpoint.create(endpoint_name="resources-v3", endpoint_config_name="resources-v3")
    endpoint.wait_for_status("InService", poll=1)
    answer = endpoint.invoke(body="4\n5\n", content_type="text/csv")
    report("answer", [answer.body.read().decode().split(), answer.content_type])
    endpoint.delete()
    endpoint.wait_for_delete(poll=1)
    try:
        Endpoint.get("resources-v3")
    except ClientError as error:
        report("deleted endpoint", error.response["Error"]["Message"])


def register():
    group = ModelPackageGroup.create(model_package_group_name="resources-v3")
    client = session.sagemaker_client  # ModelPackage cannot create one with a specification, or delete a version
    made = client.create_model_package(
        ModelPackageGroupName="resources-v3",
        InferenceSpecification={
            "Containers": [{"Image": IMAGE, "ModelDataUrl": f"{location}/input/model.tar.gz"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )
    package = ModelPackage.get(made["ModelPackageArn"])
    package.update(model_approval_status="Approved")
    report("registered", ModelPackage.get(package.model_package_arn).model_approval_status)
    client.delete_model_package(ModelPackageName=package.model_package_arn)
    group.delete()
    left = [each.model_package_group_name for each in ModelPackageGroup.get_all(name_contains="resources-v3")]
    report("groups left", left)


container = ContainerDefinition(
    image=IMAGE,
    model_data_url=f"{location}/input/model.tar.gz",
    environment={"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"},
)
model = Model.create(model_name="resources-v3", primary_container=container, execution_role_arn=role)
with ThreadPoolExecutor() as pool:
    jobs = [pool.submit(each) for each in (train, process, register)]
    jobs += [pool.submit(each, model) for each in (transform, serve)]
    for done in jobs:
        done.result()

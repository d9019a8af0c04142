"""Register a model, deploy its package, capture its traffic, and manage the endpoint: SageMaker SDK v2."""

import json
import tarfile
import time
from pathlib import Path

import boto3
import sagemaker
from results import report
from sagemaker.deserializers import JSONDeserializer
from sagemaker.image_uris import retrieve
from sagemaker.model import ModelPackage
from sagemaker.model_monitor import DataCaptureConfig
from sagemaker.predictor import Predictor
from sagemaker.s3 import S3Downloader, S3Uploader
from sagemaker.serializers import JSONSerializer
from sagemaker.sklearn import SKLearnModel

INFERENCE = """
import json
import os


def model_fn(model_dir):
    with open(os.path.join(model_dir, "factor.json")) as file:
        return json.load(file)["factor"]


def input_fn(body, content_type):
    return json.loads(body)


def predict_fn(rows, factor):
    return [value * factor for value in rows]


def output_fn(prediction, accept):
    return json.dumps(prediction), "application/json"
"""

Path("inference.py").write_text(INFERENCE)
Path("factor.json").write_text(json.dumps({"factor": 3}))
with tarfile.open("model.tar.gz", "w:gz") as tar:
    tar.add("factor.json")

session = sagemaker.Session()
sagemaker_client = boto3.client("sagemaker")
role = sagemaker.get_execution_role()
location = f"s3://{session.default_bucket()}/registry-v2"
data = S3Uploader.upload("model.tar.gz", f"{location}/model", sagemaker_session=session)


def in_service(name):
    while session.describe_endpoint(name)["EndpointStatus"] == "Creating":
        time.sleep(0.1)


model = SKLearnModel(
    model_data=data,
    role=role,
    entry_point="inference.py",
    framework_version="1.2-1",
    sagemaker_session=session,
)
registered = [
    model.register(
        content_types=["application/json"],
        response_types=["application/json"],
        inference_instances=["ml.m5.large"],
        transform_instances=["ml.m5.large"],
        model_package_group_name="Factors",
        approval_status="PendingManualApproval",
        customer_metadata_properties={"factor": "3"},
    )
    for _ in range(2)
]
report("registered", [each.model_package_arn.partition("/")[2] for each in registered])
(group,) = sagemaker_client.list_model_package_groups(NameContains="Factors")["ModelPackageGroupSummaryList"]
report("group", [group["ModelPackageGroupName"], group["ModelPackageGroupStatus"]])

package = ModelPackage(role=role, model_package_arn=registered[-1].model_package_arn, sagemaker_session=session)
package.update_customer_metadata({"owner": "tests"})
capture = DataCaptureConfig(
    enable_capture=True,
    sampling_percentage=100,
    destination_s3_uri=f"{location}/captured",
    sagemaker_session=session,
)
package.deploy(1, "ml.m5.large", endpoint_name="factors", data_capture_config=capture, wait=False)
in_service("factors")
described = sagemaker_client.describe_model_package(ModelPackageName=package.model_package_arn)
report("package", [described["ModelApprovalStatus"], described["CustomerMetadataProperties"]])
approved = session.get_most_recently_created_approved_model_package("Factors")
report("approved", approved.model_package_arn.partition("/")[2])

predictor = Predictor(
    "factors", sagemaker_session=session, serializer=JSONSerializer(), deserializer=JSONDeserializer()
)
report("prediction", predictor.predict([1, 2]))
while not (files := S3Downloader.list(f"{location}/captured", sagemaker_session=session)):
    time.sleep(0.1)
record = json.loads(S3Downloader.read_file(files[0], sagemaker_session=session).splitlines()[0])
report("captured", [record["captureData"][side]["data"] for side in ("endpointInput", "endpointOutput")])

predictor.update_data_capture_config(
    DataCaptureConfig(enable_capture=True, sampling_percentage=50, sagemaker_session=session)
)
config = sagemaker_client.describe_endpoint_config(
    EndpointConfigName=session.describe_endpoint("factors")["EndpointConfigName"]
)
report("sampling percentage", config["DataCaptureConfig"]["InitialSamplingPercentage"])
report("updated", [session.describe_endpoint("factors")["EndpointStatus"], predictor.predict([5])])
predictor.delete_model()
predictor.delete_endpoint()
report("image", retrieve("xgboost", "eu-west-1", version="1.7-1"))

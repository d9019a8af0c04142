"""A lesson's last exercise: a state machine runs a processing job, and a function reads the job's output."""

import io
import json
import time
import zipfile
from pathlib import Path

import boto3
import sagemaker
from results import report

SCRIPT = """
from pathlib import Path

reviews = Path("/opt/ml/processing/input/reviews.txt").read_text().splitlines()
sentences = [f"{line.split()[0]} {part}" for line in reviews for part in line.split(maxsplit=1)[1].split(". ")]
Path("/opt/ml/processing/output/sentences.txt").write_text("\\n".join(sentences))
"""
FUNCTION = """
import boto3


def lambda_handler(event, context):
    body = boto3.client("s3").get_object(Bucket=event["bucket"], Key=event["key"])["Body"].read().decode()
    return {"statusCode": 200, "sentences": len(body.splitlines())}
"""

session = sagemaker.Session()
role = sagemaker.get_execution_role()
bucket = session.default_bucket()
Path("reviews.txt").write_text("__label__1 Fits well. I like it\n__label__2 Broke at once\n")
Path("split.py").write_text(SCRIPT)
for name in ("reviews.txt", "split.py"):
    session.upload_data(name, bucket, "lesson")

zipped = io.BytesIO()
with zipfile.ZipFile(zipped, "w") as archive:
    archive.writestr("lambda_function.py", FUNCTION)
function = boto3.client("lambda").create_function(
    FunctionName="count-sentences",
    Runtime="python3.11",
    Role=role,
    Handler="lambda_function.lambda_handler",
    Code={"ZipFile": zipped.getvalue()},
)["FunctionArn"]
boto3.client("lambda").get_waiter("function_active_v2").wait(FunctionName="count-sentences")


def given(name, uri):
    location = {
        "S3Uri": uri,
        "LocalPath": f"/opt/ml/processing/{name}",
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
    }
    return {"InputName": name, "S3Input": location}


left = {"S3Uri": f"s3://{bucket}/lesson/out", "LocalPath": "/opt/ml/processing/output", "S3UploadMode": "EndOfJob"}
processing = {
    "ProcessingJobName.$": "$.job",
    "RoleArn": role,
    "AppSpecification": {
        "ImageUri": sagemaker.image_uris.retrieve("sklearn", session.boto_region_name, "0.20.0"),
        "ContainerEntrypoint": ["python3", "/opt/ml/processing/code/split.py"],
    },
    "ProcessingInputs": [
        given("input", f"s3://{bucket}/lesson/reviews.txt"),
        given("code", f"s3://{bucket}/lesson/split.py"),
    ],
    "ProcessingOutputConfig": {"Outputs": [{"OutputName": "sentences", "S3Output": left}]},
    "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30}},
}
definition = {
    "StartAt": "Process",
    "States": {
        "Process": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync",
            "Parameters": processing,
            "ResultPath": "$.processed",
            "Next": "Count",
        },
        "Count": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {
                "FunctionName": function,
                "Payload": {"bucket": bucket, "key": "lesson/out/sentences.txt"},
            },
            "OutputPath": "$.Payload",
            "End": True,
        },
    },
}
states = boto3.client("stepfunctions")
machine = states.create_state_machine(name="lesson", definition=json.dumps(definition), roleArn=role)
started = states.start_execution(stateMachineArn=machine["stateMachineArn"], input=json.dumps({"job": "lesson-split"}))
while (execution := states.describe_execution(executionArn=started["executionArn"]))["status"] == "RUNNING":
    time.sleep(0.2)
report("execution", [execution["status"], execution.get("output") or execution.get("cause")])
job = boto3.client("sagemaker").describe_processing_job(ProcessingJobName="lesson-split")
report("processing job", job["ProcessingJobStatus"])

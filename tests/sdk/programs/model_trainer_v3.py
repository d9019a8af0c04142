"""Train with a script and its requirements, and serve it: SageMaker SDK v3's ModelTrainer and ModelBuilder."""

import json
import time
from pathlib import Path

from results import report
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.training.configs import SourceCode
from sagemaker.serve import ModelBuilder
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData
from sagemaker.train.distributed import Torchrun

TRAIN = """
import argparse
import os
import pathlib

import torch.distributed as dist

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int)
args = parser.parse_args()
dist.init_process_group("gloo")
rows = pathlib.Path(os.environ["SM_CHANNEL_TRAIN"], "rows.csv").read_text().splitlines()
print(f"epochs={args.epochs} rows={len(rows)} rank={dist.get_rank()} of {dist.get_world_size()}")
if dist.get_rank() == 0:
    pathlib.Path(os.environ["SM_MODEL_DIR"], "rows.txt").write_text(str(len(rows)))
"""
INFERENCE = """
import json
import pathlib


def model_fn(model_dir):
    return int(pathlib.Path(model_dir, "rows.txt").read_text())


def input_fn(body, content_type):
    return json.loads(body)


def predict_fn(data, model):
    return {"rows": model, "given": data}


def output_fn(prediction, accept):
    return json.dumps(prediction)
"""

Path("source").mkdir()
Path("source/train.py").write_text(TRAIN)
Path("source/inference.py").write_text(INFERENCE)
Path("source/requirements.txt").write_text("numpy\n")
Path("rows.csv").write_text("1,2\n3,4\n")

session = Session()
trainer = ModelTrainer(
    training_image="763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.3-cpu-py311",
    source_code=SourceCode(source_dir="source", entry_script="train.py", requirements="requirements.txt"),
    compute=Compute(instance_type="ml.m5.large", instance_count=2),
    distributed=Torchrun(),
    hyperparameters={"epochs": 3},
    role=get_execution_role(),
    base_job_name="v3-script",
)
data = session.upload_data("rows.csv", session.default_bucket(), "v3/train")
trainer.train(input_data_config=[InputData(channel_name="train", data_source=data)])
job = trainer._latest_training_job
report("training job", job.training_job_status)
stream = session.boto_session.client("logs").filter_log_events(
    logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=job.training_job_name
)
print("\n".join(event["message"] for event in stream["events"]))

builder = ModelBuilder(
    image_uri="763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.3-cpu-py311",
    s3_model_data_url=job.model_artifacts.s3_model_artifacts,
    source_code=SourceCode(source_dir="source", entry_script="inference.py"),
    role_arn=get_execution_role(),
    instance_type="ml.m5.large",
)
builder.build()
endpoint = builder.deploy(endpoint_name="v3-endpoint", wait=False)
while endpoint.refresh().endpoint_status == "Creating":
    time.sleep(0.1)
answer = endpoint.invoke(body=json.dumps([1, 2]), content_type="application/json")
report("answer", json.loads(answer.body.read()))
endpoint.delete()

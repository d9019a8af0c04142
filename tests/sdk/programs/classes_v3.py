"""Run the built-in algorithm, processors, a tuner and the registry in parallel: SageMaker SDK v3's classes."""

import json
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image
from results import report
from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.parameter import CategoricalParameter, ContinuousParameter
from sagemaker.core.processing import FrameworkProcessor, ScriptProcessor
from sagemaker.core.resources import ModelPackage
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.training.configs import SourceCode
from sagemaker.core.transformer import Transformer
from sagemaker.serve import ModelBuilder
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData
from sagemaker.train.tuner import HyperparameterTuner

SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
TUNE = """
import argparse
import os
import pathlib

parser = argparse.ArgumentParser()
parser.add_argument("--rate", type=float)
parser.add_argument("--kind")
args = parser.parse_args()
print(f"score={args.rate:.4f};")
pathlib.Path(os.environ["SM_MODEL_DIR"], "rate.txt").write_text(str(args.rate))
"""
COUNT = """
import pathlib
import sys

rows = pathlib.Path("/opt/ml/processing/input/rows.csv").read_text().splitlines()
pathlib.Path("/opt/ml/processing/output/count.txt").write_text(f"{sys.argv[1]} {len(rows)}")
"""
INFERENCE = """
import json


def model_fn(model_dir):
    return 10


def input_fn(body, content_type):
    return [float(value) for value in body.split()]


def predict_fn(rows, factor):
    return [value * factor for value in rows]


def output_fn(prediction, accept):
    return json.dumps(prediction), "application/json"
"""

Path("tune").mkdir()
Path("tune/tune.py").write_text(TUNE)
Path("project").mkdir()
Path("project/count.py").write_text(COUNT)
Path("model/code").mkdir(parents=True)
Path("model/code/inference.py").write_text(INFERENCE)
Path("rows.csv").write_text("1\n2\n3\n")
with tarfile.open("model.tar.gz", "w:gz") as tar:
    tar.add("model/code", "code")

session = Session()
role = get_execution_role()
bucket = session.default_bucket()
location = f"s3://{bucket}/classes-v3"
rows = session.upload_data("rows.csv", bucket, "classes-v3/rows")
model_data = session.upload_data("model.tar.gz", bucket, "classes-v3/model")


def builtin():
    """Train image-classification on images whose class is the half, top or bottom, that is bright."""
    lines = []
    Path("pictures").mkdir()
    for index in range(40):
        pixels = np.random.default_rng(index).integers(0, 120, (32, 32, 3), dtype=np.uint8)
        pixels[(index % 2) * 16 :][:16] += 130
        Image.fromarray(pixels).save(f"pictures/{index}.png")
        lines.append(f"{index}\t{index % 2}\t{index}.png\n")
    Path("pictures.lst").write_text("".join(lines))
    images = session.upload_data("pictures", bucket, "classes-v3/pictures")
    listed = session.upload_data("pictures.lst", bucket, "classes-v3/list")
    channels = {"train": images, "validation": images, "train_lst": listed, "validation_lst": listed}
    trainer = ModelTrainer(
        training_image=image_uris.retrieve("image-classification", session.boto_region_name),
        compute=Compute(instance_type="ml.p3.2xlarge", instance_count=1),
        hyperparameters={
            "image_shape": "3,32,32",
            "num_classes": 2,
            "num_training_samples": 40,
            "epochs": 2,
            "mini_batch_size": 10,
        },
        role=role,
        base_job_name="builtin",
    )
    inputs = [
        InputData(channel_name=name, data_source=uri, content_type="application/x-image")
        for name, uri in channels.items()
    ]
    trainer.train(input_data_config=inputs, logs=False)
    job = trainer._latest_training_job
    metrics = sorted(metric.metric_name for metric in job.final_metric_data_list)
    report("built-in", [job.training_job_status, metrics])


def process():
    sizes = {"instance_type": "ml.m5.large", "instance_count": 1, "role": role, "sagemaker_session": session}
    inputs = [
        ProcessingInput(
            input_name="rows",
            s3_input=ProcessingS3Input(
                s3_uri=rows, local_path="/opt/ml/processing/input", s3_data_type="S3Prefix", s3_input_mode="File"
            ),
        )
    ]

    def outputs(name):
        output = ProcessingS3Output(
            s3_uri=f"{location}/{name}", local_path="/opt/ml/processing/output", s3_upload_mode="EndOfJob"
        )
        return [ProcessingOutput(output_name="count", s3_output=output)]

    script = ScriptProcessor(image_uri=SKLEARN, command=["python3"], base_job_name="script", **sizes)
    script.run("project/count.py", inputs, outputs("script"), ["script"], wait=False)
    framework = FrameworkProcessor(image_uri=SKLEARN, command=["python3"], base_job_name="framework", **sizes)
    framework.run(
        "count.py",
        source_dir="project",
        inputs=inputs,
        outputs=outputs("framework"),
        arguments=["framework"],
        wait=False,
    )
    for processor, name in ((script, "script"), (framework, "framework")):
        processor.latest_job.wait(poll=1)
        report(f"{name} processor", session.read_s3_file(bucket, f"classes-v3/{name}/count.txt"))


def tune():
    trainer = ModelTrainer(
        training_image=SKLEARN,
        source_code=SourceCode(source_dir="tune", entry_script="tune.py"),
        compute=Compute(instance_type="ml.m5.large", instance_count=1),
        hyperparameters={"rate": 0.1, "kind": "plain"},
        role=role,
        base_job_name="tune",
    )
    tuner = HyperparameterTuner(
        trainer,
        "score",
        {"rate": ContinuousParameter(0.1, 0.9), "kind": CategoricalParameter(["plain", "other"])},
        [{"Name": "score", "Regex": "score=([0-9.]+);"}],
        strategy="Random",
        max_jobs=2,
        max_parallel_jobs=2,
    )
    tuner.tune(wait=False)
    while tuner.describe().hyper_parameter_tuning_job_status == "InProgress":
        time.sleep(0.5)
    described = tuner.describe()
    report("tuning", [described.hyper_parameter_tuning_job_status, described.training_job_status_counters.completed])
    best = described.best_training_job
    report("best", [best.training_job_name, best.final_hyper_parameter_tuning_job_objective_metric.value])
    report("best by the tuner", tuner.best_training_job())


def register():
    builder = ModelBuilder(
        image_uri=SKLEARN,
        s3_model_data_url=model_data,
        env_vars={"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"},
        role_arn=role,
        instance_type="ml.m5.large",
    )
    model = builder.build(model_name="classes-v3")
    builder.register(
        model_package_group_name="classes-v3",
        content_types=["text/csv"],
        response_types=["application/json"],
        inference_instances=["ml.m5.large"],
        transform_instances=["ml.m5.large"],
        approval_status="Approved",
    )
    client = session.sagemaker_client
    (version,) = client.list_model_packages(ModelPackageGroupName="classes-v3")["ModelPackageSummaryList"]
    report("registered", ModelPackage.get(version["ModelPackageArn"]).model_approval_status)
    transformer = Transformer(
        model.model_name, 1, "ml.m5.large", output_path=f"{location}/transformed", sagemaker_session=session
    )
    transformer.transform(rows, content_type="text/csv", wait=False)
    transformer.latest_transform_job.wait(poll=1)
    report("transformed", json.loads(session.read_s3_file(bucket, "classes-v3/transformed/rows.csv.out")))


with ThreadPoolExecutor() as pool:
    jobs = [pool.submit(each) for each in (builtin, process, tune, register)]
for done in jobs:
    done.result()

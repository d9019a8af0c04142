"""Prepare data with scripts in parallel: SDK v2's SKLearnProcessor, ScriptProcessor and FrameworkProcessor."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sagemaker
from results import report
from sagemaker.exceptions import UnexpectedStatusException
from sagemaker.processing import FrameworkProcessor, ProcessingInput, ProcessingOutput, ScriptProcessor
from sagemaker.s3 import S3Downloader, S3Uploader
from sagemaker.sklearn.estimator import SKLearn
from sagemaker.sklearn.processing import SKLearnProcessor

SPLIT = """
import argparse
import os

import pandas as pd
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--train-test-split-ratio", type=float, default=0.3)
args, _ = parser.parse_known_args()
rows = pd.read_csv(os.path.join("/opt/ml/processing/input", "rows.csv"), header=None)
train, test = train_test_split(rows, test_size=args.train_test_split_ratio, random_state=0)
print(f"{len(train)} rows to train with, {len(test)} to test with")
train.to_csv("/opt/ml/processing/train/train.csv", header=False, index=False)
test.to_csv("/opt/ml/processing/test/test.csv", header=False, index=False)
"""
EVALUATE = """
import json
import os
import pathlib

import local_rules

pathlib.Path("/opt/ml/processing/evaluation").mkdir(parents=True, exist_ok=True)
report = {"answer": local_rules.ANSWER, "variable": os.environ["STAGE"]}
pathlib.Path("/opt/ml/processing/evaluation/evaluation.json").write_text(json.dumps(report))
"""

Path("split.py").write_text(SPLIT)
Path("fail.py").write_text("import sys\nprint('nothing to read')\nsys.exit(3)\n")
Path("project").mkdir()
Path("project/evaluate.py").write_text(EVALUATE)
Path("project/requirements.txt").write_text("numpy\n")
Path("project/local_rules.py").write_text("ANSWER = 42\n")
Path("rows.csv").write_text("".join(f"{index},{index * 2}\n" for index in range(100)))

session = sagemaker.Session()
role = sagemaker.get_execution_role()
location = f"s3://{session.default_bucket()}/processing-v2"
rows = S3Uploader.upload("rows.csv", f"{location}/input", sagemaker_session=session)
sizes = {"instance_type": "ml.m5.xlarge", "instance_count": 1, "role": role, "sagemaker_session": session}


def split():
    processor = SKLearnProcessor(framework_version="1.2-1", base_job_name="split", **sizes)
    processor.run(
        code="split.py",
        inputs=[ProcessingInput(source=rows, destination="/opt/ml/processing/input")],
        outputs=[
            ProcessingOutput(output_name="train_data", source="/opt/ml/processing/train"),
            ProcessingOutput(output_name="test_data", source="/opt/ml/processing/test", destination=f"{location}/test"),
        ],
        arguments=["--train-test-split-ratio", "0.2"],
    )
    described = processor.jobs[-1].describe()
    outputs = {each["OutputName"]: each["S3Output"]["S3Uri"] for each in described["ProcessingOutputConfig"]["Outputs"]}
    for name, uri in sorted(outputs.items()):
        (file,) = S3Downloader.list(uri, sagemaker_session=session)
        report(name, len(S3Downloader.read_file(file, sagemaker_session=session).splitlines()))


def evaluate():
    processor = FrameworkProcessor(
        estimator_cls=SKLearn, framework_version="1.2-1", base_job_name="evaluate", env={"STAGE": "test"}, **sizes
    )
    processor.run(
        code="evaluate.py",
        source_dir="project",
        outputs=[ProcessingOutput(output_name="evaluation", source="/opt/ml/processing/evaluation")],
        wait=True,
        logs=False,
    )
    uri = processor.latest_job.outputs[0].destination
    S3Downloader.download(uri, "downloaded", sagemaker_session=session)
    report("evaluation", json.loads(Path("downloaded/evaluation.json").read_text()))


def fail():
    image = sagemaker.image_uris.retrieve("sklearn", session.boto_region_name, version="1.2-1")
    processor = ScriptProcessor(image_uri=image, command=["python3"], base_job_name="fail", **sizes)
    try:
        processor.run(code="fail.py", logs=False)
    except UnexpectedStatusException as error:
        report("failure", [error.actual_status, str(error)])


with ThreadPoolExecutor() as pool:
    for done in [pool.submit(each) for each in (split, evaluate, fail)]:
        done.result()

"""Train a decision tree with a script, and serve it: SageMaker SDK v2's SKLearn."""

import csv
import random
import time
from pathlib import Path

import sagemaker
from results import report
from sagemaker.sklearn.estimator import SKLearn

SCRIPT = """
import argparse
import os

import joblib
import pandas as pd
from sklearn import tree

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--max_leaf_nodes", type=int, default=-1)
    parser.add_argument("--output-data-dir", type=str, default=os.environ["SM_OUTPUT_DATA_DIR"])
    parser.add_argument("--model-dir", type=str, default=os.environ["SM_MODEL_DIR"])
    parser.add_argument("--train", type=str, default=os.environ["SM_CHANNEL_TRAIN"])
    args = parser.parse_args()
    files = [os.path.join(args.train, file) for file in os.listdir(args.train)]
    rows = pd.concat([pd.read_csv(file, header=None, engine="python") for file in files])
    labels, features = rows.iloc[:, 0], rows.iloc[:, 1:]
    model = tree.DecisionTreeClassifier(max_leaf_nodes=args.max_leaf_nodes).fit(features.values, labels)
    print(f"accuracy: {model.score(features.values, labels):.3f};")
    joblib.dump(model, os.path.join(args.model_dir, "model.joblib"))


def model_fn(model_dir):
    return joblib.load(os.path.join(model_dir, "model.joblib"))
"""

Path("code").mkdir()
Path("code/train.py").write_text(SCRIPT)
with Path("rows.csv").open("w", newline="") as file:
    csv.writer(file).writerows([label, label + random.random() / 2, random.random()] for label in (0, 1) * 100)

session = sagemaker.Session()
role = sagemaker.get_execution_role()
data = session.upload_data("rows.csv", key_prefix="sklearn/train")

estimator = SKLearn(
    entry_point="train.py",
    source_dir="code",
    framework_version="1.2-1",
    py_version="py3",
    instance_type="ml.c4.xlarge",
    role=role,
    sagemaker_session=session,
    hyperparameters={"max_leaf_nodes": 30},
    metric_definitions=[{"Name": "accuracy", "Regex": "accuracy: ([0-9.]+);"}],
)
estimator.fit({"train": data})
predictor = estimator.deploy(initial_instance_count=1, instance_type="ml.m5.large", wait=False)
while session.describe_endpoint(predictor.endpoint_name)["EndpointStatus"] == "Creating":
    time.sleep(0.1)
report("prediction", predictor.predict([[0.1, 0.5], [1.3, 0.5]]).tolist())
predictor.delete_model()
predictor.delete_endpoint()

"""The XGBoost algorithm through a plain Estimator, and a script in its image: SDK v2."""

import random
import time
from pathlib import Path

import sagemaker
from results import report
from sagemaker.inputs import TrainingInput
from sagemaker.xgboost import XGBoost

SCRIPT = """
import argparse
import os
import pickle as pkl

import xgboost as xgb
from sagemaker_xgboost_container import distributed
from sagemaker_xgboost_container.data_utils import get_dmatrix

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--max_depth", type=int)
    parser.add_argument("--num_round", type=int)
    parser.add_argument("--model_dir", type=str, default=os.environ.get("SM_MODEL_DIR"))
    parser.add_argument("--train", type=str, default=os.environ["SM_CHANNEL_TRAIN"])
    args, _ = parser.parse_known_args()
    rows = get_dmatrix(args.train, "csv")
    booster = xgb.train({"max_depth": args.max_depth, "objective": "binary:logistic"}, rows, args.num_round)
    pkl.dump(booster, open(args.model_dir + "/xgboost-model", "wb"))


def model_fn(model_dir):
    with open(os.path.join(model_dir, "xgboost-model"), "rb") as f:
        return pkl.load(f)
"""

session = sagemaker.Session()
role = sagemaker.get_execution_role()
with Path("train.csv").open("w") as file:
    file.writelines(f"{label},{label + random.random() / 2},{random.random()}\n" for label in (0, 1) * 100)
train = TrainingInput(session.upload_data("train.csv", key_prefix="xgboost/train"), content_type="csv")


def deployed(estimator, **options):
    predictor = estimator.deploy(1, "ml.m5.large", wait=False, **options)
    while session.describe_endpoint(predictor.endpoint_name)["EndpointStatus"] == "Creating":
        time.sleep(0.1)
    return predictor


algorithm = sagemaker.estimator.Estimator(
    sagemaker.image_uris.retrieve("xgboost", session.boto_region_name, "1.7-1"),
    role,
    instance_count=1,
    instance_type="ml.m4.xlarge",
    output_path=f"s3://{session.default_bucket()}/xgboost/output",
    sagemaker_session=session,
)
algorithm.set_hyperparameters(max_depth=5, eta=0.2, silent=0, objective="binary:logistic", num_round=10)
algorithm.fit({"train": train})
predictor = deployed(algorithm, serializer=sagemaker.serializers.CSVSerializer())
report("algorithm", [round(float(each)) for each in predictor.predict([[0.1, 0.5], [1.3, 0.5]]).decode().split()])
predictor.delete_endpoint()

Path("abalone.py").write_text(SCRIPT)
script = XGBoost(
    entry_point="abalone.py",
    framework_version="1.7-1",
    hyperparameters={"max_depth": 2, "num_round": 10},
    role=role,
    instance_count=1,
    instance_type="ml.m5.2xlarge",
    output_path=f"s3://{session.default_bucket()}/xgboost/script",
)
script.fit({"train": train})
predictor = deployed(script, serializer=sagemaker.serializers.CSVSerializer())
report("script", [round(float(each)) for row in predictor.predict([[0.1, 0.5], [1.3, 0.5]]) for each in row])
predictor.delete_endpoint()

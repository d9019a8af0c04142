"""Tune a script, deploy the best model and transform a prefix with it: SageMaker SDK v2's HyperparameterTuner."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sagemaker
from results import report
from sagemaker.analytics import HyperparameterTuningJobAnalytics, TrainingJobAnalytics
from sagemaker.deserializers import CSVDeserializer
from sagemaker.s3 import S3Downloader
from sagemaker.serializers import CSVSerializer
from sagemaker.sklearn.estimator import SKLearn
from sagemaker.tuner import CategoricalParameter, ContinuousParameter, HyperparameterTuner, IntegerParameter

SCRIPT = """
import argparse
import json
import os

import numpy as np

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float)
    parser.add_argument("--depth", type=int)
    parser.add_argument("--kind", type=str)
    args = parser.parse_args()
    for epoch in range(3):
        print(f"epoch={epoch} score={args.rate + epoch / 10:.4f};", flush=True)
    with open(os.path.join(os.environ["SM_MODEL_DIR"], "model.json"), "w") as file:
        json.dump(vars(args), file)


def model_fn(model_dir):
    with open(os.path.join(model_dir, "model.json")) as file:
        return json.load(file)


def predict_fn(rows, model):
    return np.asarray(rows, dtype=float).reshape(-1, 2).sum(axis=1) * model["rate"]
"""

Path("tune.py").write_text(SCRIPT)
Path("rows").mkdir()
Path("rows/a.csv").write_text("1,2\n3,4\n5,6\n")
Path("rows/b.csv").write_text("7,8\n")

session = sagemaker.Session()
role = sagemaker.get_execution_role()
rows = session.upload_data("rows", key_prefix="tuning-v2/rows")
estimator = SKLearn(
    entry_point="tune.py",
    framework_version="1.2-1",
    instance_type="ml.m5.large",
    role=role,
    sagemaker_session=session,
)
tuner = HyperparameterTuner(
    estimator,
    "score",
    {
        "rate": ContinuousParameter(0.1, 0.9),
        "depth": IntegerParameter(1, 8),
        "kind": CategoricalParameter(["plain", "other"]),
    },
    [{"Name": "score", "Regex": "score=([0-9.]+);"}],
    strategy="Random",
    max_jobs=3,
    max_parallel_jobs=2,
    base_tuning_job_name="tuned",
)
tuner.fit(wait=False)
while tuner.describe()["HyperParameterTuningJobStatus"] == "InProgress":
    time.sleep(0.2)
tuner.wait()
table = tuner.analytics().dataframe()
best = tuner.best_training_job()
report("table", [sorted(table.columns), len(table)])
top = table.sort_values("FinalObjectiveValue", ascending=False).iloc[0]
report("best", best)
report("top", [top.TrainingJobName, float(top.FinalObjectiveValue), float(top.rate)])
again = HyperparameterTuner.attach(tuner.latest_tuning_job.name, sagemaker_session=session)
report("attached", [again.best_training_job(), sorted(again.hyperparameter_ranges())])
ended = HyperparameterTuningJobAnalytics(tuner.latest_tuning_job.name, sagemaker_session=session)
report("ranges", sorted(ended.tuning_ranges))
metrics = TrainingJobAnalytics(best, metric_names=["score"], sagemaker_session=session).dataframe()
report("metrics", [list(metrics.columns), metrics.value.tolist()])


def deploy():
    predictor = tuner.deploy(1, "ml.m5.large", wait=False, serializer=CSVSerializer(), deserializer=CSVDeserializer())
    while session.describe_endpoint(predictor.endpoint_name)["EndpointStatus"] == "Creating":
        time.sleep(0.1)
    answers = predictor.predict([[1, 2], [3, 4]])
    report("predicted", [float(value) for row in answers for value in row])
    predictor.delete_model()
    predictor.delete_endpoint()


def transform():
    transformer = tuner.best_estimator().transformer(
        1, "ml.m5.large", strategy="MultiRecord", assemble_with="Line", accept="text/csv"
    )
    transformer.transform(rows, content_type="text/csv", split_type="Line")
    answers = []
    for name in ("a.csv.out", "b.csv.out"):
        text = S3Downloader.read_file(f"{transformer.output_path}/{name}", sagemaker_session=session)
        answers += [float(value) for value in text.replace(",", "\n").split()]
    report("transformed", answers)


with ThreadPoolExecutor() as pool:
    for done in [pool.submit(each) for each in (deploy, transform)]:
        done.result()

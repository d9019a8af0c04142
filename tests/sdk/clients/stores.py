"""Keep artifacts with MLflow's and DVC's S3 stores, and report what they read back."""

import json
import os
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import boto3
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

bucket = f"stores-{uuid.uuid4().hex[:12]}"
boto3.client("s3").create_bucket(Bucket=bucket)
os.environ["MLFLOW_S3_ENDPOINT_URL"] = os.environ["AWS_ENDPOINT_URL"]

with tempfile.TemporaryDirectory() as folder:
    kept = Path(folder, "model.txt")
    kept.write_text("weights")
    artifacts = get_artifact_repository(f"s3://{bucket}/mlflow")
    artifacts.log_artifact(str(kept), "run")
    logged = [found.path for found in artifacts.list_artifacts("run")]
    fetched = Path(artifacts.download_artifacts("run/model.txt")).read_text()

    def dvc(*arguments):
        subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=folder, check=True, capture_output=True)

    dvc("init", "--no-scm", "--quiet")
    dvc("config", "core.analytics", "false")
    dvc("remote", "add", "--default", "cloud", f"s3://{bucket}/dvc")
    dvc("remote", "modify", "cloud", "endpointurl", os.environ["AWS_ENDPOINT_URL"])
    dvc("add", "model.txt")
    dvc("push")
    kept.unlink()
    subprocess.run(["rm", "-r", str(Path(folder, ".dvc", "cache"))], check=True)
    dvc("pull")
    pulled = kept.read_text()

print(json.dumps({"mlflow": [logged, fetched], "dvc": pulled}))

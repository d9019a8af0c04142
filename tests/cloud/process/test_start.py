"""The start of a cloud: packages and services that load only on demand."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from scones.cloud.all_services import all_services
from scones.cloud.wire.model import service_model

LATER = (
    "awscrt",
    "boto3",
    "jsonata",
    "numpy",
    "onnx",
    "onnxruntime",
    "optuna",
    "psutil",
    "torch",
    "scones.cloud.services.stepfunctions.service",
)
"""Packages that are slow to import and that only some requests need."""


def test_a_start_does_not_import_packages_that_only_some_requests_need():
    program = (
        "import sys; from scones.cloud.__main__ import server; server()\n"
        "from scones.cloud.all_services import services_at_start; services_at_start()\n"
        f"print([name for name in {LATER} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert found.stdout.strip() == "[]"


def test_services_have_the_signing_names_of_their_models():
    for kind in all_services():
        metadata = service_model(kind.name).metadata
        assert (kind.signing_name or kind.name) == metadata.get("signingName", metadata["endpointPrefix"])


def test_step_functions_starts_with_the_cloud_if_an_execution_is_under_way(start_cloud):
    cloud = start_cloud()
    states = cloud.client("stepfunctions")
    definition = json.dumps({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3, "End": True}}})
    role = "arn:aws:iam::111122223333:role/states"
    machine = states.create_state_machine(name="waits", definition=definition, roleArn=role)["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=machine)["executionArn"]
    cloud.kill()
    again = start_cloud()
    deadline = time.monotonic() + 60
    query = "SELECT 1 FROM sfn_executions WHERE status = 'SUCCEEDED'"
    while not _rows(again.data_dir, query):  # reads the database: a request would start the service
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert again.client("stepfunctions").describe_execution(executionArn=execution)["status"] == "SUCCEEDED"


def _rows(data_dir, query):
    with contextlib.closing(sqlite3.connect(f"file:{data_dir / 'cloud.sqlite'}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


def test_simultaneous_requests_start_a_service_once(start_cloud):
    cloud = start_cloud()
    clients = [cloud.client("stepfunctions") for _ in range(8)]
    with ThreadPoolExecutor(len(clients)) as threads:
        found = list(threads.map(lambda client: client.list_state_machines()["stateMachines"], clients))
    assert found == [[]] * len(clients)


def test_an_unused_service_responds_to_its_first_request(start_cloud):
    cloud = start_cloud()
    assert cloud.client("stepfunctions").list_state_machines()["stateMachines"] == []
    assert cloud.client("sagemaker").list_endpoints()["Endpoints"] == []

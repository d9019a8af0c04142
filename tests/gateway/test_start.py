"""What a cloud loads before it answers."""

from __future__ import annotations

import subprocess
import sys

from scones.cloud.services import offered
from scones.cloud.wire.model import service_model

LATER = ("awscrt", "boto3", "jsonata", "numpy", "onnx", "onnxruntime", "optuna", "psutil", "torch", "zoneinfo")
"""Packages that take long to import, and that a cloud needs for some requests only."""


def test_a_start_imports_no_package_that_only_some_requests_need():
    program = (
        "import sys; from scones.cloud.__main__ import server; server(); from scones.cloud.services import offered;"
        f"offered(); print([name for name in {LATER} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert found.stdout.strip() == "[]"


def test_services_are_signed_for_under_the_names_of_their_models():
    for kind in offered():
        metadata = service_model(kind.name).metadata
        assert (kind.signing_name or kind.name) == metadata.get("signingName", metadata["endpointPrefix"])


def test_a_service_that_was_not_used_yet_answers(start_cloud):
    cloud = start_cloud()
    assert cloud.client("stepfunctions").list_state_machines()["stateMachines"] == []
    assert cloud.client("sagemaker").list_endpoints()["Endpoints"] == []

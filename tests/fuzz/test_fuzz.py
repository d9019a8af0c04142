"""A bounded run of the fuzz test with a new seed each time; `python -m tests.fuzz` runs longer."""

from __future__ import annotations

import os
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import Credentials
from botocore.model import ServiceModel

from scones.cloud.wire.model import protocols

from .campaign import Campaign, Findings, passed, summary
from .judgement import Answered, fault
from .world import World

REQUESTS = 4
"""Requests for each operation."""


def campaign(cloud: Any, seed: str) -> Campaign:
    keys = cloud.running.environment()
    credentials = Credentials(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"])
    return Campaign(
        cloud.url, credentials, World(cache(cloud.client)), cloud.data_dir / "cloud.log", seed, workers=2, stall=15
    )


def test_no_request_gives_a_500_or_stops_the_cloud(start_cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    program = Path(__file__).with_name("program.py")
    monkeypatch.setenv("SCONES_IMAGES", f"fuzz={program},jupyterlab={program}")
    seed = os.environ.get("SCONES_FUZZ_SEED", str(time.time_ns()))
    findings = campaign(start_cloud(), seed).run(per_operation=REQUESTS)
    assert passed(findings), f"Repeat with SCONES_FUZZ_SEED={seed}\n{summary(findings, seed)}"
    expected = {name: REQUESTS * len(protocols(name.partition(":")[0])) for name in findings.operations}
    assert findings.operations == expected, "an operation was left out in a protocol"
    assert findings.requests >= REQUESTS * len(findings.operations)


@pytest.mark.parametrize(
    ("status", "headers", "body", "wrong"),
    [
        (500, {"x-amzn-errortype": "InternalFailure"}, b"{}", "status 500 InternalFailure"),
        (501, {"x-amzn-errortype": "NotImplemented"}, b"{}", None),
        (400, {"x-amzn-requestid": "1"}, b"oops", "not in the format"),
        (400, {"x-amzn-requestid": "1"}, b"[]", "not in the format"),
        (400, {}, b"Invalid HTTP request received.", None),
        (400, {"x-amz-request-id": "1"}, b"<Error><Code>InvalidURI</Code></Error>", None),
        (200, {"content-type": "application/x-amz-json-1.0"}, b"{", "cannot be read"),
        (200, {"content-type": "application/x-amz-json-1.0"}, b"{}", None),
    ],
)
def test_responses_are_checked(status: int, headers: dict[str, str], body: bytes, wrong: str | None) -> None:
    model = ServiceModel({"metadata": {"protocol": "json"}, "operations": {}, "shapes": {}})
    reason = fault(model, "POST", Answered(status, headers, body))
    assert reason is None if wrong is None else wrong in (reason or "")


def test_findings_without_a_failure_pass() -> None:
    assert passed(Findings())
    assert not passed(Findings(stalls=["3 s"]))

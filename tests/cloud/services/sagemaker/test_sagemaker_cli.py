"""SageMaker through the AWS CLI."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from support.sagemaker_workbench import Workbench


@pytest.mark.skipif(
    shutil.which("aws", path=str(Path(sys.executable).parent)) is None, reason="the AWS CLI is not installed here"
)
def test_the_aws_cli_lists_describes_and_invokes(bench: Workbench, tmp_path: Path) -> None:
    endpoint = bench.endpoint()

    def aws(*arguments: str) -> str:
        done = bench.cloud.run("aws", *arguments)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    listed = json.loads(aws("sagemaker", "list-endpoints", "--name-contains", endpoint, "--status-equals", "InService"))
    assert [item["EndpointName"] for item in listed["Endpoints"]] == [endpoint]
    (tmp_path / "picture.png").write_bytes(b"\x89PNG picture")
    reported = json.loads(
        aws(
            "sagemaker-runtime",
            "invoke-endpoint",
            "--endpoint-name",
            endpoint,
            "--content-type",
            "image/png",
            "--body",
            f"fileb://{tmp_path / 'picture.png'}",
            str(tmp_path / "answer.json"),
        )
    )
    assert (reported["ContentType"], reported["InvokedProductionVariant"]) == ("application/json", "AllTraffic")
    assert json.loads((tmp_path / "answer.json").read_text()) == [0.9, 0.1]

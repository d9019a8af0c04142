"""The compatibility page: it equals the output of its generator, and its statements are true."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.exceptions import ClientError

from scones.cloud import compatibility
from scones.cloud.all_services import all_services

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/compatibility.md"


def test_the_page_is_what_its_generator_writes():
    written, generated = PAGE.read_text(encoding="utf-8"), compatibility.page()
    if f"botocore\n{botocore.__version__}." not in written:  # other releases have other operations
        written, generated = offered_rows(written), offered_rows(generated)
    assert written == generated, "write it again: python -m scones.cloud.compatibility >docs/reference/compatibility.md"


def offered_rows(page: str) -> str:
    rows = [
        line
        for line in page.splitlines()
        if f"| {compatibility.SUPPORTED} |" in line or compatibility.NO_EFFECT in line
    ]
    assert len(rows) > 200
    return "\n".join(row for row in rows if not row.startswith("| service"))


def test_every_note_belongs_to_a_supported_operation():
    operations = {service.name: service.operations() for service in all_services()}
    noted = [(service, name) for service, notes in compatibility.NOTES.items() for name in notes]
    assert [each for each in noted if each[1] not in operations.get(each[0], ())] == []


@pytest.mark.parametrize(
    ("service", "operation"),
    [("sagemaker", "ListPipelines"), ("logs", "ListAnomalies"), ("events", "ListArchives"), ("iam", "ListMFADevices")],
)
def test_operations_documented_as_missing_return_not_implemented(cloud: Any, service: str, operation: str) -> None:
    known = next(each for each in all_services() if each.name == service)
    assert compatibility.support_of(known, operation) == (compatibility.NOT_SUPPORTED, "")
    client = cloud.client(service)
    names = {api: method for method, api in client.meta.method_to_api_mapping.items()}
    with pytest.raises(ClientError) as caught:
        getattr(client, names[operation])()
    error = caught.value.response
    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == ("NotImplemented", 501)
    assert operation in error["Error"]["Message"]


def test_a_warning_says_that_policies_are_not_enforced(cloud: Any) -> None:
    identity = next(each for each in all_services() if each.name == "iam")
    assert compatibility.support_of(identity, "PutRolePolicy")[0] == compatibility.NO_EFFECT

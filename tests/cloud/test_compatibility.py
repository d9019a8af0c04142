"""The compatibility page: it equals the output of its generator, and its statements are true."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.exceptions import ClientError

from scones.cloud.all_services import all_services
from scones.cloud.compatibility import page as compatibility
from scones.cloud.compatibility.notes import NOTES
from scones.cloud.compatibility.unused_parameters import UNUSED_PARAMETERS
from scones.cloud.service import Service
from scones.cloud.wire.model import service_model
from support.refusals import refusal

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/compatibility.md"
_BUILT = re.compile("Checksum.*|CopySource(If|SSE).*|.*(Contains|Equals)")
"""Names of parameters that the code composes from parts."""
_INERT = {
    "AssignmentStatus",  # of IAM: there are no MFA devices
    "AnnotationDirective",  # of S3: objects have no annotations
    "ConfirmRemoveSelfBucketAccess",  # of S3: the caller is the owner
    "Force",  # of EventBridge: there are no managed rules
    "OptionalObjectAttributes",  # of S3: no object is restored from an archive
    "RequestPayer",  # of S3: the caller is the owner
    "interleaved",  # of CloudWatch Logs: AWS ignores it, too
}
"""Parameters that change nothing on AWS either, for what exists here."""
_CLOSED = {"CreateEventSourceMapping", "UpdateEventSourceMapping", "UpdateAccountPasswordPolicy"}
"""Operations that reject or return all of their parameters."""


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
    noted = [(service, name) for service, notes in NOTES.items() for name in notes]
    assert [each for each in noted if each[1] not in operations.get(each[0], ())] == []


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("sagemaker", "ListPipelines"),
        ("logs", "ListAnomalies"),
        ("events", "ListApiDestinations"),
        ("iam", "ListOrganizationsFeatures"),
    ],
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


@pytest.mark.parametrize("service", all_services(), ids=lambda service: service.name)
def test_each_parameter_is_used_refused_or_noted(service: type[Service]) -> None:
    folder = Path(inspect.getfile(service)).parent
    named = set(re.findall(r"\w+", "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))))
    unused = []
    for operation in service.operations():
        shape = service_model(service.name).operation_model(operation).input_shape
        words = named | set(re.findall(r"\w+", compatibility.support_of(service, operation)[1]))
        parameters = shape.members if shape and operation not in _CLOSED else {}
        unused += [
            f"{operation}.{each}" for each in parameters if each not in words | _INERT and not _BUILT.fullmatch(each)
        ]
    assert unused == []


@pytest.mark.parametrize("service", all_services(), ids=lambda service: service.name)
def test_refused_parameters_are_those_of_supported_operations(service: type[Service]) -> None:
    for operation, refused in service.refused_parameters.items():
        assert operation in service.operations()
        assert refused.keys() <= service_model(service.name).operation_model(operation).input_shape.members.keys()


def test_parameters_without_an_effect_are_those_of_supported_operations() -> None:
    operations = {service.name: service.operations() for service in all_services()}
    for service, unused in UNUSED_PARAMETERS.items():
        for operation, paths in unused.items():
            assert operation in operations[service]
            for path in paths:
                shape = service_model(service).operation_model(operation).input_shape
                for name in path.split("."):
                    shape = shape.member if shape.type_name == "list" else shape
                    assert name in shape.members, f"{service}:{operation} has no parameter {path}"
                    shape = shape.members[name]


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "named"),
    [
        ("logs", "list_log_groups", {"includeLinkedAccounts": True}, "includeLinkedAccounts"),
        ("cloudwatch", "list_metrics", {"RecentlyActive": "PT3H"}, "RecentlyActive"),
        ("iam", "list_service_specific_credentials", {"AllUsers": True}, "AllUsers"),
        ("lambda", "list_functions", {"MasterRegion": "eu-west-1"}, "MasterRegion"),
        (
            "s3",
            "create_bucket",
            {"Bucket": "refused", "ObjectLockEnabledForBucket": True},
            "ObjectLockEnabledForBucket",
        ),
        ("sagemaker", "list_training_jobs", {"WarmPoolStatusEquals": "Available"}, "WarmPoolStatusEquals"),
    ],
)
def test_refused_parameters_are_named(
    cloud: Any, service: str, operation: str, parameters: dict[str, Any], named: str
) -> None:
    code, status, message = refusal(getattr(cloud.client(service), operation), **parameters)
    assert (code, status) == ("NotImplemented", 501)
    assert named in message


def test_values_that_request_nothing_are_accepted(cloud: Any) -> None:
    cloud.client("logs").list_log_groups(includeLinkedAccounts=False)
    cloud.client("sagemaker").search(Resource="Model", CrossAccountFilterOption="SameAccount")


def test_a_warning_says_that_policies_are_not_enforced(cloud: Any) -> None:
    identity = next(each for each in all_services() if each.name == "iam")
    assert compatibility.support_of(identity, "PutRolePolicy")[0] == compatibility.NO_EFFECT

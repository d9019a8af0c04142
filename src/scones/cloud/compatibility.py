"""The compatibility page: `python -m scones.cloud.compatibility` prints the state of each AWS operation.

The supported operations come from the services themselves, and the existing operations from botocore's models. Only the
notes on limits of supported operations are maintained by hand. `docs/reference/compatibility.md` is this module's
output. A test compares the two: completely with the same botocore version, otherwise for the supported operations only.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import botocore

from scones.cloud.service import Service
from scones.cloud.services import all_services
from scones.cloud.wire.model import service_model

SUPPORTED = "works"
NO_EFFECT = "accepted and recorded, not acted on"
NOT_SUPPORTED = "not there"


@dataclass(frozen=True, slots=True)
class NoEffect:
    """The reason why an operation stores its parameters but has no further effect here."""

    reason: str


@dataclass(frozen=True, slots=True)
class PartialSupport:
    """The parts of a working operation that are rejected by name, or only stored."""

    limitations: str


_POLICIES = NoEffect("Policies are kept and told, and not enforced: whoever has keys may do everything.")
_ROLES = PartialSupport(
    "Roles are kept and told. Any well-formed role ARN is taken elsewhere, whether or not it exists here."
)
_ONE_ACL = PartialSupport("The bucket owner's full control, the only ACL there is; others are refused.")
_ENCRYPTION = "Encryption settings are recorded: whether the disk is encrypted is this machine's concern"
_OBJECTS = PartialSupport(f"{_ENCRYPTION}. No versions, object locks or other storage classes' delays.")
_SETTINGS = PartialSupport(
    "VpcConfig, KMSKeyArn, TracingConfig, FileSystemConfigs, EphemeralStorage and Architectures are recorded. "
    "Functions in Python, in Node.js and with a bootstrap of their own, from zip archives: other runtimes and "
    "container images are refused."
)
_TOPIC = PartialSupport("Policy, DeliveryPolicy, KmsMasterKeyId, TracingConfig and feedback attributes are recorded.")
_QUEUE = PartialSupport(f"{_ENCRYPTION}; so is Policy.")
_JOB = "Instance types, VpcConfig, network isolation and KMS keys are recorded: the work runs on this machine"
_MACHINE = PartialSupport(
    "roleArn, tracingConfiguration and encryptionConfiguration are recorded; integrations with services "
    "that are not there are refused."
)
_STUDIO = PartialSupport(
    "Of the settings the execution role and the owner are acted on; networks, images, sizes and lifecycle "
    "configurations are recorded."
)
_VARIANTS = PartialSupport("Instance counts and types are recorded: one model server stands behind each variant.")

NOTES: dict[str, dict[str, NoEffect | PartialSupport]] = {
    "sts": {
        "AssumeRole": PartialSupport("Trust policies, external ids and session policies are not enforced."),
    },
    "iam": {
        "CreateRole": _ROLES,
        "PutRolePolicy": _POLICIES,
        "DeleteRolePolicy": _POLICIES,
        "AttachRolePolicy": _POLICIES,
        "DetachRolePolicy": _POLICIES,
        "CreatePolicy": _POLICIES,
        "DeletePolicy": _POLICIES,
        "UpdateAssumeRolePolicy": _POLICIES,
        "SimulatePrincipalPolicy": NoEffect("Every action is answered as allowed, as it is here; no policy is read."),
    },
    "logs": {
        "PutRetentionPolicy": NoEffect("Events are kept for as long as the data folder is."),
        "FilterLogEvents": PartialSupport(
            "Patterns of words, phrases and regular expressions; those of JSON and columns are refused."
        ),
    },
    "cloudwatch": {
        "PutMetricData": PartialSupport("Values alone: StatisticValues are refused. Values are kept as they came."),
        "GetMetricStatistics": PartialSupport(
            "Of what is put, and of training jobs: no other service counts anything. Of percentiles the "
            "ExtendedStatistics p0 to p100."
        ),
    },
    "s3": {
        "CreateBucket": PartialSupport("Buckets of this cloud's region. Object lock and ACLs are refused."),
        "GetBucketVersioning": PartialSupport("No bucket has versions."),
        "ListObjectVersions": PartialSupport("No bucket has versions: each object is its only one, null."),
        "PutBucketEncryption": NoEffect(f"{_ENCRYPTION}."),
        "DeleteBucketEncryption": NoEffect(f"{_ENCRYPTION}."),
        "PutBucketPolicy": _POLICIES,
        "DeleteBucketPolicy": _POLICIES,
        "PutPublicAccessBlock": _POLICIES,
        "DeletePublicAccessBlock": _POLICIES,
        "GetBucketAcl": _ONE_ACL,
        "GetObjectAcl": _ONE_ACL,
        "PutObject": _OBJECTS,
        "CopyObject": _OBJECTS,
        "CreateMultipartUpload": _OBJECTS,
        "PutBucketNotificationConfiguration": PartialSupport(
            "Objects created, copied and removed, told to functions, queues and topics; other events and EventBridge "
            "are refused."
        ),
    },
    "sqs": {
        "AddPermission": _POLICIES,
        "RemovePermission": _POLICIES,
        "CreateQueue": _QUEUE,
        "SetQueueAttributes": _QUEUE,
    },
    "sns": {
        "CreateTopic": _TOPIC,
        "SetTopicAttributes": _TOPIC,
        "Subscribe": PartialSupport(
            "Queues and functions; mail addresses stay unconfirmed, and the other protocols are refused."
        ),
    },
    "lambda": {
        "CreateEventSourceMapping": PartialSupport("Queues of SQS; other sources are refused, and so are Tags."),
        "AddPermission": _POLICIES,
        "RemovePermission": _POLICIES,
        "PutProvisionedConcurrencyConfig": NoEffect("Environments start when they are needed."),
        "PutFunctionRecursionConfig": NoEffect("No loop is looked for."),
        "PutRuntimeManagementConfig": NoEffect("Runtimes are this machine's."),
        "GetFunctionCodeSigningConfig": PartialSupport("No function has one."),
        "CreateFunction": _SETTINGS,
        "UpdateFunctionConfiguration": _SETTINGS,
    },
    "sagemaker": {
        "CreateTrainingJob": PartialSupport(
            f"{_JOB}. Debugger, Profiler and TensorBoard fields are recorded; compressed Pipe input, instance "
            "groups and algorithm resources are refused."
        ),
        "CreateProcessingJob": PartialSupport(
            f"{_JOB}. Pipe mode, dataset definitions and feature stores are refused."
        ),
        "CreateTransformJob": PartialSupport(
            f"{_JOB}. Records are lines or whole objects: RecordIO, TFRecord and augmented manifests are refused."
        ),
        "CreateHyperParameterTuningJob": PartialSupport(
            "Random, Grid and Bayesian. Hyperband, several definitions, warm starts and early stopping are refused."
        ),
        "CreateModel": PartialSupport(
            f"{_JOB}. One container; pipelines of several and multi-model containers are refused."
        ),
        "CreateEndpointConfig": PartialSupport(
            f"{_JOB}. Asynchronous and serverless inference, shadow variants, explainers and inference components are "
            "refused."
        ),
        "CreateEndpoint": PartialSupport("All traffic moves at once: a DeploymentConfig's steps are recorded."),
        "UpdateEndpoint": PartialSupport("All traffic moves at once: a DeploymentConfig's steps are recorded."),
        "UpdateEndpointWeightsAndCapacities": _VARIANTS,
        "CreateModelPackage": PartialSupport(
            "Model metrics, cards, life cycles and drift baselines are recorded; validation jobs and algorithm "
            "resources are refused."
        ),
        "CreateDomain": PartialSupport("AuthMode IAM; SSO is refused. " + _STUDIO.limitations),
        "UpdateDomain": _STUDIO,
        "CreateUserProfile": _STUDIO,
        "UpdateUserProfile": _STUDIO,
        "CreateSpace": _STUDIO,
        "UpdateSpace": _STUDIO,
        "CreateApp": PartialSupport("JupyterLab and JupyterServer; other types are refused. ResourceSpec is recorded."),
        "Search": PartialSupport("Training jobs, endpoints, models, model packages and their groups."),
    },
    "sagemaker-runtime": {
        "InvokeEndpoint": PartialSupport(
            "TargetModel, TargetContainerHostname, inference components, explanations and sessions are refused."
        ),
    },
    "stepfunctions": {
        "CreateStateMachine": _MACHINE,
        "UpdateStateMachine": _MACHINE,
    },
    "events": {
        "PutTargets": PartialSupport("Functions, queues, topics, state machines, log groups and other buses."),
        "CreateEventBus": PartialSupport(
            "KmsKeyIdentifier, DeadLetterConfig and LogConfig are recorded; partner sources are refused."
        ),
    },
}
"""Limits of supported operations, by service and operation; an operation without a note works fully."""

_SHOWN = (
    "sagemaker",
    "sagemaker-runtime",
    "lambda",
    "stepfunctions",
    "s3",
    "sts",
    "iam",
    "logs",
    "sqs",
    "sns",
    "events",
)
_TITLES = {"SFN": "Step Functions"}
_OPENING = f"""\
# Compatibility

Every operation of the services that the local cloud has, as AWS's own service models name them in botocore
{botocore.__version__}. Written by `python -m scones.cloud.compatibility`; do not edit.

- **{SUPPORTED}**: the operation does what AWS documents, except as noted.
- **{NO_EFFECT}**: the operation stores and returns its parameters, and has no other effect, for the reason given.
- **{NOT_SUPPORTED}**: HTTP 501 with the code `NotImplemented`, which names the operation. The same holds for every
  service that is not listed.

Whatever is refused within an operation that works is refused by name as well. Requests must be signed with the data
folder's keys; IAM's policies are not enforced anywhere.
"""


def page() -> str:
    """Return the page in Markdown."""
    known = {service.name: service for service in all_services()}
    services = [known[name] for name in (*_SHOWN, *sorted(known.keys() - set(_SHOWN)))]
    parts = [_OPENING, *_overview(services)]
    for service in services:
        parts += ["", f"## {_title(service)}", "", "| operation | | note |", "|---|---|---|", *_rows(service)]
    return "\n".join([*parts, ""])


def support_of(service: type[Service], operation: str) -> tuple[str, str]:
    """Return the state of an operation, and the note on it."""
    if operation not in service.operations():
        return NOT_SUPPORTED, ""
    match NOTES.get(service.name, {}).get(operation):
        case NoEffect(reason):
            return NO_EFFECT, reason
        case PartialSupport(left_out):
            return SUPPORTED, left_out
    return SUPPORTED, ""


def _title(service: type[Service]) -> str:
    metadata = service_model(service.name).metadata
    name: str = metadata["serviceId"]
    return _TITLES.get(name, name)


def _overview(services: list[type[Service]]) -> Iterator[str]:
    yield f"| service | {SUPPORTED} | {NO_EFFECT} | {NOT_SUPPORTED} |"
    yield "|---|---:|---:|---:|"
    for service in services:
        states = [support_of(service, operation)[0] for operation in service_model(service.name).operation_names]
        counts = " | ".join(str(states.count(each)) for each in (SUPPORTED, NO_EFFECT, NOT_SUPPORTED))
        yield f"| {_title(service)} | {counts} |"


def _rows(service: type[Service]) -> Iterator[str]:
    """Yield a table row for each operation of a service: supported ones first, then by name."""
    operations = {name: support_of(service, name) for name in sorted(service_model(service.name).operation_names)}
    for name in sorted(operations, key=lambda each: operations[each][0] == NOT_SUPPORTED):
        standing, note = operations[name]
        yield f"| {name} | {standing} | {note} |"


if __name__ == "__main__":
    sys.stdout.write(page())

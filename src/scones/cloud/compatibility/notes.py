"""Limits of supported operations, by service and operation; an operation without a note works fully."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NoEffect:
    """The reason why an operation stores its parameters but has no further effect here."""

    reason: str


@dataclass(frozen=True, slots=True)
class PartialSupport:
    """The parts of a working operation that are rejected by name, or only stored."""

    limitations: str


_POLICIES = NoEffect("Policies are stored and returned, but not enforced: anyone with keys may do anything.")
_AWS_MANAGED = "Of AWS's managed policies, only AdministratorAccess can be read; a principal with another is rejected."
_SIMULATOR = PartialSupport(
    f"Identity policies and permissions boundaries are evaluated; resource policies are rejected. {_AWS_MANAGED}"
)
_ROLES = PartialSupport(
    "Roles are stored and returned. Elsewhere, any well-formed role ARN is accepted, even if the role does not exist."
)
_ACLS = PartialSupport(
    "An ACL decides about unsigned requests only: anyone with keys may do anything. Grants to e-mail addresses are "
    "rejected."
)
_ENCRYPTION = "Encryption settings have no effect; disk encryption is up to this machine"
_OBJECTS = PartialSupport(
    f"{_ENCRYPTION}. Object Lock and retrieval delays of other storage classes are not supported."
)
_SETTINGS = PartialSupport(
    "VpcConfig, KMSKeyArn, TracingConfig, FileSystemConfigs, EphemeralStorage and Architectures have no "
    "effect. Functions run from zip archives, in Python, in Node.js or with their own bootstrap; other "
    "runtimes and container images are rejected."
)
_SIGNATURES = PartialSupport("Signatures are not verified: the policy Enforce refuses all code. Tags are rejected.")
_TOPIC = PartialSupport(
    "Policy, KmsMasterKeyId, TracingConfig, feedback attributes and the retries of DeliveryPolicy have no effect. "
    "ArchivePolicy is rejected."
)
_QUEUE = PartialSupport(f"Policy has no effect. {_ENCRYPTION}.")
_JOB = "Instance types, network isolation and KMS keys have no effect: everything runs on this machine"
_MACHINE = PartialSupport(
    "roleArn, tracingConfiguration and encryptionConfiguration have no effect; integrations with "
    "unsupported services are rejected."
)
_STUDIO = PartialSupport(
    "Of the settings, only the execution role and the owner have an effect; networks, images, "
    "sizes and lifecycle configurations are stored."
)
_SCHEDULE = PartialSupport(
    "Functions, queues, topics, state machines, event buses, and universal targets (aws-sdk) for the operations of the "
    "local cloud; those of other services are rejected. KmsKeyArn has no effect."
)
_VARIANTS = PartialSupport("Instance counts and types have no effect: each variant has one model server.")

NOTES: dict[str, dict[str, NoEffect | PartialSupport]] = {
    "sts": {
        "AssumeRole": PartialSupport("Trust policies and session policies are not enforced."),
        "GetFederationToken": PartialSupport("Session policies are not enforced."),
    },
    "iam": {
        "CreateRole": _ROLES,
        **dict.fromkeys(
            [
                "PutRolePolicy",
                "DeleteRolePolicy",
                "AttachRolePolicy",
                "DetachRolePolicy",
                "PutUserPolicy",
                "DeleteUserPolicy",
                "AttachUserPolicy",
                "DetachUserPolicy",
                "PutGroupPolicy",
                "DeleteGroupPolicy",
                "AttachGroupPolicy",
                "DetachGroupPolicy",
                "CreatePolicy",
                "DeletePolicy",
                "CreatePolicyVersion",
                "DeletePolicyVersion",
                "SetDefaultPolicyVersion",
                "PutRolePermissionsBoundary",
                "DeleteRolePermissionsBoundary",
                "PutUserPermissionsBoundary",
                "DeleteUserPermissionsBoundary",
                "UpdateAssumeRolePolicy",
            ],
            _POLICIES,
        ),
        **dict.fromkeys(
            [
                "CreateServiceSpecificCredential",
                "UpdateServiceSpecificCredential",
                "ResetServiceSpecificCredential",
                "DeleteServiceSpecificCredential",
                "CreateLoginProfile",
                "UpdateLoginProfile",
                "DeleteLoginProfile",
                "CreateInstanceProfile",
                "AddRoleToInstanceProfile",
                "RemoveRoleFromInstanceProfile",
                "DeleteInstanceProfile",
                "CreateOpenIDConnectProvider",
                "AddClientIDToOpenIDConnectProvider",
                "RemoveClientIDFromOpenIDConnectProvider",
                "UpdateOpenIDConnectProviderThumbprint",
                "DeleteOpenIDConnectProvider",
                "CreateSAMLProvider",
                "UpdateSAMLProvider",
                "DeleteSAMLProvider",
                "CreateAccountAlias",
                "DeleteAccountAlias",
                "UpdateAccountPasswordPolicy",
                "DeleteAccountPasswordPolicy",
            ],
            NoEffect("Stored and returned; nothing here uses it."),
        ),
        "GetAccessKeyLastUsed": PartialSupport("Uses of keys are not recorded."),
        "GetPolicyVersion": PartialSupport("The documents of AWS managed policies are not included."),
        "ListPolicies": PartialSupport("Only the account's own policies."),
        "CreateServiceLinkedRole": PartialSupport("The roles of 71 services; for others, the request is rejected."),
        "SimulatePrincipalPolicy": _SIMULATOR,
        "SimulateCustomPolicy": _SIMULATOR,
        "GetContextKeysForPrincipalPolicy": PartialSupport(_AWS_MANAGED),
    },
    "logs": {
        "CreateLogGroup": PartialSupport("KMS keys and classes of groups have no effect."),
        "PutMetricFilter": PartialSupport(
            "Transformers have no effect. A default value is put once for each write without a match."
        ),
        "PutSubscriptionFilter": PartialSupport(
            "Functions; Kinesis, Firehose and logical destinations are rejected. Distribution has no effect."
        ),
        "StartQuery": PartialSupport(
            "fields, display, filter, parse, stats, sort, limit and dedup, in Logs Insights QL. Queries are kept in"
            " memory."
        ),
        "PutResourcePolicy": _POLICIES,
        "DeleteResourcePolicy": _POLICIES,
    },
    "cloudwatch": {
        "PutMetricData": PartialSupport("Values do not expire, except for those in the namespaces AWS/…."),
        "GetMetricStatistics": PartialSupport(
            "Metrics come from PutMetricData, from metric filters and training jobs, and from Lambda, SQS, SNS and Step"
            " Functions. Supported ExtendedStatistics are the percentiles p0 to p100."
        ),
        "GetMetricData": PartialSupport(
            "Metric math without SEARCH, SELECT and anomaly detection; statistics as in GetMetricStatistics."
        ),
        "PutMetricAlarm": PartialSupport(
            "Actions are performed for topics and functions; others have no effect. Anomaly detection is rejected."
        ),
        "PutCompositeAlarm": PartialSupport("Suppressors are rejected. Actions as in PutMetricAlarm."),
        "PutDashboard": NoEffect("Dashboards are stored and returned, but not shown."),
        "DeleteDashboards": NoEffect("Dashboards are stored and returned, but not shown."),
    },
    "s3": {
        "CreateBucket": PartialSupport("Only buckets in this cloud's region. Object Lock is rejected."),
        "PutBucketVersioning": PartialSupport("MFA delete is rejected."),
        "PutBucketEncryption": NoEffect(f"{_ENCRYPTION}."),
        "DeleteBucketEncryption": NoEffect(f"{_ENCRYPTION}."),
        "PutBucketPolicy": PartialSupport(
            "A policy decides about unsigned requests only: anyone with keys may do anything. Conditions are not "
            "evaluated; a statement with one allows nothing."
        ),
        "PutBucketAcl": _ACLS,
        "PutObjectAcl": _ACLS,
        "PutBucketLifecycleConfiguration": PartialSupport(
            "Objects, versions, delete markers and unfinished uploads expire; transitions have no effect."
        ),
        "PutBucketLogging": NoEffect("No access logs are written."),
        "PutObject": _OBJECTS,
        "CopyObject": _OBJECTS,
        "CreateMultipartUpload": _OBJECTS,
        "RestoreObject": PartialSupport("Objects are restored at once; the type SELECT is rejected."),
        "PutBucketNotificationConfiguration": PartialSupport(
            "Notifications of created, copied, removed and restored objects, of tags and of ACLs go to functions, "
            "queues, topics and EventBridge; other events are rejected."
        ),
    },
    "sqs": {
        "AddPermission": _POLICIES,
        "RemovePermission": _POLICIES,
        "CreateQueue": _QUEUE,
        "SetQueueAttributes": _QUEUE,
    },
    "sns": {
        "AddPermission": _POLICIES,
        "RemovePermission": _POLICIES,
        "CreateTopic": _TOPIC,
        "SetTopicAttributes": _TOPIC,
        **dict.fromkeys(
            [
                "CreatePlatformApplication",
                "SetPlatformApplicationAttributes",
                "DeletePlatformApplication",
                "CreatePlatformEndpoint",
                "SetEndpointAttributes",
                "DeleteEndpoint",
            ],
            NoEffect("Stored and returned; no push notifications are sent."),
        ),
        "SetSMSAttributes": NoEffect("Stored and returned; no text messages are sent."),
        "OptInPhoneNumber": NoEffect("No phone number opts out, because no text messages are sent."),
        "PutDataProtectionPolicy": NoEffect("Stored and returned; messages are not inspected."),
        "Publish": PartialSupport("Topics; phone numbers and platform endpoints are rejected."),
        "Subscribe": PartialSupport(
            "Queues, functions, and HTTP endpoints on this machine. Subscriptions of other endpoints and of email "
            "addresses stay pending, telephone numbers and platform endpoints get no messages, and delivery streams "
            "and ReplayPolicy are rejected."
        ),
    },
    "lambda": {
        "CreateEventSourceMapping": PartialSupport("Only SQS queues; other sources are rejected."),
        "AddPermission": _POLICIES,
        "RemovePermission": _POLICIES,
        "PutProvisionedConcurrencyConfig": PartialSupport(
            "At most two environments per core are started. After a restart of the cloud or an update of the function, "
            "invocations run on demand until it is put again."
        ),
        "PutFunctionRecursionConfig": NoEffect("Recursive loops are not detected."),
        "PutRuntimeManagementConfig": NoEffect("Runtimes are those of this machine."),
        "CreateCodeSigningConfig": _SIGNATURES,
        "UpdateCodeSigningConfig": _SIGNATURES,
        "AddLayerVersionPermission": _POLICIES,
        "RemoveLayerVersionPermission": _POLICIES,
        "CreateFunction": _SETTINGS,
        "UpdateFunctionConfiguration": _SETTINGS,
    },
    "sagemaker": {
        "CreateTrainingJob": PartialSupport(
            f"{_JOB}. Compressed Pipe input, instance groups and algorithm resources are rejected."
        ),
        "CreateProcessingJob": PartialSupport(
            f"{_JOB}. Pipe mode, dataset definitions, feature stores and Spark's images are rejected."
        ),
        "CreateTransformJob": PartialSupport(
            f"{_JOB}. Records are lines or entire objects; RecordIO, TFRecord and augmented manifests are rejected."
        ),
        "CreateHyperParameterTuningJob": PartialSupport(
            "Random, Grid and Bayesian. Hyperband, several definitions and warm starts are rejected. With early "
            "stopping (Auto), no training job is stopped early."
        ),
        "CreateModel": PartialSupport(
            f"{_JOB}. One container per model; inference pipelines and multi-model containers are rejected."
        ),
        "CreateEndpointConfig": PartialSupport(
            f"{_JOB}. Asynchronous and serverless inference, shadow variants, explainers and inference "
            "components are rejected."
        ),
        "CreateEndpoint": PartialSupport("All traffic shifts at once; the steps of a DeploymentConfig have no effect."),
        "UpdateEndpoint": PartialSupport("All traffic shifts at once; the steps of a DeploymentConfig have no effect."),
        "UpdateEndpointWeightsAndCapacities": _VARIANTS,
        "CreateModelPackage": PartialSupport(
            "Model cards and life cycles have no effect; validation jobs and algorithm resources are rejected."
        ),
        "CreateDomain": PartialSupport("Only AuthMode IAM; SSO is rejected. " + _STUDIO.limitations),
        "UpdateDomain": _STUDIO,
        "CreateUserProfile": _STUDIO,
        "UpdateUserProfile": _STUDIO,
        "CreateSpace": _STUDIO,
        "UpdateSpace": _STUDIO,
        "CreateApp": PartialSupport(
            "JupyterLab and JupyterServer; other types are rejected. ResourceSpec has no effect."
        ),
        "Search": PartialSupport("Training jobs, endpoints, models, model packages and their groups."),
    },
    "sagemaker-runtime": {
        "InvokeEndpoint": PartialSupport(
            "TargetModel, TargetContainerHostname, inference components, explanations and sessions are rejected."
        ),
    },
    "stepfunctions": {
        "CreateStateMachine": _MACHINE,
        "UpdateStateMachine": _MACHINE,
    },
    "events": {
        "PutTargets": PartialSupport("Functions, queues, topics, state machines, log groups and other buses."),
        "PutPermission": _POLICIES,
        "RemovePermission": _POLICIES,
        "CreateArchive": PartialSupport("KmsKeyIdentifier has no effect."),
        "CreateEventBus": PartialSupport(
            "KmsKeyIdentifier, DeadLetterConfig and LogConfig have no effect; partner sources are rejected."
        ),
    },
    "scheduler": {"CreateSchedule": _SCHEDULE, "UpdateSchedule": _SCHEDULE},
}

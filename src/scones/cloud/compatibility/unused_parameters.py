"""Parameters that supported operations accept without any effect, by service and operation."""

from __future__ import annotations

from collections.abc import Mapping

UNUSED_PARAMETERS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "sts": {
        "AssumeRole": (
            "ExternalId",
            "SerialNumber",
            "TokenCode",
            "ProvidedContexts",
            "MinimumSessionTokenSize",
        ),
        "GetSessionToken": (
            "MinimumSessionTokenSize",
            "SerialNumber",
            "TokenCode",
        ),
        "GetFederationToken": ("MinimumSessionTokenSize",),
    },
    "logs": {
        "PutLogEvents": (
            "sequenceToken",
            "entity",
        ),
        "PutMetricFilter": (
            "fieldSelectionCriteria",
            "emitSystemFieldDimensions",
        ),
        "PutSubscriptionFilter": (
            "fieldSelectionCriteria",
            "emitSystemFields",
        ),
        "PutQueryDefinition": ("clientToken",),
    },
    "cloudwatch": {
        "PutMetricData": ("StrictEntityValidation",),
    },
    "s3": {
        "PutObject": ("SSEKMSEncryptionContext",),
        "CopyObject": ("SSEKMSEncryptionContext",),
        "CreateMultipartUpload": ("SSEKMSEncryptionContext",),
    },
    "lambda": {
        "UpdateFunctionCode": (
            "S3ObjectStorageMode",
            "SourceKMSKeyArn",
        ),
    },
    "sagemaker": {
        "CreateTrainingJob": (
            "VpcConfig",
            "DebugHookConfig",
            "DebugRuleConfigurations",
            "TensorBoardOutputConfig",
            "ExperimentConfig",
            "ProfilerConfig",
            "ProfilerRuleConfigurations",
            "RetryStrategy",
            "RemoteDebugConfig",
            "InfraCheckConfig",
        ),
        "CreateProcessingJob": (
            "NetworkConfig",
            "ExperimentConfig",
        ),
        "CreateTransformJob": (
            "TransformResources",
            "ExperimentConfig",
        ),
        "CreateModel": (
            "VpcConfig",
            "InferenceExecutionConfig",
        ),
        "CreateEndpointConfig": (
            "VpcConfig",
            "MetricsConfig",
        ),
        "UpdateEndpoint": ("RetainDeploymentConfig",),
        "CreateModelPackage": (
            "MetadataProperties",
            "ModelMetrics",
            "Task",
            "SamplePayloadUrl",
            "DriftCheckBaselines",
            "SkipModelValidation",
            "SecurityConfig",
        ),
        "CreateDomain": (
            "DomainSettings",
            "SubnetIds",
            "VpcId",
            "HomeEfsFileSystemKmsKeyId",
            "AppSecurityGroupManagement",
            "HomeEfsFileSystemCreation",
        ),
        "UpdateDomain": (
            "DomainSettingsForUpdate",
            "AppSecurityGroupManagement",
            "SubnetIds",
            "HomeEfsFileSystemCreation",
            "VpcId",
        ),
    },
    "sagemaker-runtime": {
        "InvokeEndpoint": ("PrefixAwareId",),
    },
}

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
        "PutMetricData": (
            "StrictEntityValidation",
            "MetricData.StorageResolution",
            "EntityMetricData.Entity",
        ),
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
        "CreateFunction": (
            "Code.S3ObjectStorageMode",
            "Code.SourceKMSKeyArn",
        ),
        "PublishLayerVersion": ("Content.S3ObjectStorageMode",),
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
            "AlgorithmSpecification.TrainingImageConfig",
            "ResourceConfig.KeepAlivePeriodInSeconds",
            "ResourceConfig.TrainingPlanArn",
            "StoppingCondition.MaxPendingTimeInSeconds",
        ),
        "CreateProcessingJob": (
            "NetworkConfig",
            "ExperimentConfig",
        ),
        "CreateTransformJob": (
            "TransformResources",
            "ExperimentConfig",
            "ModelClientConfig.InvocationsTimeoutInSeconds",
        ),
        "CreateModel": (
            "VpcConfig",
            "InferenceExecutionConfig",
            "PrimaryContainer.ImageConfig",
            "PrimaryContainer.ContainerHostname",
        ),
        "CreateEndpointConfig": (
            "VpcConfig",
            "MetricsConfig",
            "ProductionVariants.AcceleratorType",
            "ProductionVariants.CoreDumpConfig",
            "ProductionVariants.InferenceAmiVersion",
            "ProductionVariants.ManagedInstanceScaling",
            "ProductionVariants.ModelDataDownloadTimeoutInSeconds",
            "ProductionVariants.RoutingConfig",
            "ProductionVariants.VariantInstanceProvisionTimeoutInSeconds",
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
        "CreateHyperParameterTuningJob": (
            "TrainingJobDefinition.RetryStrategy",
            "TrainingJobDefinition.VpcConfig",
        ),
    },
    "sagemaker-runtime": {
        "InvokeEndpoint": ("PrefixAwareId",),
    },
    "events": {
        "PutTargets": ("Targets.RetryPolicy",),
        "PutEvents": ("Entries.TraceHeader",),
    },
}

"""Names of the fuzz test's resources, and requests of operations for which the model is not sufficient."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

ACCOUNT = "111122223333"
REGION = "us-east-1"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/fuzz:1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/fuzz"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:fuzz"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:fuzz"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:fuzz"
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:fuzz"
EXPRESS = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:fuzz-express"
NAMES = ["fuzz", "fuzz", "fuzz", "fuzz-1", "fuzz-2", "fuzz-3"]
"""Names for resources: "fuzz" exists, the others may."""

HANDLER = "def handler(event, context):\n    return event\n"


def archive(*entries: tuple[str, str, int]) -> bytes:
    """Return a zip of entries: name, content, and the file's kind and mode (0 for a regular file)."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        for name, text, mode in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = (mode or 0o100644) << 16
            made.writestr(info, text)
    return content.getvalue()


ARCHIVE = archive(("index.py", HANDLER, 0))
ARCHIVES = [
    ARCHIVE,
    ARCHIVE,
    archive(("a" * 300, "x", 0)),
    archive(("a", "x", 0), ("a/b", "x", 0)),
    archive(("l", "/etc", 0o120777), ("l/x", "x", 0)),
    archive(("../x", "x", 0), ("/y", "x", 0)),
    archive(("a\\b:c\x01", "x", 0), ("index.py", HANDLER, 0)),
    archive(),
    ARCHIVE[:-30],
    ARCHIVE[:20] + b"\xff\xff\xff\xff" + ARCHIVE[24:],
]
"""Archives of functions, most of them broken in ways that affect unpacking."""

TASK = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "fuzz"}}
ACTIVITY = f"arn:aws:states:{REGION}:{ACCOUNT}:activity:fuzz"
ACTIVITY_TASK = {"Type": "Task", "Resource": ACTIVITY, "TimeoutSeconds": 600}
STATES: list[dict[str, Any]] = [
    {"Type": "Pass", "Result": {"a": 1}, "ResultPath": "$.b", "OutputPath": "$"},
    {
        "Type": "Pass",
        "Parameters": {
            "a.$": "States.Format('{}', $.a)",
            "b.$": "States.ArrayRange(1, 9, 2)",
            "c.$": "$$.Execution.Id",
        },
    },
    {
        "Type": "Pass",
        "Parameters": {"a.$": "States.MathRandom(1, 9)", "b.$": "States.Base64Decode('eA==')", "c.$": "States.UUID()"},
    },
    {"Type": "Wait", "Seconds": 1},
    {"Type": "Wait", "TimestampPath": "$.time"},
    {"Type": "Fail", "Error": "E", "CausePath": "$.a"},
    {
        "Type": "Choice",
        "Choices": [
            {"Variable": "$.a", "NumericGreaterThan": 1, "Next": "B"},
            {
                "And": [{"Variable": "$.b", "StringMatches": "a*"}, {"Not": {"Variable": "$.c", "IsNull": True}}],
                "Next": "B",
            },
            {"Variable": "$.time", "TimestampLessThan": "2026-01-01T00:00:00Z", "Next": "B"},
        ],
        "Default": "B",
    },
    {
        "Type": "Parallel",
        "Branches": [{"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}],
        "ResultSelector": {"a.$": "$[0]"},
    },
    {
        "Type": "Map",
        "ItemsPath": "$.items",
        "MaxConcurrency": 2,
        "ItemSelector": {"v.$": "$$.Map.Item.Value"},
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "INLINE"},
            "StartAt": "P",
            "States": {"P": {"Type": "Pass", "End": True}},
        },
    },
    {
        "Type": "Map",
        "Label": "M",
        "ToleratedFailurePercentage": 50,
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
            "Parameters": {"Bucket": "fuzz", "Key": "items.csv"},
        },
        "ItemBatcher": {"MaxItemsPerBatch": 2},
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": "fuzz", "Prefix": "out"},
        },
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "P",
            "States": {"P": {"Type": "Pass", "End": True}},
        },
    },
    {
        **TASK,
        "TimeoutSeconds": 5,
        "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1, "BackoffRate": 2.0}],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B", "ResultPath": "$.error"}],
    },
    {"Type": "Task", "Resource": FUNCTION, "InputPath": "$.a"},
    {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Parameters": {"QueueUrl.$": "$.url", "MessageBody": {"a": 1}},
    },
    {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish",
        "Parameters": {"TopicArn": TOPIC, "Message.$": "$", "Subject": "x"},
    },
    {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:listObjectsV2",
        "Parameters": {"Bucket": "fuzz", "MaxKeys": 2},
    },
    {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sqs:receiveMessage", "Parameters": {"QueueUrl.$": "$.url"}},
    {
        "Type": "Task",
        "Resource": "arn:aws:states:::events:putEvents",
        "Parameters": {"Entries": [{"Source": "a", "DetailType": "b", "Detail": {"a": 1}}]},
    },
    {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution",
        "Parameters": {"StateMachineArn": MACHINE, "Input": {"a": 1}},
    },
    {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "HeartbeatSeconds": 2,
        "Parameters": {"QueueUrl.$": "$.url", "MessageBody": {"t.$": "$$.Task.Token"}},
    },
    {
        "Type": "Task",
        "QueryLanguage": "JSONata",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": "fuzz", "Payload": "{% $states.input %}"},
        "Output": "{% $states.result.Payload %}",
        "Assign": {"x": "{% 1 + 1 %}"},
    },
    {
        "Type": "Choice",
        "QueryLanguage": "JSONata",
        "Choices": [{"Condition": "{% $states.input.a = 1 %}", "Next": "B"}],
        "Default": "B",
    },
    {"Type": "Wait", "QueryLanguage": "JSONata", "Seconds": "{% $states.input.a %}"},
    {
        "Type": "Map",
        "QueryLanguage": "JSONata",
        "Items": "{% [1, 2] %}",
        "ItemProcessor": {
            "StartAt": "P",
            "States": {"P": {"Type": "Pass", "QueryLanguage": "JSONata", "End": True, "Output": "{% $states.input %}"}},
        },
    },
]
"""States of every type and of both query languages."""


def definition(state: dict[str, Any]) -> str:
    """Return the definition of a state machine with a state, followed by another one if its type allows that."""
    if state["Type"] == "Fail":
        return json.dumps({"StartAt": "A", "States": {"A": state}})
    ends = {} if state["Type"] == "Choice" else {"Next": "B"}
    return json.dumps({"StartAt": "A", "States": {"A": {**state, **ends}, "B": {"Type": "Succeed"}}})


DEFINITIONS = [definition(state) for state in STATES]
INPUT = {"a": 1, "b": "abc", "items": [1, 2, 3], "time": "2026-01-01T00:00:00Z", "c": None}
PATTERNS: list[dict[str, Any]] = [
    {"source": ["a"], "detail": {"a": [{"numeric": [">", 0, "<=", 5]}], "b": [{"prefix": "x"}, {"suffix": "y"}]}},
    {
        "detail-type": [{"anything-but": ["b"]}],
        "account": [ACCOUNT],
        "$or": [{"source": ["a"]}, {"detail": {"c": [{"exists": False}]}}],
    },
    {"detail": {"ip": [{"cidr": "10.0.0.0/8"}], "w": [{"wildcard": "a*b"}], "e": [{"equals-ignore-case": "X"}]}},
]
EVENT = {
    "id": "1",
    "source": "a",
    "detail-type": "b",
    "account": ACCOUNT,
    "time": "2026-01-01T00:00:00Z",
    "region": REGION,
    "resources": [],
    "detail": {"a": 1, "b": "xyz", "ip": "10.0.0.1", "w": "ab", "e": "x"},
}
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
TRAINING: dict[str, Any] = {
    "TrainingJobName": "fuzz-1",
    "RoleArn": ROLE,
    "AlgorithmSpecification": {
        "TrainingImage": IMAGE,
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
    },
    "HyperParameters": {"a": "1"},
    "Environment": {"AB": "b"},
    "InputDataConfig": [
        {
            "ChannelName": "train",
            "ContentType": "text/csv",
            "CompressionType": "None",
            "DataSource": {
                "S3DataSource": {
                    "S3DataType": "S3Prefix",
                    "S3Uri": "s3://fuzz/items",
                    "S3DataDistributionType": "FullyReplicated",
                }
            },
        }
    ],
    "OutputDataConfig": {"S3OutputPath": "s3://fuzz/out"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
    "StoppingCondition": {"MaxRuntimeInSeconds": 5},
    "CheckpointConfig": {"S3Uri": "s3://fuzz/checkpoints"},
    "Tags": [{"Key": "a", "Value": "b"}],
}
_DEFINITION = {
    name: TRAINING[name]
    for name in ("RoleArn", "InputDataConfig", "OutputDataConfig", "ResourceConfig", "StoppingCondition")
}
TUNING: dict[str, Any] = {
    "HyperParameterTuningJobName": "fuzz-1",
    "HyperParameterTuningJobConfig": {
        "Strategy": "Random",
        "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 1},
        "ParameterRanges": {
            "ContinuousParameterRanges": [{"Name": "lr", "MinValue": "0.1", "MaxValue": "1", "ScalingType": "Auto"}],
            "IntegerParameterRanges": [{"Name": "n", "MinValue": "1", "MaxValue": "3"}],
            "CategoricalParameterRanges": [{"Name": "c", "Values": ["a", "b"]}],
        },
    },
    "TrainingJobDefinition": {
        "AlgorithmSpecification": TRAINING["AlgorithmSpecification"],
        **_DEFINITION,
        "StaticHyperParameters": {"a": "1"},
    },
}
VARIANT = {
    "VariantName": "a",
    "ModelName": "fuzz",
    "InitialInstanceCount": 1,
    "InstanceType": "ml.m5.large",
    "InitialVariantWeight": 1.0,
}
FUNCTION_REQUEST: dict[str, Any] = {
    "FunctionName": "fuzz-1",
    "Runtime": "python3.12",
    "Role": ROLE,
    "Handler": "index.handler",
    "Code": {"ZipFile": ARCHIVE},
    "Timeout": 2,
    "MemorySize": 128,
    "Environment": {"Variables": {"AB": "b"}},
    "Tags": {"a": "b"},
    "Layers": [],
    "DeadLetterConfig": {"TargetArn": QUEUE},
    "EphemeralStorage": {"Size": 512},
    "LoggingConfig": {"LogFormat": "JSON"},
}

TEMPLATES: dict[str, list[dict[str, Any]]] = {
    "CreateTrainingJob": [TRAINING],
    "CreateHyperParameterTuningJob": [TUNING],
    "CreateProcessingJob": [
        {
            "ProcessingJobName": "fuzz-1",
            "RoleArn": ROLE,
            "AppSpecification": {"ImageUri": IMAGE, "ContainerArguments": ["a"]},
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
            },
            "ProcessingInputs": [
                {
                    "InputName": "a",
                    "S3Input": {
                        "S3Uri": "s3://fuzz/items",
                        "LocalPath": "/opt/ml/processing/input",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                        "S3CompressionType": "None",
                    },
                }
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": "o",
                        "S3Output": {
                            "S3Uri": "s3://fuzz/out",
                            "LocalPath": "/opt/ml/processing/out",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                ]
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 5},
            "Environment": {"AB": "b"},
        }
    ],
    "CreateTransformJob": [
        {
            "TransformJobName": "fuzz-1",
            "ModelName": "fuzz",
            "BatchStrategy": "MultiRecord",
            "MaxPayloadInMB": 1,
            "MaxConcurrentTransforms": 1,
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://fuzz/items"}},
                "ContentType": "text/csv",
                "SplitType": "Line",
            },
            "TransformOutput": {"S3OutputPath": "s3://fuzz/out", "AssembleWith": "Line", "Accept": "text/csv"},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
            "DataProcessing": {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "Input"},
        }
    ],
    "CreateModel": [
        {
            "ModelName": "fuzz-1",
            "ExecutionRoleArn": ROLE,
            "PrimaryContainer": {"Image": IMAGE, "Environment": {"AB": "b"}},
        }
    ],
    "CreateEndpointConfig": [
        {
            "EndpointConfigName": "fuzz-1",
            "ProductionVariants": [VARIANT],
            "DataCaptureConfig": {
                "EnableCapture": True,
                "InitialSamplingPercentage": 100,
                "DestinationS3Uri": "s3://fuzz/capture",
                "CaptureOptions": [{"CaptureMode": "Input"}],
                "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
            },
        }
    ],
    "CreateEndpoint": [{"EndpointName": "fuzz-1", "EndpointConfigName": "fuzz"}],
    "UpdateEndpoint": [{"EndpointName": "fuzz", "EndpointConfigName": "fuzz"}],
    "UpdateEndpointWeightsAndCapacities": [
        {
            "EndpointName": "fuzz",
            "DesiredWeightsAndCapacities": [{"VariantName": "a", "DesiredWeight": 1.0, "DesiredInstanceCount": 1}],
        }
    ],
    "CreateModelPackage": [
        {
            "ModelPackageGroupName": "fuzz",
            "ModelApprovalStatus": "Approved",
            "InferenceSpecification": {
                "Containers": [{"Image": IMAGE}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        }
    ],
    "CreateDomain": [
        {
            "DomainName": "fuzz-1",
            "AuthMode": "IAM",
            "DefaultUserSettings": {"ExecutionRole": ROLE},
            "SubnetIds": ["subnet-1"],
            "VpcId": "vpc-1",
        }
    ],
    "CreateApp": [{"DomainId": "DOMAIN", "UserProfileName": "fuzz", "AppType": "JupyterLab", "AppName": "default"}],
    "Search": [
        {
            "Resource": "TrainingJob",
            "SortBy": "CreationTime",
            "SortOrder": "Ascending",
            "MaxResults": 5,
            "SearchExpression": {
                "Filters": [
                    {"Name": "TrainingJobName", "Operator": "Contains", "Value": "f"},
                    {"Name": "CreationTime", "Operator": "GreaterThan", "Value": "2026-01-01T00:00:00Z"},
                ],
                "Operator": "And",
                "NestedFilters": [
                    {
                        "NestedPropertyName": "InputDataConfig",
                        "Filters": [{"Name": "InputDataConfig.ChannelName", "Operator": "Equals", "Value": "train"}],
                    }
                ],
                "SubExpressions": [{"Filters": [{"Name": "Tags.a", "Operator": "Exists"}]}],
            },
        }
    ],
    "CreateFunction": [FUNCTION_REQUEST],
    "UpdateFunctionConfiguration": [
        {
            **{name: value for name, value in FUNCTION_REQUEST.items() if name not in ("Code", "Tags", "FunctionName")},
            "FunctionName": "fuzz",
        }
    ],
    "CreateEventSourceMapping": [
        {
            "FunctionName": "fuzz",
            "EventSourceArn": QUEUE,
            "BatchSize": 2,
            "Enabled": False,
            "MaximumBatchingWindowInSeconds": 1,
            "FilterCriteria": {"Filters": [{"Pattern": json.dumps({"body": {"a": [1]}})}]},
            "ScalingConfig": {"MaximumConcurrency": 2},
        }
    ],
    "PutFunctionEventInvokeConfig": [
        {
            "FunctionName": "fuzz",
            "MaximumRetryAttempts": 0,
            "MaximumEventAgeInSeconds": 60,
            "DestinationConfig": {"OnFailure": {"Destination": QUEUE}},
        }
    ],
    "AddPermission": [
        {
            "FunctionName": "fuzz",
            "StatementId": "fuzz-1",
            "Action": "lambda:InvokeFunction",
            "Principal": "events.amazonaws.com",
        },
        {"QueueUrl": "QUEUE_URL", "Label": "fuzz-1", "AWSAccountIds": [ACCOUNT], "Actions": ["SendMessage"]},
    ],
    "CreateFunctionUrlConfig": [
        {"FunctionName": "fuzz", "AuthType": "NONE", "Cors": {"AllowOrigins": ["*"], "MaxAge": 1}}
    ],
    "TestState": [
        {
            "definition": json.dumps({**state, **({} if state["Type"] in ("Choice", "Fail") else {"End": True})}),
            "roleArn": ROLE,
            "input": json.dumps(INPUT),
            "inspectionLevel": "TRACE",
            "variables": "{}",
            "mock": {"result": json.dumps({"Payload": 1}), "fieldValidationMode": "NONE"},
        }
        for state in STATES
    ],
    "CreateStateMachine": [{"name": "fuzz-1", "roleArn": ROLE, "definition": each} for each in DEFINITIONS],
    "PutTargets": [
        {
            "Rule": "fuzz",
            "Targets": [
                {
                    "Id": "1",
                    "Arn": arn,
                    "RoleArn": ROLE,
                    "InputTransformer": {"InputPathsMap": {"a": "$.detail.a"}, "InputTemplate": '{"x": <a>}'},
                    "RetryPolicy": {"MaximumRetryAttempts": 0},
                    "DeadLetterConfig": {"Arn": QUEUE},
                }
            ],
        }
        for arn in (QUEUE, FUNCTION, MACHINE, TOPIC)
    ],
    "PutRule": [
        {"Name": "fuzz-1", "EventPattern": json.dumps(PATTERNS[0]), "State": "ENABLED"},
        {"Name": "fuzz-2", "ScheduleExpression": "rate(1 hour)"},
    ],
    "PutEvents": [
        {
            "Entries": [
                {
                    "Source": "a",
                    "DetailType": "b",
                    "Detail": json.dumps(EVENT["detail"]),
                    "Resources": ["x"],
                    "Time": 1760000000,
                }
            ]
        }
    ],
    "PutMetricData": [
        {
            "Namespace": "fuzz",
            "MetricData": [
                {
                    "MetricName": "m",
                    "Value": 1.5,
                    "Timestamp": "2026-11-28T00:00:00Z",
                    "Dimensions": [{"Name": "a", "Value": "b"}],
                    "Unit": "Count",
                },
                {"MetricName": "m", "Values": [1, 2], "Counts": [1, 2]},
            ],
        }
    ],
    "GetMetricStatistics": [
        {
            "Namespace": "fuzz",
            "MetricName": "m",
            "StartTime": "2026-11-01T00:00:00Z",
            "EndTime": "2026-12-31T00:00:00Z",
            "Period": 86400,
            "Statistics": ["Sum", "Average"],
            "ExtendedStatistics": ["p90"],
            "Dimensions": [{"Name": "a", "Value": "b"}],
        }
    ],
    "PutLogEvents": [
        {"logGroupName": "fuzz", "logStreamName": "fuzz", "logEvents": [{"timestamp": "NOW", "message": '{"a": 1}'}]}
    ],
    "FilterLogEvents": [
        {"logGroupName": "fuzz", "startTime": 0, "endTime": 1900000000000, "limit": 5, "filterPattern": pattern}
        for pattern in ("{ $.a = 1 }", "[ip, user, code = 4*]", 'error -warn ?x "y z"', "%a+%")
    ],
    "PutBucketNotificationConfiguration": [
        {
            "Bucket": "fuzz",
            "NotificationConfiguration": {
                "QueueConfigurations": [
                    {
                        "QueueArn": QUEUE,
                        "Events": ["s3:ObjectCreated:*"],
                        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "q"}]}},
                    }
                ],
                "LambdaFunctionConfigurations": [{"LambdaFunctionArn": FUNCTION, "Events": ["s3:ObjectRemoved:*"]}],
            },
        }
    ],
    "CompleteMultipartUpload": [
        {
            "Bucket": "fuzz",
            "Key": "multi",
            "UploadId": "UPLOAD_ID",
            "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": '"x"'}]},
        }
    ],
    "UploadPart": [{"Bucket": "fuzz", "Key": "multi", "UploadId": "UPLOAD_ID", "PartNumber": 1, "Body": b"abc"}],
    "UploadPartCopy": [
        {"Bucket": "fuzz", "Key": "multi", "UploadId": "UPLOAD_ID", "PartNumber": 1, "CopySource": "fuzz/items.csv"}
    ],
    "ListParts": [{"Bucket": "fuzz", "Key": "multi", "UploadId": "UPLOAD_ID", "MaxParts": 1}],
    "DeleteObjects": [{"Bucket": "fuzz", "Delete": {"Objects": [{"Key": "x"}, {"Key": "y"}], "Quiet": False}}],
    "PutObjectTagging": [{"Bucket": "fuzz", "Key": "items.csv", "Tagging": {"TagSet": [{"Key": "a", "Value": "b"}]}}],
    "PutBucketTagging": [{"Bucket": "fuzz", "Tagging": {"TagSet": [{"Key": "a", "Value": "b"}]}}],
    "SendMessage": [
        {
            "QueueUrl": "QUEUE_URL",
            "MessageBody": "x",
            "DelaySeconds": 0,
            "MessageAttributes": {
                "a": {"DataType": "Number", "StringValue": "1"},
                "b": {"DataType": "Binary", "BinaryValue": b"x"},
            },
        }
    ],
    "SendMessageBatch": [
        {
            "QueueUrl": "QUEUE_URL",
            "Entries": [{"Id": "1", "MessageBody": "x"}, {"Id": "2", "MessageBody": "y", "DelaySeconds": 1}],
        }
    ],
    "ReceiveMessage": [
        {
            "QueueUrl": "QUEUE_URL",
            "MaxNumberOfMessages": 2,
            "WaitTimeSeconds": 0,
            "VisibilityTimeout": 0,
            "AttributeNames": ["All"],
            "MessageAttributeNames": ["a.*"],
        }
    ],
    "Publish": [
        {
            "TopicArn": TOPIC,
            "Message": "x",
            "Subject": "y",
            "MessageAttributes": {"a": {"DataType": "String.Array", "StringValue": '["b"]'}},
        },
        {"TopicArn": TOPIC, "Message": '{"default": "x", "sqs": "y"}', "MessageStructure": "json"},
    ],
    "PublishBatch": [
        {
            "TopicArn": TOPIC,
            "PublishBatchRequestEntries": [{"Id": "1", "Message": "x"}, {"Id": "2", "Message": '{"a": 1}'}],
        }
    ],
    "Subscribe": [
        {
            "TopicArn": TOPIC,
            "Protocol": "sqs",
            "Endpoint": QUEUE,
            "ReturnSubscriptionArn": True,
            "Attributes": {
                "RawMessageDelivery": "true",
                "FilterPolicy": json.dumps({"a": ["b", {"numeric": [">", 1]}]}),
                "FilterPolicyScope": "MessageAttributes",
                "RedrivePolicy": json.dumps({"deadLetterTargetArn": QUEUE}),
            },
        }
    ],
    "CreateTopic": [
        {
            "Name": "fuzz-1",
            "Attributes": {"DisplayName": "x", "Policy": json.dumps(POLICY), "MaximumMessageSize": "2048"},
            "Tags": [{"Key": "a", "Value": "b"}],
        }
    ],
    "CreateQueue": [
        {
            "QueueName": "fuzz-1",
            "Attributes": {
                "VisibilityTimeout": "1",
                "Policy": json.dumps(POLICY),
                "MaximumMessageSize": "2048",
                "MessageRetentionPeriod": "60",
                "RedrivePolicy": json.dumps({"deadLetterTargetArn": QUEUE, "maxReceiveCount": 3}),
                "RedriveAllowPolicy": json.dumps({"redrivePermission": "allowAll"}),
            },
        }
    ],
    "SetQueueAttributes": [{"QueueUrl": "QUEUE_URL", "Attributes": {"VisibilityTimeout": "1", "DelaySeconds": "0"}}],
    "SetTopicAttributes": [{"TopicArn": TOPIC, "AttributeName": "DeliveryPolicy", "AttributeValue": "{}"}],
    "SetSubscriptionAttributes": [
        {
            "SubscriptionArn": "SUBSCRIPTION",
            "AttributeName": "FilterPolicy",
            "AttributeValue": json.dumps(PATTERNS[0]["detail"]),
        }
    ],
    "AssumeRole": [{"RoleArn": ROLE, "RoleSessionName": "fuzz", "DurationSeconds": 900}],
    "CreateRole": [
        {"RoleName": "fuzz-1", "AssumeRolePolicyDocument": json.dumps(POLICY), "Tags": [{"Key": "a", "Value": "b"}]}
    ],
    "StartExecution": [
        {"stateMachineArn": MACHINE, "name": "fuzz-1", "input": json.dumps(INPUT)},
        {"stateMachineArn": MACHINE, "input": "{}"},
    ],
    "StartSyncExecution": [{"stateMachineArn": EXPRESS, "input": json.dumps(INPUT)}],
    "Invoke": [
        {"FunctionName": "fuzz", "Payload": b'{"a": 1}', "LogType": "Tail"},
        {"FunctionName": "fuzz", "InvocationType": "Event", "Payload": b"{}"},
    ],
    "InvokeEndpoint": [{"EndpointName": "fuzz", "Body": b"1,2", "ContentType": "text/csv", "InferenceId": "a"}],
}
"""Requests that succeed, or nearly succeed, by operation.

Words in capitals are placeholders for values of the running cloud, and `fuzz-1` for a new name.
"""

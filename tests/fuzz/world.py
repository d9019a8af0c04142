"""Resources that exist in the cloud under test, so that requests get past "not found"."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from .templates import (
    ACCOUNT,
    ACTIVITY,
    ACTIVITY_TASK,
    ARCHIVE,
    ARCHIVES,
    DEFINITIONS,
    EVENT,
    EXPRESS,
    FUNCTION,
    FUNCTION_REQUEST,
    IMAGE,
    INPUT,
    MACHINE,
    NAMES,
    PATTERNS,
    POLICY,
    QUEUE,
    REGION,
    ROLE,
    STATES,
    TEMPLATES,
    TOPIC,
    TRAINING,
    VARIANT,
    definition,
)

UNKNOWN = "x"
"""Placeholder for an identifier that the cloud did not return."""
ENDPOINT = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/fuzz"
RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/fuzz"
SCHEDULE_GROUP = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/fuzz"
ALARM = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:fuzz"
USER = f"arn:aws:iam::{ACCOUNT}:user/fuzz"
PROVIDERS = {
    "saml": f"arn:aws:iam::{ACCOUNT}:saml-provider/fuzz",
    "openid": f"arn:aws:iam::{ACCOUNT}:oidc-provider/fuzz.example",
}
IDENTITY_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["s3:*", "sqs:Send*"],
            "Resource": "arn:aws:s3:::${aws:username}/*",
            "Condition": {"StringLike": {"aws:a": "x*"}, "NumericLessThan": {"aws:b": 3}},
        }
    ],
}
LAYER = f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:fuzz:1"
LOG_GROUP = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:fuzz"
TRAINING_JOB = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/fuzz"
TAGGED = {
    ("sns", "ResourceArn"): TOPIC,
    ("sagemaker", "ResourceArn"): ENDPOINT,
    ("events", "ResourceARN"): RULE,
    ("scheduler", "ResourceArn"): SCHEDULE_GROUP,
    ("stepfunctions", "resourceArn"): MACHINE,
    ("lambda", "Resource"): FUNCTION,
    ("cloudwatch", "ResourceARN"): ALARM,
}
"""The tagged resource of each service, by the parameter that names it."""
APP_KEY = ("DomainId", "UserProfileName", "SpaceName", "AppType", "AppName")
JOBS = {
    "TrainingJob": "training_job",
    "HyperParameterTuningJob": "hyper_parameter_tuning_job",
    "TransformJob": "transform_job",
    "ProcessingJob": "processing_job",
}


class World:
    """The resources of one cloud, created with boto3, and parameter values that refer to them."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self.client = client
        self.known: dict[str, list[Any]] = {}
        self.words: dict[str, Any] = {}
        self.of_services = dict(_operations_on_tags())

    def restore(self) -> None:
        """Create missing resources, and store their identifiers."""
        known = {**_known(), **self._storage(), **self._messaging(), **self._identity(), **self._functions()}
        known |= {**self._machines(), **self._sagemaker(), **self._observability()}
        self.known = {name: values for name, values in known.items() if values}
        self.words = {
            "QUEUE_URL": known["queueurl"][0],
            "SUBSCRIPTION": known["subscriptionarn"][0],
            "DOMAIN": known["domainid"][0],
            "UPLOAD_ID": known["uploadid"][0],
        }

    def _storage(self) -> dict[str, list[Any]]:
        s3 = self.client("s3")
        _try(s3.create_bucket, Bucket="fuzz")
        _try(s3.put_object, Bucket="fuzz", Key="items.csv", Body=b"a,b\n1,2\n3,4\n", Metadata={"a": "b"})
        _try(s3.put_object, Bucket="fuzz", Key="code.zip", Body=ARCHIVE)
        return {"uploadid": [_try(s3.create_multipart_upload, Bucket="fuzz", Key="multi").get("UploadId", UNKNOWN)]}

    def _messaging(self) -> dict[str, list[Any]]:
        sqs, sns, events = (self.client(name) for name in ("sqs", "sns", "events"))
        url = _try(sqs.create_queue, QueueName="fuzz").get("QueueUrl", UNKNOWN)
        _try(sqs.create_queue, QueueName="fuzz.fifo", Attributes={"FifoQueue": "true"})
        _try(sqs.send_message, QueueUrl=url, MessageBody="fuzz")
        messages = _try(sqs.receive_message, QueueUrl=url).get("Messages") or [{"ReceiptHandle": UNKNOWN}]
        _try(sns.create_topic, Name="fuzz")
        subscribed = _try(sns.subscribe, TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE, ReturnSubscriptionArn=True)
        _try(events.create_event_bus, Name="fuzz")
        _try(events.put_rule, Name="fuzz", EventPattern=json.dumps(PATTERNS[0]))
        scheduler = self.client("scheduler")
        _try(scheduler.create_schedule_group, Name="fuzz")
        schedule = {"ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": {"Mode": "OFF"}, "State": "DISABLED"}
        _try(scheduler.create_schedule, Name="fuzz", **schedule, Target={"Arn": QUEUE, "RoleArn": ROLE})
        return {
            "queueurl": [url, f"{url}.fifo"],
            "receipthandle": [messages[0]["ReceiptHandle"]],
            "subscriptionarn": [subscribed.get("SubscriptionArn", UNKNOWN)],
        }

    def _identity(self) -> dict[str, list[Any]]:
        iam, logs = self.client("iam"), self.client("logs")
        _try(iam.create_role, RoleName="fuzz", AssumeRolePolicyDocument=json.dumps(POLICY))
        _try(iam.create_policy, PolicyName="fuzz", PolicyDocument=json.dumps(IDENTITY_POLICY))
        _try(iam.create_user, UserName="fuzz")
        _try(iam.create_group, GroupName="fuzz")
        _try(iam.add_user_to_group, GroupName="fuzz", UserName="fuzz")
        for kind in ("user", "group", "role"):
            put = getattr(iam, f"put_{kind}_policy")
            policy = {"PolicyName": "fuzz", "PolicyDocument": json.dumps(IDENTITY_POLICY)}
            _try(put, **{f"{kind.title()}Name": "fuzz"}, **policy)
        _try(iam.create_login_profile, UserName="fuzz", Password="fuzz-FUZZ-1")
        _try(iam.create_instance_profile, InstanceProfileName="fuzz")
        _try(iam.create_saml_provider, Name="fuzz", SAMLMetadataDocument="<x/>" * 250)
        _try(iam.create_open_id_connect_provider, Url="https://fuzz.example", ThumbprintList=["a" * 40])
        _try(logs.create_log_group, logGroupName="fuzz")
        _try(logs.create_log_stream, logGroupName="fuzz", logStreamName="fuzz")
        return {"policyarn": [f"arn:aws:iam::{ACCOUNT}:policy/fuzz"]}

    def _observability(self) -> dict[str, list[Any]]:
        cloudwatch, logs = self.client("cloudwatch"), self.client("logs")
        alarm = {"Namespace": "fuzz", "MetricName": "m", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1}
        compared = {"Threshold": 1, "ComparisonOperator": "GreaterThanThreshold"}
        _try(cloudwatch.put_metric_alarm, AlarmName="fuzz", **alarm, **compared, AlarmActions=[TOPIC])
        _try(cloudwatch.put_composite_alarm, AlarmName="fuzz-composite", AlarmRule="ALARM(fuzz)")
        _try(cloudwatch.put_dashboard, DashboardName="fuzz", DashboardBody='{"widgets": []}')
        metric = {"metricName": "m", "metricNamespace": "fuzz", "metricValue": "1"}
        filtered = {"logGroupName": "fuzz", "filterName": "fuzz"}
        _try(logs.put_metric_filter, **filtered, filterPattern="", metricTransformations=[metric])
        _try(logs.put_subscription_filter, **filtered, filterPattern="", destinationArn=FUNCTION)
        _try(logs.put_resource_policy, policyName="fuzz", policyDocument=json.dumps(POLICY))
        definition = _try(logs.put_query_definition, name="fuzz", queryString="fields @message")
        times = {"startTime": 0, "endTime": 1_900_000_000}
        query = _try(logs.start_query, logGroupName="fuzz", queryString="fields @message", **times)
        return {
            "querydefinitionid": [definition.get("queryDefinitionId", UNKNOWN)],
            "queryid": [query.get("queryId", UNKNOWN)],
        }

    def _functions(self) -> dict[str, list[Any]]:
        functions = self.client("lambda")
        _try(functions.create_function, **{**FUNCTION_REQUEST, "FunctionName": "fuzz"})
        _try(functions.publish_version, FunctionName="fuzz")
        _try(functions.create_alias, FunctionName="fuzz", Name="fuzz", FunctionVersion="1")
        _try(functions.publish_layer_version, LayerName="fuzz", Content={"ZipFile": ARCHIVE})
        mapping = _try(functions.create_event_source_mapping, FunctionName="fuzz", EventSourceArn=QUEUE, Enabled=False)
        return {"uuid": [mapping.get("UUID", UNKNOWN)]}

    def _machines(self) -> dict[str, list[Any]]:
        states = self.client("stepfunctions")
        _try(states.create_state_machine, name="fuzz", roleArn=ROLE, definition=DEFINITIONS[0], publish=True)
        _try(states.create_state_machine, name="fuzz-express", type="EXPRESS", roleArn=ROLE, definition=DEFINITIONS[1])
        routing = [{"stateMachineVersionArn": f"{MACHINE}:1", "weight": 100}]
        _try(states.create_state_machine_alias, name="fuzz", routingConfiguration=routing)
        _try(states.create_activity, name="fuzz")
        for name, state in (("fuzz-task", ACTIVITY_TASK), ("fuzz-failed", STATES[5]), ("fuzz-map", STATES[9])):
            _try(states.create_state_machine, name=name, roleArn=ROLE, definition=definition(state))
        task, failed, mapped, passed = (
            _try(states.start_execution, stateMachineArn=MACHINE + suffix, input=json.dumps(INPUT)).get("executionArn")
            for suffix in ("-task", "-failed", "-map", "")
        )
        token = _try(states.get_activity_task, activityArn=ACTIVITY).get("taskToken") if task else None
        runs = _try(states.list_map_runs, executionArn=mapped).get("mapRuns", []) if mapped else []
        return {
            "executionarn": [each for each in (task, failed, mapped, passed) if each],
            "tasktoken": [token] if token else [],
            "maprunarn": [run["mapRunArn"] for run in runs],
        }

    def _sagemaker(self) -> dict[str, list[Any]]:
        sagemaker = self.client("sagemaker")
        _try(sagemaker.create_training_job, **{**TRAINING, "TrainingJobName": "fuzz"})
        _try(sagemaker.create_model, ModelName="fuzz", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE})
        _try(sagemaker.create_endpoint_config, EndpointConfigName="fuzz", ProductionVariants=[VARIANT])
        _try(sagemaker.create_endpoint, EndpointName="fuzz", EndpointConfigName="fuzz")
        _try(sagemaker.create_model_package_group, ModelPackageGroupName="fuzz")
        _try(sagemaker.create_domain, **TEMPLATES["CreateDomain"][0] | {"DomainName": "fuzz"})
        domains = _try(sagemaker.list_domains).get("Domains") or [{"DomainId": "d-x"}]
        domain = domains[0]["DomainId"]
        _try(sagemaker.create_user_profile, DomainId=domain, UserProfileName="fuzz")
        listed = _try(sagemaker.list_model_packages, ModelPackageGroupName="fuzz").get("ModelPackageSummaryList", [])
        packages = [each["ModelPackageArn"] for each in listed]
        return {
            "domainid": [domain],
            "domainidequals": [domain],
            "modelpackagename": packages,
            "modelpackagearn": packages,
        }

    def tidy(self) -> None:
        """Stop everything that keeps processes or polls running, except for what `restore` created."""
        self._end_endpoints_and_apps()
        self._end_jobs()
        functions, states = self.client("lambda"), self.client("stepfunctions")
        for each in _try(functions.list_event_source_mappings, MaxItems=100).get("EventSourceMappings", []):
            _try(functions.delete_event_source_mapping, UUID=each["UUID"])
        for machine in _try(states.list_state_machines, maxResults=100).get("stateMachines", []):
            if machine["type"] == "STANDARD":
                wanted = {"stateMachineArn": machine["stateMachineArn"], "statusFilter": "RUNNING", "maxResults": 50}
                for each in _try(states.list_executions, **wanted).get("executions", []):
                    _try(states.stop_execution, executionArn=each["executionArn"])

    def _end_endpoints_and_apps(self) -> None:
        sagemaker = self.client("sagemaker")
        for each in _try(sagemaker.list_endpoints, MaxResults=100).get("Endpoints", []):
            if each["EndpointName"] != "fuzz":
                _try(sagemaker.delete_endpoint, EndpointName=each["EndpointName"])
        for each in _try(sagemaker.list_apps, MaxResults=100).get("Apps", []):
            _try(sagemaker.delete_app, **{name: each[name] for name in APP_KEY if name in each})

    def _end_jobs(self) -> None:
        sagemaker = self.client("sagemaker")
        for kind, word in JOBS.items():
            listed = _try(getattr(sagemaker, f"list_{word}s"), StatusEquals="InProgress", MaxResults=100)
            for each in listed.get(f"{kind}Summaries", []):
                _try(getattr(sagemaker, f"stop_{word}"), **{f"{kind}Name": each[f"{kind}Name"]})


def _operations_on_tags() -> Iterator[tuple[tuple[str, str], list[dict[str, Any]]]]:
    for (service, member), arn in TAGGED.items():
        small = service == "stepfunctions"
        pairs, keys = ("tags", "tagKeys") if small else ("Tags", "TagKeys")
        tags: Any = [{"key": "a", "value": "b"}] if small else [{"Key": "a", "Value": "b"}]
        for name in ("ListTags", "ListTagsForResource"):
            yield (service, name), [{member: arn}]
        for name in ("AddTags", "TagResource"):
            yield (service, name), [{member: arn, pairs: {"a": "b"} if service == "lambda" else tags}]
        for name in ("DeleteTags", "UntagResource"):
            yield (service, name), [{member: arn, keys: ["a"]}]


def _known() -> dict[str, list[Any]]:
    """Return values by lower-case parameter name that do not depend on the running cloud."""
    arns = [ROLE, FUNCTION, QUEUE, TOPIC, MACHINE, ENDPOINT, RULE, LOG_GROUP, TRAINING_JOB, ACTIVITY]
    documents = [json.dumps(POLICY)]
    return {
        "bucket": ["fuzz"],
        "key": ["items.csv", "items.csv", "code.zip", "x"],
        "copysource": ["fuzz/items.csv", "/fuzz/code.zip"],
        "queuename": NAMES,
        "topicarn": [TOPIC],
        "targetarn": [TOPIC, QUEUE],
        "functionname": [*NAMES, FUNCTION, f"{FUNCTION}:1"],
        "qualifier": ["1", "fuzz", "$LATEST"],
        "functionversion": ["1", "$LATEST"],
        "rolearn": [ROLE],
        "role": [ROLE],
        "executionrolearn": [ROLE],
        "rolename": NAMES,
        "policysourcearn": [ROLE, USER],
        "policydocument": [*documents, json.dumps(IDENTITY_POLICY)],
        "policyinputlist": [[json.dumps(IDENTITY_POLICY)]],
        "permissionsboundarypolicyinputlist": [[json.dumps(IDENTITY_POLICY)]],
        "actionnames": [["s3:GetObject", "sqs:SendMessage"]],
        "contextkeyname": ["aws:a", "aws:b"],
        "contextkeyvalues": [["x", "1"]],
        "username": NAMES,
        "groupname": NAMES,
        "policyname": ["fuzz"],
        "instanceprofilename": NAMES,
        "samlproviderarn": [PROVIDERS["saml"]],
        "openidconnectproviderarn": [PROVIDERS["openid"]],
        "alarmname": [*NAMES, "fuzz-composite"],
        "alarmnames": [["fuzz"], ["fuzz-composite", "fuzz-1"]],
        "alarmrule": ["ALARM(fuzz)", "TRUE OR NOT OK(fuzz-1)"],
        "dashboardname": NAMES,
        "dashboardbody": ['{"widgets": []}'],
        "filtername": ["fuzz"],
        "filterpattern": ["", "{ $.a = 1 }", "error"],
        "querystring": ["fields @message | limit 2", "stats count(*) by bin(1m)"],
        "assumerolepolicydocument": documents,
        "policy": documents,
        "loggroupname": NAMES,
        "logstreamname": ["fuzz", "fuzz-1"],
        "loggroupidentifier": ["fuzz"],
        "statemachinearn": [MACHINE, MACHINE, EXPRESS],
        "statemachineversionarn": [f"{MACHINE}:1"],
        "statemachinealiasarn": [f"{MACHINE}:fuzz"],
        "activityarn": [ACTIVITY],
        "definition": DEFINITIONS,
        "input": [json.dumps(INPUT), "{}"],
        "output": ["{}"],
        "resourcearn": arns,
        "resource": arns,
        "eventbusname": ["fuzz", "default"],
        "rule": ["fuzz"],
        "event": [json.dumps(EVENT)],
        "eventpattern": [json.dumps(each) for each in PATTERNS],
        "scheduleexpression": ["rate(1 hour)", "cron(0 12 * * ? *)"],
        "eventsourcearn": [QUEUE],
        "arn": [QUEUE, FUNCTION, LAYER],
        "layername": ["fuzz"],
        "versionnumber": [1],
        "zipfile": ARCHIVES,
        "s3bucket": ["fuzz"],
        "s3key": ["code.zip"],
        "modelpackagegroupname": NAMES,
        "sourcearn": [QUEUE],
        "destinationarn": [QUEUE],
        "tagkeys": [["a"]],
        "tags": [[{"Key": "a", "Value": "b"}]],
        "statementid": ["fuzz-1"],
        "message": ['{"a": 1}'],
        "protocol": ["sqs", "lambda"],
        "endpoint": [QUEUE, FUNCTION],
        "body": [b"abc"],
        "payload": [b"{}"],
        "variables": ["{}"],
        "context": ["{}"],
        "workername": ["fuzz"],
        "namespace": ["fuzz"],
        "metricname": ["m"],
        "delimiter": ["/"],
        "principal": ["lambda.amazonaws.com"],
        "waittimeseconds": [0],
        "expectedbucketowner": [ACCOUNT],
        "variantname": ["a"],
        "s3uri": ["s3://fuzz/items"],
        "s3outputpath": ["s3://fuzz/out"],
        "image": [IMAGE],
        "imageuri": [IMAGE],
        "handler": ["index.handler"],
        "userprofilename": ["fuzz"],
        "appname": ["default"],
        "spacename": NAMES,
    }


def _try(call: Callable[..., dict[str, Any]], **params: Any) -> dict[str, Any]:
    with contextlib.suppress(ClientError, BotoCoreError):
        return call(**params)
    return {}

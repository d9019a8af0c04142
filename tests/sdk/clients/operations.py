"""Call operations of several services and protocols with any release of boto3, and report what they answered."""

import json
import uuid

import boto3

ROLE = "arn:aws:iam::111122223333:role/service-role/client"
PASS = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": 7, "End": True}}})
name = f"client-{uuid.uuid4().hex[:12]}"


def client(service):
    return boto3.client(service)


s3, sqs, sns, states = client("s3"), client("sqs"), client("sns"), client("stepfunctions")
metrics, iam, sts, logs = client("cloudwatch"), client("iam"), client("sts"), client("logs")

s3.create_bucket(Bucket=name)
s3.put_object(Bucket=name, Key="a/b.txt", Body=b"hello")
body = s3.get_object(Bucket=name, Key="a/b.txt")["Body"].read().decode()
queue = sqs.create_queue(QueueName=name)["QueueUrl"]
sqs.send_message(QueueUrl=queue, MessageBody="hi")
topic = sns.create_topic(Name=name)["TopicArn"]
machine = states.create_state_machine(name=name, definition=PASS, roleArn=ROLE, type="EXPRESS")["stateMachineArn"]
metrics.put_metric_data(Namespace=name, MetricData=[{"MetricName": "n", "Value": 1}])
logs.create_log_group(logGroupName=name)
test = "unknown"  # boto3 1.26 does not know TestState
if hasattr(states, "test_state"):
    test = states.test_state(definition=json.dumps({"Type": "Pass", "End": True}), roleArn=ROLE)["status"]
print(
    json.dumps(
        {
            "s3": body,
            "sqs": sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"][0]["Body"],
            "sns": len(sns.publish(TopicArn=topic, Message="hi")["MessageId"]),
            "cloudwatch": [found["MetricName"] for found in metrics.list_metrics(Namespace=name)["Metrics"]],
            "iam": iam.get_role(RoleName="AmazonSageMaker-ExecutionRole-Scones")["Role"]["Path"],
            "sts": sts.get_caller_identity()["Account"],
            "logs": [
                group["logGroupName"] == name
                for group in logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
            ],
            "sync": states.start_sync_execution(stateMachineArn=machine)["output"],
            "test": test,
        }
    )
)

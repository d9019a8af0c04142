"""Each text file that arrives in a bucket is counted by a Lambda function: S3 → SQS → Lambda → S3.

    python examples/bucket_to_queue.py

prints, after a few seconds:

    counts/poem.txt: 9 words
    counts/title.txt: 2 words
"""

import io
import json
import zipfile

from scones.testing import LocalCloud

ROLE = "arn:aws:iam::111122223333:role/example"
TEXTS = {"title.txt": "A poem", "poem.txt": "Roses are red,\nviolets are blue,\nscones are better."}
CODE = """
import json
import boto3

s3 = boto3.client("s3")

def handler(event, context):
    for message in event["Records"]:                                 # a batch of SQS messages
        for created in json.loads(message["body"]).get("Records", []):  # S3 first sends a test message without records
            bucket, key = created["s3"]["bucket"]["name"], created["s3"]["object"]["key"]
            words = s3.get_object(Bucket=bucket, Key=key)["Body"].read().split()
            s3.put_object(Bucket=bucket, Key=key.replace("texts/", "counts/"), Body=f"{len(words)} words")
"""


def zipped(code: str) -> bytes:
    """Return a deployment package with one module, main.py."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("main.py", code)
    return archive.getvalue()


def main() -> None:
    """Connect the bucket, the queue and the function; store the texts; print the counts."""
    with LocalCloud() as cloud:
        s3, sqs, functions = cloud.client("s3"), cloud.client("sqs"), cloud.client("lambda")
        s3.create_bucket(Bucket="texts")
        queue_url = sqs.create_queue(QueueName="new-texts")["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]
        queue_arn = attributes["QueueArn"]
        allow = {
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"Policy": policy})  # AWS requires it

        only_texts = {"Key": {"FilterRules": [{"Name": "prefix", "Value": "texts/"}]}}
        rule = {"QueueArn": queue_arn, "Events": ["s3:ObjectCreated:*"], "Filter": only_texts}
        s3.put_bucket_notification_configuration(
            Bucket="texts", NotificationConfiguration={"QueueConfigurations": [rule]}
        )
        functions.create_function(
            FunctionName="count",
            Runtime="python3.12",
            Handler="main.handler",
            Role=ROLE,
            Code={"ZipFile": zipped(CODE)},
        )
        functions.get_waiter("function_active_v2").wait(FunctionName="count")
        functions.create_event_source_mapping(FunctionName="count", EventSourceArn=queue_arn)

        for name, text in TEXTS.items():
            s3.put_object(Bucket="texts", Key=f"texts/{name}", Body=text)
        for name in sorted(TEXTS):
            key = f"counts/{name}"
            s3.get_waiter("object_exists").wait(Bucket="texts", Key=key, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
            print(f"{key}: {s3.get_object(Bucket='texts', Key=key)['Body'].read().decode()}")


if __name__ == "__main__":
    main()

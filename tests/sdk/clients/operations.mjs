// Call operations of several services with the AWS SDK for JavaScript, and report what they answered.
import { CloudWatchClient, ListMetricsCommand, PutMetricDataCommand } from "@aws-sdk/client-cloudwatch";
import { GetObjectCommand, CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateStateMachineCommand, SFNClient, StartSyncExecutionCommand, TestStateCommand } from "@aws-sdk/client-sfn";
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { CreateTopicCommand, PublishCommand, SNSClient } from "@aws-sdk/client-sns";

const name = `client-${process.pid}-${Date.now()}`;
const roleArn = "arn:aws:iam::111122223333:role/service-role/client";
const definition = JSON.stringify({ StartAt: "A", States: { A: { Type: "Pass", Result: 7, End: true } } });
const s3 = new S3Client({});
const sqs = new SQSClient({});
const sns = new SNSClient({});
const states = new SFNClient({});
const metrics = new CloudWatchClient({});

await s3.send(new CreateBucketCommand({ Bucket: name }));
await s3.send(new PutObjectCommand({ Bucket: name, Key: "a/b.txt", Body: "hello" }));
const object = await s3.send(new GetObjectCommand({ Bucket: name, Key: "a/b.txt" }));
const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "hi" }));
const received = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5 }));
const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: name }));
const { stateMachineArn } = await states.send(
  new CreateStateMachineCommand({ name, definition, roleArn, type: "EXPRESS" }),
);
await metrics.send(new PutMetricDataCommand({ Namespace: name, MetricData: [{ MetricName: "n", Value: 1 }] }));
const listed = await metrics.send(new ListMetricsCommand({ Namespace: name }));
const tested = JSON.stringify({ Type: "Pass", End: true });
console.log(
  JSON.stringify({
    s3: await object.Body.transformToString(),
    sqs: received.Messages[0].Body,
    sns: (await sns.send(new PublishCommand({ TopicArn, Message: "hi" }))).MessageId.length,
    cloudwatch: listed.Metrics.map((found) => found.MetricName),
    sync: (await states.send(new StartSyncExecutionCommand({ stateMachineArn }))).output,
    test: (await states.send(new TestStateCommand({ definition: tested, roleArn }))).status,
  }),
);

// SQS, SNS and EventBridge with the AWS SDK for JavaScript v3: a message's way from each to a queue.
"use strict";

const assert = require("node:assert/strict");
const { after, before, test } = require("node:test");
const { EventBridge } = require("@aws-sdk/client-eventbridge");
const { SNS } = require("@aws-sdk/client-sns");
const { SQS } = require("@aws-sdk/client-sqs");

const options = { region: "us-east-1", maxAttempts: 1 };
const sqs = new SQS(options);
const sns = new SNS(options);
const events = new EventBridge(options);
const name = `javascript-${process.pid}`;
let QueueUrl, QueueArn;

before(async () => {
  ({ QueueUrl } = await sqs.createQueue({ QueueName: name }));
  ({ Attributes: { QueueArn } } = await sqs.getQueueAttributes({ QueueUrl, AttributeNames: ["QueueArn"] }));
  await sqs.setQueueAttributes({ QueueUrl, Attributes: { Policy: JSON.stringify({ Version: "2012-10-17", Statement: [{
    Effect: "Allow", Principal: { Service: ["sns.amazonaws.com", "events.amazonaws.com"] }, Action: "sqs:SendMessage",
    Resource: QueueArn }] }) } });
});
after(() => sqs.deleteQueue({ QueueUrl }));

const next = async () => {
  const { Messages } = await sqs.receiveMessage({ QueueUrl, WaitTimeSeconds: 20, MessageAttributeNames: ["All"] });
  await sqs.deleteMessage({ QueueUrl, ReceiptHandle: Messages[0].ReceiptHandle });
  return Messages[0];
};

test("a queue hands out what it was given", async () => {
  // The SDK checks the digests of what it sends and gets.
  const sent = await sqs.sendMessage({ QueueUrl, MessageBody: "grüße", MessageAttributes: {
    kind: { DataType: "String", StringValue: "greeting" }, bytes: { DataType: "Binary", BinaryValue: Uint8Array.of(0, 255) } } });
  const message = await next();
  assert.equal(message.MessageId, sent.MessageId);
  assert.equal(message.Body, "grüße");
  assert.deepEqual([...message.MessageAttributes.bytes.BinaryValue], [0, 255]);
  const batch = await sqs.sendMessageBatch({ QueueUrl, Entries: [{ Id: "a", MessageBody: "m" },
    { Id: "b", MessageBody: "n", DelaySeconds: 901 }] });
  assert.deepEqual([batch.Successful.length, batch.Failed[0].Code], [1, "InvalidParameterValue"]);
  assert.equal((await next()).Body, "m");
  await assert.rejects(sqs.getQueueUrl({ QueueName: "none" }), { name: "QueueDoesNotExist" });
});

test("a topic tells a queue what its filter lets through", async () => {
  const { TopicArn } = await sns.createTopic({ Name: name });
  const { SubscriptionArn } = await sns.subscribe({ TopicArn, Protocol: "sqs", Endpoint: QueueArn, ReturnSubscriptionArn: true,
    Attributes: { RawMessageDelivery: "true", FilterPolicy: JSON.stringify({ grade: [{ numeric: [">", 3] }] }) } });
  const grade = (StringValue) => ({ grade: { DataType: "Number", StringValue } });
  await sns.publish({ TopicArn, Message: "low", MessageAttributes: grade("1") });
  await sns.publishBatch({ TopicArn, PublishBatchRequestEntries: [{ Id: "x", Message: "high", MessageAttributes: grade("5") }] });
  const message = await next();
  assert.equal(message.Body, "high");
  assert.equal(message.MessageAttributes.grade.StringValue, "5");
  await sns.unsubscribe({ SubscriptionArn });
  await sns.deleteTopic({ TopicArn });
  await assert.rejects(sns.publish({ TopicArn, Message: "m" }), { name: "NotFoundException" });
});

test("a rule takes events to a queue", async () => {
  await events.putRule({ Name: name, EventPattern: JSON.stringify({ source: [name], detail: { size: [{ numeric: ["<", 10] }] } }) });
  await events.putTargets({ Rule: name, Targets: [{ Id: "q", Arn: QueueArn,
    InputTransformer: { InputPathsMap: { size: "$.detail.size" }, InputTemplate: '{"measured": <size>}' } }] });
  const entry = (size) => ({ Source: name, DetailType: "photo", Detail: JSON.stringify({ size }) });
  const put = await events.putEvents({ Entries: [entry(20), entry(5), { Source: name, DetailType: "photo", Detail: "no JSON" }] });
  assert.equal(put.FailedEntryCount, 1);
  assert.equal(put.Entries[2].ErrorCode, "MalformedDetail");
  assert.deepEqual(JSON.parse((await next()).Body), { measured: 5 });
  await events.removeTargets({ Rule: name, Ids: ["q"] });
  await events.deleteRule({ Name: name });
  await assert.rejects(events.describeRule({ Name: name }), { name: "ResourceNotFoundException" });
});

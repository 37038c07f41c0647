// DynamoDB with the AWS SDK for JavaScript v3: a table, its items and an index.
"use strict";

const assert = require("node:assert/strict");
const { after, before, test } = require("node:test");
const { DynamoDB, waitUntilTableExists } = require("@aws-sdk/client-dynamodb");
const { DynamoDBStreams } = require("@aws-sdk/client-dynamodb-streams");

const client = new DynamoDB({ region: "us-east-1", maxAttempts: 1 });
const TableName = `javascript-${process.pid}`;
const key = (id, at) => ({ id: { S: id }, at: { N: String(at) } });

before(async () => {
  await client.createTable({
    TableName,
    BillingMode: "PAY_PER_REQUEST",
    StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" },
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }, { AttributeName: "at", KeyType: "RANGE" }],
    AttributeDefinitions: [["id", "S"], ["at", "N"], ["verdict", "S"]].map(([AttributeName, AttributeType]) =>
      ({ AttributeName, AttributeType })),
    GlobalSecondaryIndexes: [{ IndexName: "by-verdict", Projection: { ProjectionType: "ALL" },
      KeySchema: [{ AttributeName: "verdict", KeyType: "HASH" }] }],
  });
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1 }, { TableName });
});
after(() => client.deleteTable({ TableName }));

test("items are put, found, changed and deleted", async () => {
  const Item = { ...key("a", 1), verdict: { S: "pass" }, sum: { N: "12345678901234567890123456789012345678" },
    photo: { B: Buffer.from([0, 1, 255]) }, tags: { SS: ["x", "ü"] }, deep: { M: { list: { L: [{ NULL: true }] } } } };
  await client.putItem({ TableName, Item, ConditionExpression: "attribute_not_exists(id)" });
  const got = await client.getItem({ TableName, Key: key("a", 1), ConsistentRead: true });
  assert.equal(got.Item.sum.N, Item.sum.N);
  assert.deepEqual(Buffer.from(got.Item.photo.B), Item.photo.B);
  assert.deepEqual(got.Item.deep, Item.deep);
  await assert.rejects(client.putItem({ TableName, Item, ConditionExpression: "attribute_not_exists(id)",
    ReturnValuesOnConditionCheckFailure: "ALL_OLD" }), (error) =>
    error.name === "ConditionalCheckFailedException" && error.Item.id.S === "a");
  await client.transactWriteItems({ TransactItems: [2, 3].map((at) =>
    ({ Put: { TableName, Item: { ...key("a", at), verdict: { S: "fail" } } } })) });
  const { Attributes } = await client.updateItem({ TableName, Key: key("a", 2), UpdateExpression: "SET #n = :one",
    ExpressionAttributeNames: { "#n": "count" }, ExpressionAttributeValues: { ":one": { N: "1" } }, ReturnValues: "ALL_NEW" });
  assert.equal(Attributes.count.N, "1");
  const found = await client.query({ TableName, KeyConditionExpression: "id = :id AND #at > :at", ScanIndexForward: false,
    ExpressionAttributeNames: { "#at": "at" }, ExpressionAttributeValues: { ":id": { S: "a" }, ":at": { N: "1" } } });
  assert.deepEqual(found.Items.map(({ at }) => at.N), ["3", "2"]);
  const failed = await client.query({ TableName, IndexName: "by-verdict", KeyConditionExpression: "verdict = :v",
    ExpressionAttributeValues: { ":v": { S: "fail" } } });
  assert.equal(failed.Count, 2);
  await client.deleteItem({ TableName, Key: key("a", 1) });
  assert.equal((await client.getItem({ TableName, Key: key("a", 1) })).Item, undefined);
});

test("changes come out of the table's stream", async () => {
  const streams = new DynamoDBStreams({ region: "us-east-1", maxAttempts: 1 });
  await client.putItem({ TableName, Item: { ...key("streamed", 1), verdict: { S: "pass" } } });
  await client.deleteItem({ TableName, Key: key("streamed", 1) });
  const { Streams } = await streams.listStreams({ TableName });
  const { StreamDescription } = await streams.describeStream({ StreamArn: Streams[0].StreamArn });
  const seen = [];
  for (const { ShardId } of StreamDescription.Shards) {
    const { ShardIterator } = await streams.getShardIterator({ StreamArn: Streams[0].StreamArn, ShardId,
      ShardIteratorType: "TRIM_HORIZON" });
    const { Records } = await streams.getRecords({ ShardIterator });
    seen.push(...Records.filter(({ dynamodb }) => dynamodb.Keys.id.S === "streamed"));
  }
  assert.deepEqual(seen.map(({ eventName }) => eventName), ["INSERT", "REMOVE"]);
  assert.equal(seen[1].dynamodb.OldImage.verdict.S, "pass");
});

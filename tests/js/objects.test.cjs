// S3 with the AWS SDK for JavaScript v3: an object there and back, in one piece and as a stream in parts.
"use strict";

const assert = require("node:assert/strict");
const crypto = require("node:crypto");
const { Readable } = require("node:stream");
const { after, before, test } = require("node:test");
const s3 = require("@aws-sdk/client-s3");

const client = new s3.S3({ region: "us-east-1", maxAttempts: 1, forcePathStyle: true });
const Bucket = `javascript-${process.pid}`;
const body = crypto.randomBytes(300_000);

before(() => client.createBucket({ Bucket }));
after(() => client.deleteBucket({ Bucket }));

test("an object comes back as it was put", async () => {
  const Key = "photos/a b+c ü.bin";
  const put = await client.putObject({ Bucket, Key, Body: body, Metadata: { taken: "today" }, ChecksumAlgorithm: "SHA256" });
  assert.equal(put.ChecksumSHA256, crypto.createHash("sha256").update(body).digest("base64"));
  const got = await client.getObject({ Bucket, Key, ChecksumMode: "ENABLED" });
  assert.ok(body.equals(Buffer.from(await got.Body.transformToByteArray())));
  assert.deepEqual(got.Metadata, { taken: "today" });
  assert.equal(got.ETag, put.ETag);
  const part = await client.getObject({ Bucket, Key, Range: "bytes=10-19" });
  assert.ok(body.subarray(10, 20).equals(Buffer.from(await part.Body.transformToByteArray())));
  const { Contents } = await client.listObjectsV2({ Bucket, Prefix: "photos/" });
  assert.deepEqual(Contents.map(({ Key, Size }) => [Key, Size]), [[Key, body.length]]);
  const deleted = await client.deleteObjects({ Bucket, Delete: { Objects: [{ Key }] } });
  assert.deepEqual(deleted.Deleted.map(({ Key }) => Key), [Key]);
  await assert.rejects(client.getObject({ Bucket, Key }), { name: "NoSuchKey" });
});

test("a stream of known length is taken", async () => {
  const Key = "stream";
  const half = body.length / 2;
  const Body = Readable.from([body.subarray(0, half), body.subarray(half)]);
  await client.putObject({ Bucket, Key, Body, ContentLength: body.length });
  const got = await client.getObject({ Bucket, Key });
  assert.ok(body.equals(Buffer.from(await got.Body.transformToByteArray())));
  await client.deleteObject({ Bucket, Key });
});

test("parts become one object", async () => {
  const Key = "parts";
  const first = crypto.randomBytes(5 * 1024 * 1024);
  const { UploadId } = await client.createMultipartUpload({ Bucket, Key });
  const parts = [first, body];
  const Parts = await Promise.all(parts.map(async (Body, index) => {
    const { ETag } = await client.uploadPart({ Bucket, Key, UploadId, PartNumber: index + 1, Body });
    return { ETag, PartNumber: index + 1 };
  }));
  const made = await client.completeMultipartUpload({ Bucket, Key, UploadId, MultipartUpload: { Parts } });
  assert.match(made.ETag, /-2"$/);
  const got = await client.getObject({ Bucket, Key });
  assert.ok(Buffer.concat(parts).equals(Buffer.from(await got.Body.transformToByteArray())));
  await client.deleteObject({ Bucket, Key });
});

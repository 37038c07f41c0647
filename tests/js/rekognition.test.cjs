// A round trip of every group of operations with the AWS SDK for JavaScript v3. AWS_ENDPOINT_URL and the credentials
// come from the environment, as a user's would; LIKENESS_PHOTOS is the folder of photos.
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { after, before, test } = require("node:test");
const aws = require("@aws-sdk/client-rekognition");

const photo = (name) => fs.readFileSync(path.join(process.env.LIKENESS_PHOTOS, name));
const client = new aws.Rekognition({ region: "us-east-1", maxAttempts: 1 });
const collection = `javascript-${process.pid}`;
const CollectionId = collection;
const astronaut = { Bytes: photo("astronaut.png") };
const group = { Bytes: photo("sample6.jpg") };
let face;

before(() => client.createCollection({ CollectionId, Tags: { team: "blue" } }));
after(() => client.deleteCollection({ CollectionId }));

test("detects faces", async () => {
  const { FaceDetails } = await client.detectFaces({ Image: astronaut, Attributes: ["ALL"] });
  assert.equal(FaceDetails.length, 1);
  assert.equal(FaceDetails[0].Smile.Value, true);
  assert.equal(FaceDetails[0].Landmarks.length, 30);
});

test("compares faces", async () => {
  const { FaceMatches, UnmatchedFaces } = await client.compareFaces({ SourceImage: group, TargetImage: group });
  assert.equal(FaceMatches.length, 1);
  assert.ok(FaceMatches[0].Similarity > 99);
  assert.equal(UnmatchedFaces.length, 3);
});

test("indexes, lists, searches and deletes faces", async () => {
  const indexed = await client.indexFaces({ CollectionId, Image: astronaut, ExternalImageId: "astronaut.png" });
  face = indexed.FaceRecords[0].Face.FaceId;
  const others = await client.indexFaces({ CollectionId, Image: group });
  assert.equal(others.FaceRecords.length, 4);

  const faces = [];
  for await (const page of aws.paginateListFaces({ client, pageSize: 2 }, { CollectionId })) faces.push(...page.Faces);
  assert.equal(faces.length, 5);

  const byImage = await client.searchFacesByImage({ CollectionId, Image: astronaut });
  assert.deepEqual(byImage.FaceMatches.map((match) => match.Face.FaceId), [face]);
  const byFace = await client.searchFaces({ CollectionId, FaceId: face, FaceMatchThreshold: 0, MaxFaces: 2 });
  assert.equal(byFace.FaceMatches.length, 2);

  const FaceIds = others.FaceRecords.map((record) => record.Face.FaceId);
  const deleted = await client.deleteFaces({ CollectionId, FaceIds });
  assert.deepEqual(deleted.DeletedFaces.sort(), FaceIds.sort());
});

test("keeps users", async () => {
  await client.createUser({ CollectionId, UserId: "eileen" });
  const associated = await client.associateFaces({ CollectionId, UserId: "eileen", FaceIds: [face] });
  assert.equal(associated.UserStatus, "ACTIVE");
  const byImage = await client.searchUsersByImage({ CollectionId, Image: astronaut });
  assert.equal(byImage.UserMatches[0].User.UserId, "eileen");
  const byFace = await client.searchUsers({ CollectionId, FaceId: face });
  assert.equal(byFace.UserMatches[0].User.UserId, "eileen");
  const listed = await client.listUsers({ CollectionId });
  assert.deepEqual(listed.Users, [{ UserId: "eileen", UserStatus: "ACTIVE" }]);
  const apart = await client.disassociateFaces({ CollectionId, UserId: "eileen", FaceIds: [face] });
  assert.equal(apart.UserStatus, "CREATED");
  await client.deleteUser({ CollectionId, UserId: "eileen" });
});

test("describes, lists and tags collections", async () => {
  const described = await client.describeCollection({ CollectionId });
  assert.ok(described.CreationTimestamp instanceof Date);
  assert.ok(Math.abs(described.CreationTimestamp - Date.now()) < 600_000);
  const ids = (await client.listCollections({})).CollectionIds;
  assert.ok(ids.includes(collection));
  const ResourceArn = described.CollectionARN;
  await client.tagResource({ ResourceArn, Tags: { cost: "7" } });
  await client.untagResource({ ResourceArn, TagKeys: ["team"] });
  assert.deepEqual((await client.listTagsForResource({ ResourceArn })).Tags, { cost: "7" });
});

test("throws the SDK's own error classes", async () => {
  await assert.rejects(client.describeCollection({ CollectionId: "ghosts" }), (error) => {
    assert.ok(error instanceof aws.ResourceNotFoundException);
    assert.equal(error.message, "The collection id: ghosts does not exist");
    assert.equal(error.$metadata.httpStatusCode, 400);
    assert.ok(error.$metadata.requestId);
    return true;
  });
  await assert.rejects(client.detectFaces({ Image: { Bytes: Buffer.from("no image") } }),
    (error) => error instanceof aws.InvalidImageFormatException);
  await assert.rejects(client.createCollection({ CollectionId }),
    (error) => error instanceof aws.ResourceAlreadyExistsException);
});

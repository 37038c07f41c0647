// IAM and STS with the AWS SDK for JavaScript v3: a user, a role, and what temporary credentials may.
"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { IAM } = require("@aws-sdk/client-iam");
const { STS } = require("@aws-sdk/client-sts");
const { Rekognition } = require("@aws-sdk/client-rekognition");

const region = { region: "us-east-1", maxAttempts: 1 };
const iam = new IAM(region);
const document = (...Statement) => JSON.stringify({ Version: "2012-10-17", Statement });
const allow = (Action, Resource = "*") => document({ Effect: "Allow", Action, Resource });
const UserName = `javascript-${process.pid}`;
const RoleName = UserName;

test("a user's key, a role, and what its session may", async () => {
  const { Account } = await new STS(region).getCallerIdentity({});
  const { User } = await iam.createUser({ UserName, Path: "/js/", Tags: [{ Key: "team", Value: "blue + green" }] });
  const { AccessKey } = await iam.createAccessKey({ UserName });
  const { Role } = await iam.createRole({
    RoleName,
    AssumeRolePolicyDocument: document({ Effect: "Allow", Principal: { AWS: User.Arn }, Action: "sts:AssumeRole" }),
  });
  try {
    assert.deepEqual((await iam.getUser({ UserName })).User.Tags, [{ Key: "team", Value: "blue + green" }]);
    await iam.putRolePolicy({ RoleName, PolicyName: "list", PolicyDocument: allow("rekognition:ListCollections") });
    const { PolicyDocument } = await iam.getRolePolicy({ RoleName, PolicyName: "list" });
    assert.equal(decodeURIComponent(PolicyDocument), allow("rekognition:ListCollections"));

    const credentials = { accessKeyId: AccessKey.AccessKeyId, secretAccessKey: AccessKey.SecretAccessKey };
    const sts = new STS({ ...region, credentials });
    assert.equal((await sts.getCallerIdentity({})).Arn, `arn:aws:iam::${Account}:user/js/${UserName}`);
    const { Credentials } = await sts.assumeRole({ RoleArn: Role.Arn, RoleSessionName: "js" });
    assert.ok(Credentials.Expiration instanceof Date);
    const rekognition = new Rekognition({ ...region, credentials: {
      accessKeyId: Credentials.AccessKeyId,
      secretAccessKey: Credentials.SecretAccessKey,
      sessionToken: Credentials.SessionToken,
    } });
    assert.ok(Array.isArray((await rekognition.listCollections({})).CollectionIds));
    await assert.rejects(rekognition.createCollection({ CollectionId: "x" }), (error) =>
      error.name === "AccessDeniedException" && error.message.includes("rekognition:CreateCollection"));
    await assert.rejects(iam.getRole({ RoleName: "nobody" }), { name: "NoSuchEntityException" });
  } finally {
    await iam.deleteRolePolicy({ RoleName, PolicyName: "list" }).catch(() => {});
    await iam.deleteRole({ RoleName });
    await iam.deleteAccessKey({ UserName, AccessKeyId: AccessKey.AccessKeyId });
    await iam.deleteUser({ UserName });
  }
});

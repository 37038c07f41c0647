// Lambda and Step Functions with the AWS SDK for JavaScript v3: a function, and a state machine that calls it.
"use strict";

const assert = require("node:assert/strict");
const { after, before, test } = require("node:test");
const { setTimeout: sleep } = require("node:timers/promises");
const { IAM } = require("@aws-sdk/client-iam");
const { Lambda, waitUntilFunctionActiveV2 } = require("@aws-sdk/client-lambda");
const { SFN } = require("@aws-sdk/client-sfn");

// "sync-" before the host of StartSyncExecution leads nowhere here.
const options = { region: "us-east-1", maxAttempts: 1, disableHostPrefix: true };
const iam = new IAM(options);
const lambda = new Lambda(options);
const states = new SFN(options);
const name = `javascript-${process.pid}`;
let FunctionArn, roleArn;

const crc32 = (bytes) => {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; ++bit) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc >>> 0;
};

/** A ZIP archive of one file that is not compressed. */
const zip = (path, text) => {
  const file = Buffer.from(text), at = Buffer.from(path);
  const facts = Buffer.alloc(26); // what a file's own head and the directory both say
  facts.writeUInt16LE(20, 0);
  facts.writeUInt16LE(0x21, 8); // 1 January 1980
  facts.writeUInt32LE(crc32(file), 10);
  facts.writeUInt32LE(file.length, 14);
  facts.writeUInt32LE(file.length, 18);
  facts.writeUInt16LE(at.length, 22);
  const local = Buffer.concat([Buffer.from("PK\x03\x04"), facts, at, file]);
  const rest = Buffer.alloc(14);
  rest.writeUInt32LE(0o100644 * 0x10000, 6);
  const entry = Buffer.concat([Buffer.from("PK\x01\x02\x14\x03"), facts, rest, at]);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(1, 4);
  end.writeUInt16LE(1, 6);
  end.writeUInt32LE(entry.length, 8);
  end.writeUInt32LE(local.length, 12);
  return Buffer.concat([local, entry, Buffer.from("PK\x05\x06"), end]);
};

before(async () => {
  const trust = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "sts:AssumeRole",
    Principal: { Service: ["lambda.amazonaws.com", "states.amazonaws.com"] } }] };
  ({ Role: { Arn: roleArn } } = await iam.createRole({ RoleName: name, AssumeRolePolicyDocument: JSON.stringify(trust) }));
  await iam.putRolePolicy({ RoleName: name, PolicyName: "all", PolicyDocument: JSON.stringify({ Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: ["lambda:InvokeFunction", "logs:*"], Resource: "*" }] }) });
  ({ FunctionArn } = await lambda.createFunction({ FunctionName: name, Runtime: "nodejs20.x", Handler: "index.handler",
    Role: roleArn, Environment: { Variables: { GREETING: "hello" } }, Timeout: 30, Code: { ZipFile: zip("index.js",
      "exports.handler = async ({ who }) => {\n  if (!who) throw new TypeError('nobody');\n" +
      "  console.log('greeting', who);\n  return { text: `${process.env.GREETING} ${who}` };\n};\n") } }));
  await waitUntilFunctionActiveV2({ client: lambda, maxWaitTime: 30, minDelay: 1 }, { FunctionName: name });
});
after(async () => {
  await lambda.deleteFunction({ FunctionName: name });
  await iam.deleteRolePolicy({ RoleName: name, PolicyName: "all" });
  await iam.deleteRole({ RoleName: name });
});

test("a function answers, and tells what it logged and how it failed", async () => {
  const invoke = (Payload, more) => lambda.invoke({ FunctionName: name, Payload: JSON.stringify(Payload), ...more });
  const fine = await invoke({ who: "Jörg" }, { LogType: "Tail" });
  assert.deepEqual(JSON.parse(fine.Payload.transformToString()), { text: "hello Jörg" });
  const log = Buffer.from(fine.LogResult, "base64").toString();
  assert.match(log, /greeting Jörg/);
  assert.match(log, /REPORT RequestId: .*Billed Duration: \d+ ms/);
  const failed = await invoke({});
  assert.equal(failed.FunctionError, "Unhandled");
  const { errorType, errorMessage, trace } = JSON.parse(failed.Payload.transformToString());
  assert.deepEqual([errorType, errorMessage, Array.isArray(trace)], ["TypeError", "nobody", true]);
  const { EventStream } = await lambda.invokeWithResponseStream({ FunctionName: name, Payload: '{"who":"stream"}' });
  let streamed = "", complete = false;
  for await (const event of EventStream) {
    if (event.PayloadChunk) streamed += Buffer.from(event.PayloadChunk.Payload).toString();
    if (event.InvokeComplete) complete = true;
  }
  assert.deepEqual([JSON.parse(streamed), complete], [{ text: "hello stream" }, true]);
  await assert.rejects(lambda.invoke({ FunctionName: "none" }), { name: "ResourceNotFoundException" });
});

test("a state machine calls it, and catches its errors", async () => {
  const definition = JSON.stringify({ StartAt: "Greet", States: {
    Greet: { Type: "Task", Resource: "arn:aws:states:::lambda:invoke", End: true, OutputPath: "$.Payload",
      Parameters: { FunctionName: FunctionArn, "Payload.$": "$" }, Catch: [{ ErrorEquals: ["TypeError"], Next: "Nobody" }] },
    Nobody: { Type: "Fail", Error: "Nobody", CausePath: "$.Error" } } });
  const { stateMachineArn } = await states.createStateMachine({ name, roleArn, definition });
  const run = async (input) => {
    const { executionArn } = await states.startExecution({ stateMachineArn, input: JSON.stringify(input) });
    let execution;
    do {
      await sleep(20);
      execution = await states.describeExecution({ executionArn });
    } while (execution.status === "RUNNING");
    return execution;
  };
  const fine = await run({ who: "states" });
  assert.deepEqual([fine.status, JSON.parse(fine.output)], ["SUCCEEDED", { text: "hello states" }]);
  const { events } = await states.getExecutionHistory({ executionArn: fine.executionArn });
  assert.equal(events.at(-1).type, "ExecutionSucceeded");
  const failed = await run({});
  assert.deepEqual([failed.status, failed.error], ["FAILED", "Nobody"]);
  await states.deleteStateMachine({ stateMachineArn });
  const express = await states.createStateMachine({ name: `${name}-express`, type: "EXPRESS", roleArn, definition });
  const { status, output } = await states.startSyncExecution({ stateMachineArn: express.stateMachineArn, input: '{"who":"sync"}' });
  assert.deepEqual([status, JSON.parse(output)], ["SUCCEEDED", { text: "hello sync" }]);
  await states.deleteStateMachine({ stateMachineArn: express.stateMachineArn });
});

// CloudWatch (over CBOR, as the AWS SDK for JavaScript v3 speaks to it) and CloudWatch Logs.
"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { setTimeout: sleep } = require("node:timers/promises");
const { CloudWatch } = require("@aws-sdk/client-cloudwatch");
const { CloudWatchLogs } = require("@aws-sdk/client-cloudwatch-logs");

const options = { region: "us-east-1", maxAttempts: 1, disableHostPrefix: true };
const cloudwatch = new CloudWatch(options);
const logs = new CloudWatchLogs(options);
const name = `javascript-${process.pid}`;

test("measurements are put, listed and read", async () => {
  const Dimensions = [{ Name: "Ofen", Value: "groß" }];
  const Timestamp = new Date(Math.floor(Date.now() / 60000) * 60000 - 60000);
  await cloudwatch.putMetricData({ Namespace: name, MetricData: [
    { MetricName: "Heat", Dimensions, Timestamp, Value: 20.5, Unit: "Count" },
    { MetricName: "Heat", Dimensions, Timestamp, Values: [1, 40], Counts: [2, 1], Unit: "Count" },
    { MetricName: "Heat", Dimensions, Timestamp, Unit: "Count",
      StatisticValues: { SampleCount: 2, Sum: 60, Minimum: 10, Maximum: 50 } }] });
  const { Metrics } = await cloudwatch.listMetrics({ Namespace: name });
  assert.deepEqual(Metrics, [{ Namespace: name, MetricName: "Heat", Dimensions }]);
  const span = { StartTime: new Date(Timestamp - 60000), EndTime: new Date(Date.now() + 60000) };
  const { Datapoints } = await cloudwatch.getMetricStatistics({ ...span, Namespace: name, MetricName: "Heat", Dimensions,
    Period: 60, Statistics: ["Sum", "Maximum", "SampleCount"] });
  assert.equal(Datapoints.length, 1);
  assert.deepEqual({ ...Datapoints[0], Timestamp: Datapoints[0].Timestamp.getTime() },
    { Timestamp: Timestamp.getTime(), Sum: 122.5, Maximum: 50, SampleCount: 6, Unit: "Count" });
  const { MetricDataResults } = await cloudwatch.getMetricData({ ...span, MetricDataQueries: [
    { Id: "heat", ReturnData: false,
      MetricStat: { Metric: { Namespace: name, MetricName: "Heat", Dimensions }, Period: 60, Stat: "Sum" } },
    { Id: "twice", Expression: "heat * 2", Label: "two" }] });
  assert.deepEqual(MetricDataResults.map(({ Id, Label, Values, StatusCode }) => ({ Id, Label, Values, StatusCode })),
    [{ Id: "twice", Label: "two", Values: [245], StatusCode: "Complete" }]);
});

test("an alarm is set, seen and deleted", async () => {
  await cloudwatch.putMetricAlarm({ AlarmName: name, Namespace: name, MetricName: "Heat", Statistic: "Maximum", Period: 60,
    EvaluationPeriods: 1, Threshold: 1e9, ComparisonOperator: "GreaterThanThreshold", TreatMissingData: "ignore" });
  await cloudwatch.setAlarmState({ AlarmName: name, StateValue: "ALARM", StateReason: "by hand" });
  const { MetricAlarms } = await cloudwatch.describeAlarms({ AlarmNames: [name] });
  assert.equal(MetricAlarms[0].StateReason, "by hand");
  assert.equal(MetricAlarms[0].Threshold, 1e9);
  assert.ok(MetricAlarms[0].StateUpdatedTimestamp instanceof Date);
  await cloudwatch.deleteAlarms({ AlarmNames: [name] });
  await assert.rejects(cloudwatch.setAlarmState({ AlarmName: name, StateValue: "OK", StateReason: "x" }), (error) =>
    error.name === "ResourceNotFound" && error.$metadata.httpStatusCode === 404);
});

test("log lines are written, found and counted", async () => {
  const logGroupName = `/${name}`, logStreamName = "one";
  await logs.createLogGroup({ logGroupName, tags: { team: "x" } });
  await logs.createLogStream({ logGroupName, logStreamName });
  const timestamp = Date.now();
  await logs.putLogEvents({ logGroupName, logStreamName, logEvents: [
    { timestamp, message: '{"level":"info","took":12}' }, { timestamp: timestamp + 1, message: '{"level":"error","took":30}' }] });
  const found = await logs.filterLogEvents({ logGroupName, filterPattern: '{ $.level = "error" }' });
  assert.deepEqual(found.events.map(({ message }) => JSON.parse(message).took), [30]);
  const { queryId } = await logs.startQuery({ logGroupName, startTime: Math.floor(timestamp / 1000) - 60,
    endTime: Math.floor(timestamp / 1000) + 60, queryString: "stats sum(took) as total by level | sort level" });
  let answer;
  do {
    await sleep(50);
    answer = await logs.getQueryResults({ queryId });
  } while (answer.status === "Running" || answer.status === "Scheduled");
  assert.equal(answer.status, "Complete");
  assert.deepEqual(answer.results.map((row) => row.map(({ value }) => value)), [["error", "30"], ["info", "12"]]);
  await assert.rejects(logs.createLogGroup({ logGroupName }), { name: "ResourceAlreadyExistsException" });
  await logs.deleteLogGroup({ logGroupName });
});

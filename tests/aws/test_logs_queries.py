"""Queries over log groups (Logs Insights), and what filters set in motion."""

import json
import time

import pytest


@pytest.fixture(scope="session")
def logs(server):
    return server.client("logs")


@pytest.fixture(scope="module")
def group(logs):
    """A log group with lines of a function and lines of JSON."""
    name = "/tests/queries"
    logs.create_log_group(logGroupName=name)
    start = int(time.time() * 1000) - 600_000
    for stream in ("one", "two"):
        logs.create_log_stream(logGroupName=name, logStreamName=stream)
    lines = [json.dumps({"level": "ERROR" if i % 4 == 0 else "INFO", "ms": i * 10, "user": {"name": f"u{i % 3}"}}) for i in range(12)]
    for i, stream in ((0, "one"), (1, "two")):
        logs.put_log_events(logGroupName=name, logStreamName=stream, logEvents=[
            {"timestamp": start + n * 1000, "message": line} for n, line in enumerate(lines) if n % 2 == i])
    logs.put_log_events(logGroupName=name, logStreamName="one", logEvents=[
        {"timestamp": start + 60_000, "message": "REPORT RequestId: 3c0a7a6e-0000-4000-8000-000000000000\tDuration: 12.34 ms\t"
                                                 "Billed Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 64 MB"}])
    yield name
    logs.delete_log_group(logGroupName=name)


def run(logs, group, query, **more):
    """The rows of a query, as dictionaries without @ptr; and the whole answer."""
    now = int(time.time())
    started = logs.start_query(logGroupName=group, startTime=now - 3600, endTime=now, queryString=query, **more)["queryId"]
    until = time.monotonic() + 20
    while True:
        answer = logs.get_query_results(queryId=started)
        if answer["status"] not in ("Scheduled", "Running"):
            break
        assert time.monotonic() < until
        time.sleep(0.05)
    assert answer["status"] == "Complete"
    return [{f["field"]: f["value"] for f in row if f["field"] != "@ptr"} for row in answer["results"]], answer


def test_fields_filters_and_orders(logs, group):
    rows, answer = run(logs, group, 'fields user.name as name, ms | filter level = "ERROR" | sort ms desc | limit 2')
    assert rows == [{"name": "u2", "ms": "80"}, {"name": "u1", "ms": "40"}]
    assert answer["statistics"]["recordsScanned"] == 13 and answer["statistics"]["recordsMatched"] == 3
    rows, answer = run(logs, group, "fields @timestamp, @message | limit 1")
    assert rows[0]["@message"].startswith("REPORT") and len(rows[0]["@timestamp"]) == 23
    pointer = answer["results"][0][-1]
    assert pointer["field"] == "@ptr"
    record = logs.get_log_record(logRecordPointer=pointer["value"])["logRecord"]
    assert record["@requestId"] == "3c0a7a6e-0000-4000-8000-000000000000" and record["@logStream"] == "one"


def test_statistics(logs, group):
    rows, _ = run(logs, group, "filter ispresent(level) | stats count(*) as n, avg(ms) as mean, pct(ms, 90) as p90 by level | sort level")
    assert rows == [{"level": "ERROR", "n": "3", "mean": "40", "p90": "80"}, {"level": "INFO", "n": "9", "mean": "60", "p90": "110"}]
    rows, _ = run(logs, group, "stats count(*) as n by @logStream | sort n desc")
    assert rows == [{"@logStream": "one", "n": "7"}, {"@logStream": "two", "n": "6"}]
    rows, _ = run(logs, group, "filter @type = 'REPORT' | stats max(@maxMemoryUsed / 1000000) as mb, sum(@billedDuration) as billed")
    assert rows == [{"mb": "64", "billed": "13"}]
    rows, _ = run(logs, group, "parse @message 'Billed Duration: * ms' as billed | filter ispresent(billed) | display billed")
    assert rows == [{"billed": "13"}]


def test_queries_are_listed_and_bad_ones_refused(logs, group, refused):
    run(logs, group, "fields @message")
    info = logs.describe_queries(logGroupName=group)["queries"][0]
    assert info["queryString"] == "fields @message" and info["status"] == "Complete"
    with pytest.raises(logs.exceptions.MalformedQueryException) as broken:
        run(logs, group, "fields @message | filtre x = 1")
    assert broken.value.response["queryCompileError"]["location"]["startCharOffset"] == 18
    with refused("ResourceNotFoundException"):
        run(logs, "/tests/none", "fields @message")
    with refused("ResourceNotFoundException"):
        logs.get_query_results(queryId="unknown")
    fields = {f["name"]: f["percent"] for f in logs.get_log_group_fields(logGroupName=group)["logGroupFields"]}
    assert fields["@message"] == 100 and fields["level"] == 92 and "user.name" in fields


def test_metric_filters_count_what_they_match(server, logs):
    cloudwatch = server.client("cloudwatch")
    name = "/tests/counted"
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    logs.put_metric_filter(logGroupName=name, filterName="ms", filterPattern="{ $.ms > 10 }", metricTransformations=[
        {"metricName": "Slow", "metricNamespace": "Tests/Counted", "metricValue": "$.ms", "unit": "Milliseconds"}])
    now = int(time.time() * 1000)
    logs.put_log_events(logGroupName=name, logStreamName="s", logEvents=[
        {"timestamp": now, "message": json.dumps({"ms": ms})} for ms in (5, 20, 30)])
    until = time.monotonic() + 20
    while True:
        data = cloudwatch.get_metric_data(StartTime=now / 1000 - 300, EndTime=now / 1000 + 120, MetricDataQueries=[
            {"Id": "m", "MetricStat": {"Metric": {"Namespace": "Tests/Counted", "MetricName": "Slow"}, "Period": 60, "Stat": "Sum"}}])
        if data["MetricDataResults"][0]["Values"]:
            break
        assert time.monotonic() < until
        time.sleep(0.2)
    assert data["MetricDataResults"][0]["Values"] == [50]
    logs.delete_log_group(logGroupName=name)


def test_a_subscription_wants_a_function_that_may_be_invoked(logs, refused):
    name = "/tests/subscribed"
    logs.create_log_group(logGroupName=name)
    with refused("InvalidParameterException"):
        logs.put_subscription_filter(logGroupName=name, filterName="f", filterPattern="", destinationArn="arn:aws:kinesis:us-east-1:000000000000:stream/s")
    with refused("InvalidParameterException",
                 "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your function."):
        logs.put_subscription_filter(logGroupName=name, filterName="f", filterPattern="",
                                     destinationArn="arn:aws:lambda:us-east-1:000000000000:function:none")
    assert logs.describe_subscription_filters(logGroupName=name)["subscriptionFilters"] == []
    logs.delete_log_group(logGroupName=name)


def test_a_live_tail_shows_what_comes_in(server, logs):
    from botocore.config import Config

    name = "/tests/tailed"
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    client = server.client("logs", config=Config(inject_host_prefix=False, retries={"total_max_attempts": 1}))
    stream = client.start_live_tail(logGroupIdentifiers=[f"arn:aws:logs:us-east-1:000000000000:log-group:{name}"],
                                    logEventFilterPattern="ERROR")["responseStream"]
    events = iter(stream)
    start = next(events)["sessionStart"]
    assert start["logEventFilterPattern"] == "ERROR"
    now = int(time.time() * 1000)
    logs.put_log_events(logGroupName=name, logStreamName="s", logEvents=[
        {"timestamp": now, "message": "INFO quiet"}, {"timestamp": now + 1, "message": "ERROR loud"}])
    seen = []
    for _ in range(10):
        update = next(events)["sessionUpdate"]
        assert update["sessionMetadata"] == {"sampled": False}
        seen += update["sessionResults"]
        if seen:
            break
    assert [(e["message"], e["logStreamName"], e["timestamp"]) for e in seen] == [("ERROR loud", "s", now + 1)]
    stream.close()
    logs.delete_log_group(logGroupName=name)

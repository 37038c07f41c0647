"""Log groups, streams and events: what CloudWatch Logs answers."""

import time

import pytest

MINUTE = 60_000
DAY = 24 * 60 * MINUTE


@pytest.fixture(scope="session")
def logs(server):
    return server.client("logs")


@pytest.fixture
def group(logs, request):
    """An empty log group of the test's own."""
    name = "/tests/" + request.node.name.replace("[", "/").replace("]", "")
    logs.create_log_group(logGroupName=name)
    yield name
    try:
        logs.delete_log_group(logGroupName=name)
    except logs.exceptions.ResourceNotFoundException:
        pass


def now():
    return int(time.time() * 1000)


def put(logs, group, stream, events, create=True):
    if create:
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
    return logs.put_log_events(logGroupName=group, logStreamName=stream,
                               logEvents=[{"timestamp": t, "message": m} for t, m in events])


def test_groups_are_listed_by_prefix_pattern_and_page(logs, refused):
    names = [f"/paging/{i}" for i in range(5)] + ["/paged/other"]
    for name in names:
        logs.create_log_group(logGroupName=name, tags={"team": "photos"})
    try:
        with refused("ResourceAlreadyExistsException", "The specified log group already exists"):
            logs.create_log_group(logGroupName="/paging/0")
        pages = list(logs.get_paginator("describe_log_groups").paginate(
            logGroupNamePrefix="/paging/", PaginationConfig={"PageSize": 2}))
        assert [len(page["logGroups"]) for page in pages] == [2, 2, 1]
        one = pages[0]["logGroups"][0]
        assert one["logGroupName"] == "/paging/0"
        assert one["arn"] == "arn:aws:logs:us-east-1:000000000000:log-group:/paging/0:*"
        assert one["logGroupArn"] == one["arn"][:-2]
        assert "retentionInDays" not in one
        assert [g["logGroupName"] for g in logs.describe_log_groups(logGroupNamePattern="other")["logGroups"]] == ["/paged/other"]
        with refused("InvalidParameterException",
                     "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."):
            logs.describe_log_groups(logGroupNamePattern="a", logGroupNamePrefix="a")
        with refused("InvalidParameterException",
                     "1 validation error detected: Value '51' at 'limit' failed to satisfy constraint: "
                     "Member must have value less than or equal to 50"):
            logs.describe_log_groups(limit=51)
        assert logs.list_tags_log_group(logGroupName="/paging/1")["tags"] == {"team": "photos"}
        logs.tag_resource(resourceArn=one["logGroupArn"], tags={"a": "b"})
        logs.untag_resource(resourceArn=one["logGroupArn"], tagKeys=["team"])
        assert logs.list_tags_for_resource(resourceArn=one["logGroupArn"])["tags"] == {"a": "b"}
    finally:
        for name in names:
            logs.delete_log_group(logGroupName=name)
    with refused("ResourceNotFoundException", "The specified log group does not exist."):
        logs.delete_log_group(logGroupName="/paging/0")


def test_streams_are_listed_by_name_and_by_their_last_event(logs, group, refused):
    start = now()
    put(logs, group, "b", [(start - 2000, "x")])
    put(logs, group, "a", [(start - 3000, "x"), (start - 1000, "y")])
    put(logs, group, "c", [(start - 9000, "x")])
    streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert [s["logStreamName"] for s in streams] == ["a", "b", "c"]
    assert streams[0]["firstEventTimestamp"] == start - 3000
    assert streams[0]["lastEventTimestamp"] == start - 1000
    assert abs(streams[0]["lastIngestionTime"] - now()) < MINUTE
    assert streams[0]["arn"].endswith(f":log-group:{group}:log-stream:a")
    found = []
    token = {}
    while True:
        page = logs.describe_log_streams(logGroupName=group, orderBy="LastEventTime", descending=True, limit=1, **token)
        found += [s["logStreamName"] for s in page["logStreams"]]
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert found == ["a", "b", "c"]
    names = logs.describe_log_streams(logGroupName=group, descending=True)["logStreams"]
    assert [s["logStreamName"] for s in names] == ["c", "b", "a"]
    with refused("InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix."):
        logs.describe_log_streams(logGroupName=group, orderBy="LastEventTime", logStreamNamePrefix="a")
    with refused("ResourceAlreadyExistsException", "The specified log stream already exists"):
        logs.create_log_stream(logGroupName=group, logStreamName="a")
    logs.delete_log_stream(logGroupName=group, logStreamName="a")
    with refused("ResourceNotFoundException", "The specified log stream does not exist."):
        logs.get_log_events(logGroupName=group, logStreamName="a")


def test_tokens_lead_through_a_stream_and_stay_at_its_end(logs, group):
    start = now() - 1000
    put(logs, group, "s", [(start + i, f"line {i}") for i in range(10)])
    page = logs.get_log_events(logGroupName=group, logStreamName="s", startFromHead=True, limit=6)
    assert [e["message"] for e in page["events"]] == [f"line {i}" for i in range(6)]
    assert page["nextForwardToken"].startswith("f/") and page["nextBackwardToken"].startswith("b/")
    page = logs.get_log_events(logGroupName=group, logStreamName="s", nextToken=page["nextForwardToken"], limit=6)
    assert [e["message"] for e in page["events"]] == [f"line {i}" for i in range(6, 10)]
    end = logs.get_log_events(logGroupName=group, logStreamName="s", nextToken=page["nextForwardToken"])
    assert end["events"] == [] and end["nextForwardToken"] == page["nextForwardToken"]
    back = logs.get_log_events(logGroupName=group, logStreamName="s", nextToken=end["nextBackwardToken"], limit=3)
    assert [e["message"] for e in back["events"]] == ["line 7", "line 8", "line 9"]
    latest = logs.get_log_events(logGroupName=group, logStreamName="s", limit=2)
    assert [e["message"] for e in latest["events"]] == ["line 8", "line 9"]
    ranged = logs.get_log_events(logGroupName=group, logStreamName="s", startTime=start + 2, endTime=start + 4)
    assert [e["message"] for e in ranged["events"]] == ["line 2", "line 3"]
    assert abs(ranged["events"][0]["ingestionTime"] - now()) < MINUTE


def test_batches_have_rules(logs, group, refused):
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    start = now()
    with refused("InvalidParameterException",
                 "Log events in a single PutLogEvents request must be in chronological order."):
        put(logs, group, "s", [(start, "b"), (start - 1, "a")], create=False)
    with refused("InvalidParameterException"):
        put(logs, group, "s", [(start - DAY - 1, "a"), (start, "b")], create=False)
    with refused("InvalidParameterException", "Upload too large: 1048577 bytes exceeds limit of 1048576"):
        put(logs, group, "s", [(start, "x" * (2**20 - 25))], create=False)
    assert logs.get_log_events(logGroupName=group, logStreamName="s")["events"] == []
    answer = put(logs, group, "s", [(start - 15 * DAY, "old")], create=False)
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    answer = put(logs, group, "s", [(start, "kept"), (start + 3 * 60 * MINUTE, "early")], create=False)
    assert answer["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 1}
    assert [e["message"] for e in logs.get_log_events(logGroupName=group, logStreamName="s")["events"]] == ["kept"]
    with refused("ResourceNotFoundException", "The specified log stream does not exist."):
        put(logs, group, "none", [(start, "a")], create=False)


def test_filters_search_all_streams_of_a_group(logs, group, refused):
    start = now() - 10_000
    put(logs, group, "one", [(start, "INFO started"), (start + 20, 'ERROR code=500'), (start + 40, '{"level": "error", "ms": 12}')])
    put(logs, group, "two", [(start + 10, "ERROR code=404"), (start + 30, '{"level": "info", "ms": 1700}')])
    def messages(pattern="", **more):
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, filterPattern=pattern, **more)
        return [e["message"] for page in pages for e in page["events"]]
    assert messages() == ["INFO started", "ERROR code=404", "ERROR code=500", '{"level": "info", "ms": 1700}',
                          '{"level": "error", "ms": 12}']
    assert messages("ERROR") == ["ERROR code=404", "ERROR code=500"]
    assert messages("ERROR -404") == ["ERROR code=500"]
    assert messages("?500 ?404", PaginationConfig={"PageSize": 1}) == ["ERROR code=404", "ERROR code=500"]
    assert messages(r"%code=4\d\d%") == ["ERROR code=404"]
    assert messages("{ $.level = \"error\" || $.ms > 1000 }") == ['{"level": "info", "ms": 1700}', '{"level": "error", "ms": 12}']
    assert messages("[level=ERROR, code=*404]") == ["ERROR code=404"]
    assert messages(logStreamNames=["two"]) == ["ERROR code=404", '{"level": "info", "ms": 1700}']
    assert messages(logStreamNamePrefix="tw", startTime=start + 11) == ['{"level": "info", "ms": 1700}']
    assert messages(endTime=start + 10) == ["INFO started", "ERROR code=404"]
    event = logs.filter_log_events(logGroupName=group, limit=1)["events"][0]
    assert event["logStreamName"] == "one" and len(event["eventId"]) == 56
    with refused("InvalidParameterException"):
        messages("{ $.level = }")
    with refused("ResourceNotFoundException", "The specified log stream does not exist."):
        messages(logStreamNames=["none"])


def test_retention_takes_events_away(logs, group, refused):
    start = now()
    put(logs, group, "s", [(start - 2 * DAY, "old")])
    put(logs, group, "s", [(start, "new")], create=False)
    with refused("InvalidParameterException"):
        logs.put_retention_policy(logGroupName=group, retentionInDays=2)
    logs.put_retention_policy(logGroupName=group, retentionInDays=1)
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["retentionInDays"] == 1
    assert [e["message"] for e in logs.get_log_events(logGroupName=group, logStreamName="s", startFromHead=True)["events"]] == ["new"]
    answer = put(logs, group, "s", [(start - 2 * DAY, "late")], create=False)
    assert answer["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}
    logs.delete_retention_policy(logGroupName=group)
    assert "retentionInDays" not in logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]


def test_metric_filters_are_kept_and_tried_out(logs, group, refused):
    transformation = {"metricName": "Errors", "metricNamespace": "Photos", "metricValue": "1", "defaultValue": 0.0}
    logs.put_metric_filter(logGroupName=group, filterName="errors", filterPattern="ERROR", metricTransformations=[transformation])
    found = logs.describe_metric_filters(logGroupName=group)["metricFilters"]
    assert [(f["filterName"], f["filterPattern"], f["metricTransformations"]) for f in found] == [("errors", "ERROR", [transformation])]
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["metricFilterCount"] == 1
    tried = logs.test_metric_filter(filterPattern="[ip, user, ..., bytes > 100]",
                                    logEventMessages=["10.0.0.1 ann x y 120", "10.0.0.1 ann x 12"])["matches"]
    assert tried == [{"eventNumber": 1, "eventMessage": "10.0.0.1 ann x y 120",
                      "extractedValues": {"$ip": "10.0.0.1", "$user": "ann", "$bytes": "120"}}]
    with refused("InvalidParameterException"):
        logs.put_metric_filter(logGroupName=group, filterName="x", filterPattern="{ $.a", metricTransformations=[transformation])
    logs.delete_metric_filter(logGroupName=group, filterName="errors")
    with refused("ResourceNotFoundException", "The specified metric filter does not exist."):
        logs.delete_metric_filter(logGroupName=group, filterName="errors")


def test_resource_policies_are_kept(logs, refused):
    document = ('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},'
                '"Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":"arn:aws:logs:us-east-1:000000000000:log-group:/events/*"}]}')
    logs.put_resource_policy(policyName="events", policyDocument=document)
    policies = {p["policyName"]: p["policyDocument"] for p in logs.describe_resource_policies()["resourcePolicies"]}
    assert policies["events"] == document
    with refused("InvalidParameterException"):
        logs.put_resource_policy(policyName="bad", policyDocument="{}")
    logs.delete_resource_policy(policyName="events")
    with refused("ResourceNotFoundException", "Policy with name [events] does not exist"):
        logs.delete_resource_policy(policyName="events")


def test_who_may_write_into_a_stream_is_said_by_policies(server, logs, group, refused):
    iam = server.client("iam")
    iam.create_user(UserName="logs-writer")
    arn = f"arn:aws:logs:us-east-1:000000000000:log-group:{group}:*"
    iam.put_user_policy(UserName="logs-writer", PolicyName="p", PolicyDocument=(
        '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":"%s"}}' % arn))
    key = iam.create_access_key(UserName="logs-writer")["AccessKey"]
    client = server.client("logs", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    put(client, group, "s", [(now(), "mine")])
    with refused("AccessDeniedException"):
        client.get_log_events(logGroupName=group, logStreamName="s")
    with refused("AccessDeniedException"):
        client.create_log_group(logGroupName="/tests/other")
    iam.delete_access_key(UserName="logs-writer", AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName="logs-writer", PolicyName="p")
    iam.delete_user(UserName="logs-writer")

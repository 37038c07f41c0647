"""EventBridge: buses, rules, targets, permissions and archives as boto3 sees them. What is expected was seen of AWS."""

import itertools
import json

import pytest

ACCOUNT = "000000000000"
_numbers = itertools.count(1)
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:nobody"
PATTERN = json.dumps({"source": ["app"], "detail": {"state": ["new"]}})


@pytest.fixture(scope="module")
def events(server):
    return server.client("events")


@pytest.fixture
def bus(events):
    name = f"bus-{next(_numbers)}"
    events.create_event_bus(Name=name)
    yield name
    for rule in events.list_rules(EventBusName=name)["Rules"]:
        ids = [target["Id"] for target in events.list_targets_by_rule(Rule=rule["Name"], EventBusName=name)["Targets"]]
        if ids:
            events.remove_targets(Rule=rule["Name"], EventBusName=name, Ids=ids)
        events.delete_rule(Name=rule["Name"], EventBusName=name)
    events.delete_event_bus(Name=name)


def test_a_bus_is_made_described_listed_and_deleted(events, refused):
    made = events.create_event_bus(Name="shop", Description="orders", Tags=[{"Key": "team", "Value": "a"}])
    arn = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/shop"
    assert made["EventBusArn"] == arn
    found = events.describe_event_bus(Name="shop")
    assert (found["Name"], found["Arn"], found["Description"]) == ("shop", arn, "orders")
    assert events.describe_event_bus(Name=arn)["Name"] == "shop"
    assert [one["Name"] for one in events.list_event_buses(NamePrefix="sho")["EventBuses"]] == ["shop"]
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "team", "Value": "a"}]
    with refused("ResourceAlreadyExistsException", "Event bus shop already exists."):
        events.create_event_bus(Name="shop")
    events.delete_event_bus(Name="shop")
    with refused("ResourceNotFoundException", "Event bus shop does not exist."):
        events.describe_event_bus(Name="shop")
    with refused("ValidationException", "Cannot delete event bus default."):
        events.delete_event_bus(Name="default")


def test_a_rule_is_kept_as_it_was_put(events, bus, refused):
    arn = events.put_rule(Name="r", EventBusName=bus, EventPattern=PATTERN, Description="first")["RuleArn"]
    assert arn == f"arn:aws:events:us-east-1:{ACCOUNT}:rule/{bus}/r"
    rule = events.describe_rule(Name="r", EventBusName=bus)
    assert rule["EventPattern"] == PATTERN and rule["State"] == "ENABLED" and rule["CreatedBy"] == ACCOUNT
    events.disable_rule(Name="r", EventBusName=bus)
    assert events.describe_rule(Name="r", EventBusName=bus)["State"] == "DISABLED"
    events.enable_rule(Name="r", EventBusName=bus)
    events.put_rule(Name="r", EventBusName=bus, EventPattern=json.dumps({"source": ["b"]}))
    rule = events.describe_rule(Name="r", EventBusName=bus)
    assert "Description" not in rule and rule["State"] == "ENABLED"  # what is not said again is gone
    events.delete_rule(Name="r", EventBusName=bus)
    with refused("ResourceNotFoundException", f"Rule r does not exist on EventBus {bus}."):
        events.describe_rule(Name="r", EventBusName=bus)
    events.delete_rule(Name="r", EventBusName=bus)  # nothing is said of a rule that is not there


def test_bad_patterns_and_schedules_are_refused_in_awss_words(events, bus, refused):
    text = '{"source":["test.event-pattern"],"detail":{"lenderId":"LenderA"}}'
    with refused("InvalidEventPatternException",
                 'Event pattern is not valid. Reason: "lenderId" must be an object or an array\n'
                 f' at [Source: (String)"{text}"; line: 1, column: 56]'):
        events.put_rule(Name="bad", EventBusName=bus, EventPattern=text)
    with refused("ValidationException", "ScheduleExpression is supported only on the default event bus."):
        events.put_rule(Name="bad", EventBusName=bus, ScheduleExpression="rate(1 minute)")
    for expression in ("rate(1 minutes)", "rate(10 minute)", "cron(0 1 * * * *)", "at(2030-01-01T00:00:00)"):
        with refused("ValidationException", "Parameter ScheduleExpression is not valid."):
            events.put_rule(Name="bad", ScheduleExpression=expression)
    assert events.list_rules(EventBusName=bus)["Rules"] == []


def test_listings_come_in_pages(events, bus):
    names = [f"r{number}" for number in range(7)]
    for name in names:
        events.put_rule(Name=name, EventBusName=bus, EventPattern=PATTERN)
        events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "t", "Arn": QUEUE}])
    first = events.list_rules(EventBusName=bus, Limit=3)
    rest = events.list_rules(EventBusName=bus, NextToken=first["NextToken"])
    assert [rule["Name"] for rule in first["Rules"] + rest["Rules"]] == names and "NextToken" not in rest
    by_target = events.list_rule_names_by_target(TargetArn=QUEUE, EventBusName=bus, Limit=5)
    more = events.list_rule_names_by_target(TargetArn=QUEUE, EventBusName=bus, NextToken=by_target["NextToken"])
    assert by_target["RuleNames"] + more["RuleNames"] == names


def test_targets_are_put_listed_and_removed(events, bus, refused):
    events.put_rule(Name="r", EventBusName=bus, EventPattern=PATTERN)
    target = {"Id": "q", "Arn": QUEUE, "InputTransformer": {"InputPathsMap": {"s": "$.detail.state"}, "InputTemplate": '"<s>"'}}
    answer = events.put_targets(Rule="r", EventBusName=bus, Targets=[target])
    assert answer["FailedEntryCount"] == 0 and answer["FailedEntries"] == []
    assert events.list_targets_by_rule(Rule="r", EventBusName=bus)["Targets"] == [target]
    with refused("ValidationException", "Rule can't be deleted since it has targets."):
        events.delete_rule(Name="r", EventBusName=bus)
    with refused("LimitExceededException", "The requested resource exceeds the maximum number allowed."):
        events.put_targets(Rule="r", EventBusName=bus, Targets=[{"Id": str(i), "Arn": QUEUE} for i in range(5)])
    answer = events.remove_targets(Rule="r", EventBusName=bus, Ids=["q", "other"])
    assert [entry["TargetId"] for entry in answer["FailedEntries"]] == ["other"]
    assert events.list_targets_by_rule(Rule="r", EventBusName=bus)["Targets"] == []


@pytest.mark.parametrize("target, message", [
    ({"Input": "{}", "InputPath": "$"}, "Only one of Input, InputPath, or InputTransformer must be provided for target t."),
    ({"Arn": "arn:aws:kinesis:us-east-1:000000000000:stream/s"}, None),
    ({"Arn": QUEUE + ".fifo"}, "Parameter(s) SqsParameters must be specified for target: t."),
    ({"Arn": "arn:aws:states:us-east-1:000000000000:stateMachine:m"},
     "RoleArn is required for target arn:aws:states:us-east-1:000000000000:stateMachine:m."),
    ({"Arn": "target"}, "Parameter target is not valid. Reason: Provided Arn is not in correct format."),
    ({"InputTransformer": {"InputTemplate": '"<notdefinedkey>"'}},
     "InputTemplate for target t contains invalid placeholder notdefinedkey."),
])
def test_bad_targets_change_nothing(events, bus, refused, target, message):
    events.put_rule(Name="r", EventBusName=bus, EventPattern=PATTERN)
    with refused("ValidationException", message):
        events.put_targets(Rule="r", EventBusName=bus, Targets=[{"Id": "t", "Arn": QUEUE} | target])
    assert events.list_targets_by_rule(Rule="r", EventBusName=bus)["Targets"] == []


def test_entries_are_judged_one_by_one(events, refused):
    good = {"Source": "app", "DetailType": "T", "Detail": "{}"}
    answer = events.put_events(Entries=[
        good, {**good, "Detail": "[1]"}, {**good, "Detail": "{"}, {"DetailType": "T", "Detail": "{}"},
        {"Source": "app", "Detail": "{}"}, {"Source": "app", "DetailType": "T"}, {**good, "Source": "aws.s3"},
        {**good, "EventBusName": "nobody"}])
    assert answer["FailedEntryCount"] == 6
    assert [entry.get("ErrorCode") for entry in answer["Entries"]] == [
        None, "MalformedDetail", "MalformedDetail", "InvalidArgument", "InvalidArgument", "InvalidArgument",
        "NotAuthorizedForSourceException", None]
    assert answer["Entries"][3]["ErrorMessage"] == "Parameter Source is not valid. Reason: Source is a required argument."
    with refused("ValidationException", "Total size of the entries in the request is over the limit."):
        events.put_events(Entries=[{**good, "Detail": json.dumps({"a": "x" * 1_000_000})}])


def test_patterns_can_be_tried(events, refused):
    event = {"id": "1", "account": ACCOUNT, "source": "app", "time": "2026-11-21T20:00:00Z", "region": "us-east-1",
             "resources": [], "detail-type": "T", "detail": {"state": "new"}}
    assert events.test_event_pattern(EventPattern=PATTERN, Event=json.dumps(event))["Result"] is True
    event["detail"]["state"] = "old"
    assert events.test_event_pattern(EventPattern=PATTERN, Event=json.dumps(event))["Result"] is False
    with refused("ValidationException"):
        events.test_event_pattern(EventPattern=PATTERN, Event="{}")
    with refused("InvalidEventPatternException"):
        events.test_event_pattern(EventPattern="{}", Event=json.dumps(event))


def test_permissions_become_statements_of_the_buss_policy(events, bus, refused):
    events.put_permission(EventBusName=bus, Action="events:PutEvents", Principal="111111111111", StatementId="one")
    events.put_permission(EventBusName=bus, Action="events:PutEvents", Principal="*", StatementId="two", Condition={
        "Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-1"})
    policy = json.loads(events.describe_event_bus(Name=bus)["Policy"])
    assert policy["Statement"][0] == {
        "Sid": "one", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
        "Action": "events:PutEvents", "Resource": f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/{bus}"}
    assert policy["Statement"][1]["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}
    events.remove_permission(EventBusName=bus, StatementId="one")
    with refused("ResourceNotFoundException", "Statement with the provided id does not exist."):
        events.remove_permission(EventBusName=bus, StatementId="one")
    events.remove_permission(EventBusName=bus, RemoveAllPermissions=True)
    assert "Policy" not in events.describe_event_bus(Name=bus)


def test_archives_count_what_they_keep(events, bus, refused):
    arn = events.describe_event_bus(Name=bus)["Arn"]
    made = events.create_archive(ArchiveName="kept", EventSourceArn=arn, EventPattern=PATTERN, RetentionDays=3)
    assert made["State"] == "ENABLED" and made["ArchiveArn"].endswith(":archive/kept")
    for state in ("new", "old", "new"):
        events.put_events(Entries=[{"Source": "app", "DetailType": "T", "Detail": json.dumps({"state": state}),
                                    "EventBusName": bus}])
    found = events.describe_archive(ArchiveName="kept")
    assert found["EventCount"] == 2 and found["RetentionDays"] == 3
    with refused("ResourceAlreadyExistsException", "Archive kept already exists."):
        events.create_archive(ArchiveName="kept", EventSourceArn=arn)
    with refused("ValidationException", "At least one of EventPattern, RetentionDays or Description must be provided."):
        events.update_archive(ArchiveName="kept")
    events.delete_archive(ArchiveName="kept")
    with refused("ResourceNotFoundException", "Archive kept does not exist."):
        events.describe_archive(ArchiveName="kept")


def test_tags_of_rules(events, bus):
    arn = events.put_rule(Name="r", EventBusName=bus, EventPattern=PATTERN, Tags=[{"Key": "a", "Value": "1"}])["RuleArn"]
    events.tag_resource(ResourceARN=arn, Tags=[{"Key": "b", "Value": "2"}])
    events.untag_resource(ResourceARN=arn, TagKeys=["a"])
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "b", "Value": "2"}]

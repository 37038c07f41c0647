"""EventBridge Scheduler: schedules, groups and invocations as boto3 sees them."""

import datetime
import itertools
import json
import time

import pytest

from test_events_delivery import make_queue, messages

ACCOUNT = "000000000000"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:nobody"
OFF = {"Mode": "OFF"}
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def scheduler(server):
    return server.client("scheduler")


@pytest.fixture(scope="module")
def sqs(server):
    return server.client("sqs")


@pytest.fixture(scope="module")
def role(server):
    """A role that the scheduler may take on and that may send messages."""
    iam = server.client("iam")
    name = f"scheduler-{time.time_ns()}"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))
    iam.put_role_policy(RoleName=name, PolicyName="send", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["sqs:SendMessage", "events:PutEvents"], "Resource": "*"}]}))
    yield f"arn:aws:iam::{ACCOUNT}:role/{name}"
    iam.delete_role_policy(RoleName=name, PolicyName="send")
    iam.delete_role(RoleName=name)


@pytest.fixture
def name(scheduler):
    made = f"s-{next(_numbers)}"
    yield made
    try:
        scheduler.delete_schedule(Name=made)
    except scheduler.exceptions.ResourceNotFoundException:
        pass


def create(scheduler, name, role, arn=FUNCTION, expression="rate(1 day)", target=None, **more):
    return scheduler.create_schedule(Name=name, ScheduleExpression=expression, FlexibleTimeWindow=OFF,
                                     Target={"Arn": arn, "RoleArn": role} | (target or {}), **more)["ScheduleArn"]


def soon(seconds=2):
    time_ = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return time_.strftime("at(%Y-%m-%dT%H:%M:%S)")


def test_a_schedule_is_kept_as_it_was_made(scheduler, name, role, refused):
    arn = create(scheduler, name, role, expression="cron(0 18 ? * MON-FRI *)", Description="evening",
                 ScheduleExpressionTimezone="Europe/Berlin")
    assert arn == f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule/default/{name}"
    found = scheduler.get_schedule(Name=name)
    assert found["ScheduleExpression"] == "cron(0 18 ? * MON-FRI *)" and found["State"] == "ENABLED"
    assert found["ScheduleExpressionTimezone"] == "Europe/Berlin" and found["GroupName"] == "default"
    assert found["ActionAfterCompletion"] == "NONE" and found["Target"]["RoleArn"] == role
    with refused("ConflictException", f"Schedule {name} already exists.", status=409):
        create(scheduler, name, role)
    scheduler.update_schedule(Name=name, ScheduleExpression="rate(2 hours)", FlexibleTimeWindow=OFF, State="DISABLED",
                              Target={"Arn": FUNCTION, "RoleArn": role})
    found = scheduler.get_schedule(Name=name)
    assert found["State"] == "DISABLED" and "Description" not in found and found["ScheduleExpressionTimezone"] == "UTC"
    scheduler.delete_schedule(Name=name)
    with refused("ResourceNotFoundException", f"Schedule {name} does not exist.", status=404):
        scheduler.get_schedule(Name=name)


@pytest.mark.parametrize("expression", [
    "cron(0 1 * * * *)", "cron(7 20 * * NOT *)", "cron(INVALID)", "cron(71 8 1 * ? *)", "cron()", "rate(10 seconds)",
    "rate(10 years)", "rate()", "rate(10)", "rate(10 minutess)", "rate(foo minutes)", "rate(-10 minutes)",
    "rate( 10 minutes )", " rate(10 minutes)", "at(2021-12-31)", "at(2021-12-31T23:59:59Z)"])
def test_bad_expressions_are_refused_in_awss_words(scheduler, name, role, refused, expression):
    with refused("ValidationException", f"Invalid Schedule Expression {expression}."):
        create(scheduler, name, role, expression=expression)


def test_a_role_that_does_not_trust_the_scheduler_is_refused(scheduler, name, refused):
    with refused("ValidationException",
                 "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."):
        create(scheduler, name, f"arn:aws:iam::{ACCOUNT}:role/nobody")


def test_groups_hold_schedules_and_take_them_along(scheduler, role, refused):
    scheduler.create_schedule_group(Name="night", Tags=[{"Key": "a", "Value": "1"}])
    arn = scheduler.get_schedule_group(Name="night")["Arn"]
    assert arn == f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule-group/night"
    assert scheduler.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "1"}]
    for number in range(5):
        create(scheduler, f"n{number}", role, GroupName="night", State="DISABLED")
    first = scheduler.list_schedules(GroupName="night", MaxResults=3)
    rest = scheduler.list_schedules(GroupName="night", NextToken=first["NextToken"])
    assert [one["Name"] for one in first["Schedules"] + rest["Schedules"]] == [f"n{number}" for number in range(5)]
    with refused("ResourceNotFoundException", "Schedule group day does not exist.", status=404):
        create(scheduler, "n0", role, GroupName="day")
    scheduler.delete_schedule_group(Name="night")
    with refused("ResourceNotFoundException", "Schedule group night does not exist.", status=404):
        scheduler.get_schedule(Name="n0", GroupName="night")
    assert [one["Name"] for one in scheduler.list_schedule_groups()["ScheduleGroups"]] == ["default"]


def test_once_is_once_and_then_gone(scheduler, sqs, name, role):
    url, arn = make_queue(sqs, service=None, name=f"scheduled-{time.time_ns()}")
    schedule = create(scheduler, name, role, arn=arn, expression=soon(), ActionAfterCompletion="DELETE",
                      target={"Input": '{"who": "<aws.scheduler.schedule-arn>", "attempt": <aws.scheduler.attempt-number>}'})
    assert messages(sqs, url, 2, seconds=6) == [{"who": schedule, "attempt": 1}]
    with pytest.raises(scheduler.exceptions.ResourceNotFoundException):
        scheduler.get_schedule(Name=name)


def test_a_rate_begins_at_once(scheduler, sqs, name, role):
    url, arn = make_queue(sqs, service=None, name=f"scheduled-{time.time_ns()}")
    schedule = create(scheduler, name, role, arn=arn, expression="rate(1 hour)")
    (event,) = messages(sqs, url, 2, seconds=4)
    assert event["source"] == "aws.scheduler" and event["detail-type"] == "Scheduled Event"
    assert event["resources"] == [schedule] and event["detail"] == "{}"


def test_any_operation_can_be_called(scheduler, sqs, name, role):
    url, arn = make_queue(sqs, service=None, name=f"scheduled-{time.time_ns()}")
    create(scheduler, name, role, arn="arn:aws:scheduler:::aws-sdk:sqs:sendMessage", expression=soon(),
           target={"Input": json.dumps({"QueueUrl": url, "MessageBody": '{"universal": true}'})})
    assert messages(sqs, url, 1) == [{"universal": True}]


def test_event_buses_get_events(server, scheduler, sqs, name, role):
    events = server.client("events")
    url, arn = make_queue(sqs)
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": arn}])
    create(scheduler, name, role, arn=f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default", expression=soon(),
           target={"Input": '{"n": 1}', "EventBridgeParameters": {"Source": name, "DetailType": "Due"}})
    (event,) = messages(sqs, url, 1)
    assert event["detail"] == {"n": 1} and event["detail-type"] == "Due"
    events.remove_targets(Rule=name, Ids=["q"])
    events.delete_rule(Name=name)


def test_what_cannot_be_invoked_becomes_a_dead_letter(scheduler, sqs, name, role):
    dead_url, dead = make_queue(sqs, service=None, name=f"scheduled-{time.time_ns()}")
    missing = f"arn:aws:sqs:us-east-1:{ACCOUNT}:nobody-{time.time_ns()}"
    schedule = create(scheduler, name, role, arn=missing, expression=soon(),
                      target={"Input": '{"n": 1}', "DeadLetterConfig": {"Arn": dead}})
    (letter,) = messages(sqs, dead_url, 1, raw=True)
    attributes = {key: value["StringValue"] for key, value in letter["MessageAttributes"].items()}
    assert json.loads(letter["Body"]) == {"n": 1}
    assert attributes["SCHEDULE_ARN"] == schedule and attributes["TARGET_ARN"] == missing
    assert attributes["RETRY_ATTEMPTS"] == "0" and attributes["ERROR_CODE"] == "QueueDoesNotExist"

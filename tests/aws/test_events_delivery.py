"""Events on their way from PutEvents, schedules, archives and buckets to queues, seen from outside with boto3."""

import itertools
import json
import time

import pytest
from botocore.exceptions import ClientError

from likeness_server import Server

ACCOUNT = "000000000000"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def events(server):
    return server.client("events")


@pytest.fixture(scope="module")
def sqs(server):
    return server.client("sqs")


def allow(sqs, url, arn, service):
    """The queue takes messages of a service."""
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sqs:SendMessage", "Resource": arn}]})})


def make_queue(sqs, service="events.amazonaws.com", name=None, **attributes):
    try:
        url = sqs.create_queue(QueueName=name or f"events-{next(_numbers)}", Attributes=attributes)["QueueUrl"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "UnknownOperationException":
            pytest.skip("this server has no queues")
        raise
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    if service:
        allow(sqs, url, arn, service)
    return url, arn


def messages(sqs, url, count, seconds=20, raw=False):
    """The next `count` messages, as JSON; fewer after `seconds`."""
    found = []
    deadline = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < deadline:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, MessageAttributeNames=["All"],
                                     AttributeNames=["All"])
        for message in answer.get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found.append(message if raw else json.loads(message["Body"]))
    return found


def put(events, detail, source="app", **entry):
    answer = events.put_events(Entries=[{"Source": source, "DetailType": "T", "Detail": json.dumps(detail)} | entry])
    assert answer["FailedEntryCount"] == 0
    return answer["Entries"][0]["EventId"]


@pytest.fixture
def source(events):
    """A source of the test's own, and after it no rules of that prefix on the default bus."""
    name = f"app.{next(_numbers)}"
    yield name
    for rule in events.list_rules(NamePrefix=name)["Rules"]:
        ids = [target["Id"] for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]]
        if ids:
            events.remove_targets(Rule=rule["Name"], Ids=ids)
        events.delete_rule(Name=rule["Name"])


def make_rule(events, source, target, pattern=None):
    events.put_rule(Name=source, EventPattern=json.dumps({"source": [source]} | (pattern or {})))
    events.put_targets(Rule=source, Targets=[{"Id": "t"} | target])


def test_an_event_arrives_as_aws_sends_it(events, sqs, source):
    url, arn = make_queue(sqs)
    make_rule(events, source, {"Arn": arn})
    event_id = put(events, {"n": 1}, source, Resources=["arn:x"])
    (event,) = messages(sqs, url, 1)
    assert list(event) == ["version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"]
    assert event["id"] == event_id and event["detail"] == {"n": 1} and event["resources"] == ["arn:x"]
    assert event["account"] == ACCOUNT and event["version"] == "0" and event["time"].endswith("Z")


def test_what_does_not_match_does_not_arrive(events, sqs, source):
    url, arn = make_queue(sqs)
    make_rule(events, source, {"Arn": arn}, {"detail": {"n": [{"numeric": [">", 5]}]}})
    for n in (1, 7, 3, 9):
        put(events, {"n": n}, source)
    assert sorted(event["detail"]["n"] for event in messages(sqs, url, 3, seconds=3)) == [7, 9]


@pytest.mark.parametrize("target, body", [
    ({"Input": '{"fixed": true}'}, {"fixed": True}),
    ({"InputPath": "$.detail.who"}, "ann"),
    ({"InputTransformer": {"InputPathsMap": {"who": "$.detail.who"}, "InputTemplate": '{"text": "hello <who>", "who": <who>}'}},
     {"text": "hello ann", "who": "ann"}),
    ({"InputTransformer": {"InputPathsMap": {"who": "$.detail.who"}, "InputTemplate": '"hello <who> of <aws.events.rule-name>"'}},
     None),
])
def test_targets_get_what_their_input_says(events, sqs, source, target, body):
    url, arn = make_queue(sqs)
    make_rule(events, source, {"Arn": arn} | target)
    put(events, {"who": "ann"}, source)
    (found,) = messages(sqs, url, 1)
    assert found == (body or f"hello ann of {source}")


def test_a_queue_that_does_not_allow_it_gets_nothing_and_the_dead_letters_tell(events, sqs, source):
    url, arn = make_queue(sqs, service=None)
    dead_url, dead_arn = make_queue(sqs)
    make_rule(events, source, {"Arn": arn, "DeadLetterConfig": {"Arn": dead_arn}})
    event_id = put(events, {"n": 1}, source)
    (dead,) = messages(sqs, dead_url, 1, raw=True)
    assert json.loads(dead["Body"])["id"] == event_id
    attributes = {name: value["StringValue"] for name, value in dead["MessageAttributes"].items()}
    assert attributes["RULE_ARN"].endswith(f":rule/{source}") and attributes["TARGET_ARN"] == arn
    assert attributes["ERROR_CODE"] == "NO_PERMISSIONS" and attributes["RETRY_ATTEMPTS"] == "0"
    assert messages(sqs, url, 1, seconds=1) == []


def test_a_fifo_queue_gets_the_group(events, sqs, source):
    url, arn = make_queue(sqs, name=f"events-{next(_numbers)}.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    make_rule(events, source, {"Arn": arn, "SqsParameters": {"MessageGroupId": "g"}})
    put(events, {"n": 1}, source)
    (message,) = messages(sqs, url, 1, raw=True)
    assert message["Attributes"]["MessageGroupId"] == "g"


def test_events_go_on_from_bus_to_bus(events, sqs, source):
    url, arn = make_queue(sqs)
    bus = f"bus-{next(_numbers)}-far"
    bus_arn = events.create_event_bus(Name=bus)["EventBusArn"]
    events.put_rule(Name="far", EventBusName=bus, EventPattern=json.dumps({"source": [source]}))
    events.put_targets(Rule="far", EventBusName=bus, Targets=[{"Id": "q", "Arn": arn}])
    make_rule(events, source, {"Arn": bus_arn})
    event_id = put(events, {"n": 1}, source)
    (event,) = messages(sqs, url, 1)
    assert event["id"] == event_id
    events.remove_targets(Rule="far", EventBusName=bus, Ids=["q"])
    events.delete_rule(Name="far", EventBusName=bus)
    events.delete_event_bus(Name=bus)


def test_replays_bring_archived_events_back(events, sqs, source):
    url, arn = make_queue(sqs)
    make_rule(events, source, {"Arn": arn})
    bus_arn = events.describe_event_bus()["Arn"]
    archive = events.create_archive(ArchiveName=source, EventSourceArn=bus_arn,
                                    EventPattern=json.dumps({"source": [source]}))["ArchiveArn"]
    ids = {put(events, {"n": n}, source) for n in range(25)}
    assert {event["id"] for event in messages(sqs, url, 25)} == ids
    now = time.time()
    events.start_replay(ReplayName=source, EventSourceArn=archive, EventStartTime=now - 3600, EventEndTime=now + 3600,
                        Destination={"Arn": bus_arn})
    again = messages(sqs, url, 25)
    assert {event["id"] for event in again} == ids and {event["replay-name"] for event in again} == {source}
    deadline = time.monotonic() + 20
    while events.describe_replay(ReplayName=source)["State"] != "COMPLETED" and time.monotonic() < deadline:
        time.sleep(0.1)
    assert events.describe_replay(ReplayName=source)["State"] == "COMPLETED"
    events.delete_archive(ArchiveName=source)


def test_no_accepted_event_is_lost_when_the_server_is_killed(tmp_path):
    """kill -9 again and again while events are put: each that was accepted is in the queue in the end."""
    accepted = set()
    server = Server(tmp_path)
    try:
        events, sqs = server.client("events"), server.client("sqs")
        url, arn = make_queue(sqs, name="all")
        make_rule(events, "app", {"Arn": arn})
        for round_ in range(3):
            deadline = time.monotonic() + 1.5
            while time.monotonic() < deadline:
                answer = events.put_events(Entries=[{"Source": "app", "DetailType": "T", "Detail": "{}"}] * 5)
                accepted |= {entry["EventId"] for entry in answer["Entries"]}
            server.kill()
            server = Server(tmp_path)
            events, sqs = server.client("events"), server.client("sqs")
            url = sqs.get_queue_url(QueueName="all")["QueueUrl"]
        found = set()
        quiet = 0
        while quiet < 3:
            got = {event["id"] for event in messages(sqs, url, 10, seconds=2)}
            quiet = 0 if got else quiet + 1
            found |= got
        assert accepted - found == set()
        assert len(accepted) > 50
    finally:
        server.kill()

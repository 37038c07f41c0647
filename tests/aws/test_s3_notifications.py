"""What buckets tell queues, topics and the default event bus of their changes. The forms were seen of AWS."""

import itertools
import json
import time

import pytest

from likeness_server import Server
from test_events_delivery import make_queue, messages

ACCOUNT = "000000000000"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def sqs(server):
    return server.client("sqs")


@pytest.fixture(scope="module")
def events(server):
    return server.client("events")


@pytest.fixture
def queue(sqs):
    return make_queue(sqs, "s3.amazonaws.com", name=f"bucket-{time.time_ns()}")


def notify(s3, bucket, arn, events=("s3:ObjectCreated:*",), **more):
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={
        "QueueConfigurations": [{"Id": "c1", "QueueArn": arn, "Events": list(events)} | more]})


def records(sqs, url, count, seconds=20):
    return [record for body in messages(sqs, url, count, seconds) for record in body.get("Records", [])]


def test_a_target_is_tried_when_it_is_named(s3, sqs, bucket, queue):
    url, arn = queue
    notify(s3, bucket, arn)
    (test,) = messages(sqs, url, 1)
    assert test["Service"] == "Amazon S3" and test["Event"] == "s3:TestEvent" and test["Bucket"] == bucket
    assert set(test) == {"Service", "Event", "Time", "Bucket", "RequestId", "HostId"}


def test_targets_that_do_not_take_messages_are_refused_by_name(s3, sqs, bucket):
    _, closed = make_queue(sqs, service=None)
    missing = f"arn:aws:sqs:us-east-1:{ACCOUNT}:nobody-{time.time_ns()}"
    for arn, reason in ((missing, "The destination queue does not exist"),
                        (closed, "Permissions on the destination queue do not allow S3 to publish notifications from this bucket")):
        with pytest.raises(s3.exceptions.ClientError) as refusal:
            notify(s3, bucket, arn)
        error = refusal.value.response["Error"]
        assert error["Code"] == "InvalidArgument"
        assert error["Message"] == "Unable to validate the following destination configurations"
        assert (error["ArgumentName1"], error["ArgumentValue1"]) == (arn, reason)
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
    s3.put_bucket_notification_configuration(Bucket=bucket, SkipDestinationValidation=True, NotificationConfiguration={
        "QueueConfigurations": [{"QueueArn": missing, "Events": ["s3:ObjectCreated:*"]}]})


def test_an_upload_is_told_in_awss_form(s3, sqs, bucket, queue):
    url, arn = queue
    notify(s3, bucket, arn)
    messages(sqs, url, 1)
    answer = s3.put_object(Bucket=bucket, Key="in/a b+c@é.jpg", Body=b"123456789")
    (record,) = records(sqs, url, 1)
    assert record["eventVersion"] == "2.1" and record["eventSource"] == "aws:s3" and record["awsRegion"] == "us-east-1"
    assert record["eventName"] == "ObjectCreated:Put"
    assert set(record["responseElements"]) == {"x-amz-request-id", "x-amz-id-2"}
    assert record["requestParameters"]["sourceIPAddress"] == "127.0.0.1"
    told = record["s3"]
    assert told["s3SchemaVersion"] == "1.0" and told["configurationId"] == "c1"
    assert told["bucket"]["name"] == bucket and told["bucket"]["arn"] == f"arn:aws:s3:::{bucket}"
    assert told["object"]["key"] == "in/a+b%2Bc%40%C3%A9.jpg" and told["object"]["size"] == 9
    assert told["object"]["eTag"] == answer["ETag"].strip('"') and "versionId" not in told["object"]


def test_kinds_prefixes_and_suffixes_decide(s3, sqs, bucket, queue):
    url, arn = queue
    notify(s3, bucket, arn, ("s3:ObjectCreated:Copy", "s3:ObjectRemoved:*"), Filter={"Key": {"FilterRules": [
        {"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".jpg"}]}})
    messages(sqs, url, 1)
    s3.put_object(Bucket=bucket, Key="in/a.jpg", Body=b"1")
    for key in ("in/b.jpg", "out/b.jpg", "in/b.png"):
        s3.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": "in/a.jpg"})
    s3.delete_object(Bucket=bucket, Key="in/a.jpg")
    s3.delete_object(Bucket=bucket, Key="out/b.jpg")
    found = [(record["eventName"], record["s3"]["object"]["key"]) for record in records(sqs, url, 3, seconds=3)]
    assert sorted(found) == [("ObjectCreated:Copy", "in/b.jpg"), ("ObjectRemoved:Delete", "in/a.jpg")]


def test_sequencers_of_a_key_rise(s3, sqs, bucket, queue):
    url, arn = queue
    notify(s3, bucket, arn, ("s3:ObjectCreated:*", "s3:ObjectRemoved:*"))
    messages(sqs, url, 1)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for number in range(5):
        s3.put_object(Bucket=bucket, Key="k", Body=str(number).encode())
    s3.delete_object(Bucket=bucket, Key="k")
    told = sorted(records(sqs, url, 6), key=lambda record: record["s3"]["object"]["sequencer"])
    assert [record["eventName"] for record in told] == ["ObjectCreated:Put"] * 5 + ["ObjectRemoved:DeleteMarkerCreated"]
    assert all(record["s3"]["object"]["versionId"] for record in told)


def test_eventbridge_gets_its_own_form(s3, sqs, events, bucket):
    url, arn = make_queue(sqs)
    rule = f"s3-{time.time_ns()}"
    events.put_rule(Name=rule, EventPattern=json.dumps({"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}}))
    events.put_targets(Rule=rule, Targets=[{"Id": "q", "Arn": arn}])
    s3.put_object(Bucket=bucket, Key="before", Body=b"")
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    answer = s3.put_object(Bucket=bucket, Key="a b.jpg", Body=b"1234")
    s3.delete_object(Bucket=bucket, Key="a b.jpg")
    found = {event["detail-type"]: event for event in messages(sqs, url, 2)}
    created, deleted = found["Object Created"], found["Object Deleted"]
    assert created["resources"] == [f"arn:aws:s3:::{bucket}"] and created["account"] == ACCOUNT
    detail = created["detail"]
    assert detail["version"] == "0" and detail["bucket"] == {"name": bucket} and detail["reason"] == "PutObject"
    assert detail["requester"] == ACCOUNT and detail["source-ip-address"] == "127.0.0.1" and detail["request-id"]
    assert detail["object"]["key"] == "a b.jpg" and detail["object"]["size"] == 4
    assert detail["object"]["etag"] == answer["ETag"].strip('"')
    assert deleted["detail"]["reason"] == "DeleteObject" and deleted["detail"]["deletion-type"] == "Permanently Deleted"
    assert deleted["detail"]["object"]["sequencer"] > detail["object"]["sequencer"]
    events.remove_targets(Rule=rule, Ids=["q"])
    events.delete_rule(Name=rule)


def test_topics_are_told_with_a_subject(server, s3, sqs, bucket):
    sns = server.client("sns")
    topic = sns.create_topic(Name=f"photos-{time.time_ns()}")["TopicArn"]
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"},
                                                "Action": "sns:Publish", "Resource": topic}]}))
    url, arn = make_queue(sqs, "sns.amazonaws.com")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={
        "TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}]})
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    told = {json.loads(body["Message"]).get("Event", "upload"): body for body in messages(sqs, url, 2)}
    assert told["upload"]["Subject"] == "Amazon S3 Notification"
    assert json.loads(told["upload"]["Message"])["Records"][0]["s3"]["object"]["key"] == "k"
    assert "s3:TestEvent" in told


def test_no_upload_goes_untold_when_the_server_is_killed(tmp_path):
    """kill -9 again and again during uploads: the queue has heard of each that was accepted."""
    server = Server(tmp_path)
    accepted = set()
    try:
        s3, sqs = server.client("s3"), server.client("sqs")
        url, arn = make_queue(sqs, "s3.amazonaws.com", name="told")
        s3.create_bucket(Bucket="photos")
        notify(s3, "photos", arn)
        for round_ in range(3):
            for number in range(60):
                key = f"{round_}-{number}"
                s3.put_object(Bucket="photos", Key=key, Body=b"x")
                accepted.add(key)
            server.kill()
            server = Server(tmp_path)
            s3, sqs = server.client("s3"), server.client("sqs")
            url = sqs.get_queue_url(QueueName="told")["QueueUrl"]
        found, quiet = set(), 0
        while quiet < 3:
            got = {record["s3"]["object"]["key"] for record in records(sqs, url, 10, seconds=2)}
            quiet = 0 if got else quiet + 1
            found |= got
        assert accepted - found == set()
    finally:
        server.kill()

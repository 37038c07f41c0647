"""Queues through the official SDK."""

import hashlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

ACCOUNT = "000000000000"


@pytest.fixture(scope="module")
def sqs(server):
    return server.client("sqs")


@pytest.fixture
def queue(sqs, request):
    """The URL of a queue of the test's own."""
    name = request.node.name.replace("[", "-").replace("]", "")[:80]
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    yield url
    sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def fifo(sqs, request):
    url = sqs.create_queue(QueueName=request.node.name[:70] + ".fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    yield url
    sqs.delete_queue(QueueUrl=url)


def arn_of(sqs, url):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def error_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]


def test_a_message_goes_through(sqs, queue):
    sent = sqs.send_message(QueueUrl=queue, MessageBody="hello", MessageAttributes={
        "kind": {"DataType": "String", "StringValue": "greeting"},
        "blob": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        "count": {"DataType": "Number.int", "StringValue": "3"}})
    assert sent["MD5OfMessageBody"] == hashlib.md5(b"hello").hexdigest()
    messages = sqs.receive_message(QueueUrl=queue, AttributeNames=["All"], MessageAttributeNames=["All"])["Messages"]
    assert len(messages) == 1
    message = messages[0]
    assert message["Body"] == "hello" and message["MessageId"] == sent["MessageId"]
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["MessageAttributes"]["blob"] == {"DataType": "Binary", "BinaryValue": b"\x00\xff"}
    assert message["Attributes"]["SenderId"] == ACCOUNT
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert abs(int(message["Attributes"]["SentTimestamp"]) / 1000 - time.time()) < 60
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    counts = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert counts["ApproximateNumberOfMessages"] == counts["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_only_attributes_that_were_asked_for_come(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="m", MessageAttributes={
        name: {"DataType": "String", "StringValue": name} for name in ("a.one", "a.two", "b")},
        MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe"}})
    message = sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["a.*"],
                                  MessageSystemAttributeNames=["AWSTraceHeader"])["Messages"][0]
    assert sorted(message["MessageAttributes"]) == ["a.one", "a.two"]
    assert message["Attributes"] == {"AWSTraceHeader": "Root=1-5759e988-bd862e3fe"}
    assert error_of(sqs.receive_message, QueueUrl=queue, MessageSystemAttributeNames=["Nonsense"])["Code"] == \
        "InvalidAttributeName"


def test_batches(sqs, queue):
    entries = [{"Id": str(i), "MessageBody": f"m{i}"} for i in range(10)]
    entries[3]["DelaySeconds"] = 901
    sent = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert len(sent["Successful"]) == 9
    assert sent["Failed"] == [{"Id": "3", "SenderFault": True, "Code": "InvalidParameterValue", "Message":
                               "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."}]
    got = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert len(got) == 9
    handles = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(got)]
    changed = sqs.change_message_visibility_batch(
        QueueUrl=queue, Entries=[{**h, "VisibilityTimeout": 100} for h in handles[:2]] +
        [{"Id": "x", "ReceiptHandle": "nonsense", "VisibilityTimeout": 1}])
    assert len(changed["Successful"]) == 2 and changed["Failed"][0]["Code"] == "ReceiptHandleIsInvalid"
    deleted = sqs.delete_message_batch(QueueUrl=queue, Entries=handles)
    assert len(deleted["Successful"]) == 9 and "Failed" not in deleted


@pytest.mark.parametrize("entries, code", [
    ([], "AWS.SimpleQueueService.EmptyBatchRequest"),
    ([{"Id": "a", "MessageBody": "b"}] * 2, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"),
    ([{"Id": str(i), "MessageBody": "b"} for i in range(11)], "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"),
    ([{"Id": "no spaces", "MessageBody": "b"}], "AWS.SimpleQueueService.InvalidBatchEntryId"),
    ([{"Id": "a", "MessageBody": "b" * 600_000}, {"Id": "c", "MessageBody": "b" * 600_000}],
     "AWS.SimpleQueueService.BatchRequestTooLong"),
], ids=["empty", "twice", "many", "id", "long"])
def test_bad_batches(sqs, queue, entries, code):
    assert error_of(sqs.send_message_batch, QueueUrl=queue, Entries=entries)["Code"] == code
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)


def test_long_polling_waits_and_wakes(sqs, queue):
    started = time.monotonic()
    assert "Messages" not in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=2)
    assert 1.8 < time.monotonic() - started < 5

    def send():
        time.sleep(1)
        sqs.send_message(QueueUrl=queue, MessageBody="late")

    thread = threading.Thread(target=send)
    thread.start()
    started = time.monotonic()
    assert sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"][0]["Body"] == "late"
    assert time.monotonic() - started < 5
    thread.join()


def test_many_waiting_receivers_do_not_stop_the_server(server, sqs, queue):
    """More of them than threads that work; each gets one message."""
    from botocore.config import Config
    client = server.client("sqs", config=Config(retries={"total_max_attempts": 1}, max_pool_connections=60))
    got = []

    def wait():
        got.extend(client.receive_message(QueueUrl=queue, WaitTimeSeconds=20).get("Messages", []))

    threads = [threading.Thread(target=wait) for _ in range(40)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    started = time.monotonic()
    for i in range(40):
        sqs.send_message(QueueUrl=queue, MessageBody=str(i))
    for thread in threads:
        thread.join()
    assert time.monotonic() - started < 15
    assert sorted(int(m["Body"]) for m in got) == list(range(40))


def ask_for_messages(server, url):
    """A long poll on a connection of its own."""
    key, secret = server.credentials
    request = AWSRequest("POST", server.endpoint + "/", data=json.dumps({"QueueUrl": url, "WaitTimeSeconds": 20}), headers={
        "Host": f"{server.host}:{server.port}", "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": "AmazonSQS.ReceiveMessage"})
    SigV4Auth(Credentials(key, secret), "sqs", "us-east-1").add_auth(request)
    body = request.data.encode() if isinstance(request.data, str) else request.data
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    connection = socket.create_connection((server.host, server.port))
    connection.sendall(f"POST / HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return connection


def test_who_has_gone_gets_no_messages(server, sqs, queue):
    """What an abandoned long poll took would be hidden from everybody for the visibility timeout."""
    polls = [ask_for_messages(server, queue) for _ in range(5)]
    time.sleep(1)
    for poll in polls:
        poll.close()
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    message = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5, AttributeNames=["All"])["Messages"][0]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"


def test_a_stop_ends_long_polls(start_server):
    server = start_server()
    sqs = server.client("sqs")
    poll = ask_for_messages(server, sqs.create_queue(QueueName="q")["QueueUrl"])
    time.sleep(1)
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 15
    assert poll.makefile().readline() == "HTTP/1.1 200 OK\n"


def test_visibility(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    first = sqs.receive_message(QueueUrl=queue, VisibilityTimeout=1)["Messages"][0]
    again = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5, AttributeNames=["ApproximateReceiveCount"])["Messages"][0]
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"
    assert error_of(sqs.change_message_visibility, QueueUrl=queue, ReceiptHandle=first["ReceiptHandle"],
                    VisibilityTimeout=5)["Code"] == "AWS.SimpleQueueService.MessageNotInflight"
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=again["ReceiptHandle"], VisibilityTimeout=0)
    assert sqs.receive_message(QueueUrl=queue)["Messages"]


def test_dead_letters_go_and_come_back(sqs, queue):
    dead = sqs.create_queue(QueueName="dead-letters")["QueueUrl"]
    redrive = json.dumps({"deadLetterTargetArn": arn_of(sqs, dead), "maxReceiveCount": "1"})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": redrive, "VisibilityTimeout": "0"})
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [queue]
    sqs.send_message(QueueUrl=queue, MessageBody="poison")
    assert sqs.receive_message(QueueUrl=queue)["Messages"]
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    letter = sqs.receive_message(QueueUrl=dead, AttributeNames=["All"], VisibilityTimeout=0)["Messages"][0]
    assert letter["Attributes"]["DeadLetterQueueSourceArn"] == arn_of(sqs, queue)
    sqs.start_message_move_task(SourceArn=arn_of(sqs, dead))
    assert sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10, VisibilityTimeout=30)["Messages"][0]["Body"] == "poison"
    for _ in range(50):
        tasks = sqs.list_message_move_tasks(SourceArn=arn_of(sqs, dead))["Results"]
        if tasks[0]["Status"] == "COMPLETED":
            break
        time.sleep(0.1)
    assert tasks[0]["ApproximateNumberOfMessagesMoved"] == 1
    assert error_of(sqs.start_message_move_task, SourceArn=arn_of(sqs, queue))["Message"] == \
        "Source queue must be configured as a Dead Letter Queue."
    sqs.delete_queue(QueueUrl=dead)


def test_fifo_order_and_deduplication(sqs, fifo):
    for group, body in [("a", "a1"), ("b", "b1"), ("a", "a2"), ("a", "a2")]:
        sqs.send_message(QueueUrl=fifo, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=body)
    got = sqs.receive_message(QueueUrl=fifo, MaxNumberOfMessages=10, AttributeNames=["All"])["Messages"]
    assert [m["Body"] for m in got if m["Attributes"]["MessageGroupId"] == "a"] == ["a1", "a2"]
    assert len(got) == 3
    numbers = [m["Attributes"]["SequenceNumber"] for m in got if m["Attributes"]["MessageGroupId"] == "a"]
    assert numbers == sorted(numbers) and all(len(n) == 20 for n in numbers)
    sqs.send_message(QueueUrl=fifo, MessageBody="a3", MessageGroupId="a", MessageDeduplicationId="a3")
    assert "Messages" not in sqs.receive_message(QueueUrl=fifo)
    assert error_of(sqs.send_message, QueueUrl=fifo, MessageBody="m", MessageGroupId="g")["Message"] == (
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
    sqs.set_queue_attributes(QueueUrl=fifo, Attributes={"ContentBasedDeduplication": "true"})
    first = sqs.send_message(QueueUrl=fifo, MessageBody="same", MessageGroupId="g")
    assert sqs.send_message(QueueUrl=fifo, MessageBody="same", MessageGroupId="g")["SequenceNumber"] == first["SequenceNumber"]


def test_attributes_and_tags(sqs):
    url = sqs.create_queue(QueueName="with-attributes", Attributes={"DelaySeconds": "1"}, tags={"team": "faces"})["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["DelaySeconds"] == "1" and attributes["MaximumMessageSize"] == "1048576"
    assert "FifoQueue" not in attributes
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "faces"}
    sqs.tag_queue(QueueUrl=url, Tags={"stage": "test"})
    sqs.untag_queue(QueueUrl=url, TagKeys=["team"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"stage": "test"}
    assert error_of(sqs.create_queue, QueueName="with-attributes", Attributes={"DelaySeconds": "2"})["Code"] == \
        "QueueAlreadyExists"
    assert error_of(sqs.set_queue_attributes, QueueUrl=url, Attributes={"DelaySeconds": "many"}) == {
        "Code": "InvalidAttributeValue", "QueryErrorCode": "InvalidAttributeValue", "Type": "Sender",
        "Message": "Invalid value for the parameter DelaySeconds."}
    assert error_of(sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["Nonsense"])["Code"] == "InvalidAttributeName"
    sqs.delete_queue(QueueUrl=url)
    assert error_of(sqs.create_queue, QueueName="with-attributes")["Code"] == "AWS.SimpleQueueService.QueueDeletedRecently"
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName="with-attributes")


def test_listing_in_pages(sqs):
    urls = [sqs.create_queue(QueueName=f"page-{i}")["QueueUrl"] for i in range(5)]
    assert sqs.list_queues(QueueNamePrefix="page-")["QueueUrls"] == urls
    pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix="page-", PaginationConfig={"PageSize": 2})
    assert [url for page in pages for url in page["QueueUrls"]] == urls
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix="nothing-like-this")
    for url in urls:
        sqs.delete_queue(QueueUrl=url)


def test_a_purge_empties(sqs, queue):
    for i in range(20):
        sqs.send_message(QueueUrl=queue, MessageBody=str(i))
    sqs.purge_queue(QueueUrl=queue)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    assert error_of(sqs.purge_queue, QueueUrl=queue)["Code"] == "AWS.SimpleQueueService.PurgeQueueInProgress"


def test_messages_that_are_refused(sqs, queue):
    assert error_of(sqs.send_message, QueueUrl=queue, MessageBody="\x00")["Code"] == "InvalidMessageContents"
    assert error_of(sqs.send_message, QueueUrl=queue, MessageBody="x" * 1_048_577)["Code"] == "InvalidParameterValue"
    assert error_of(sqs.send_message, QueueUrl=queue, MessageBody="")["Code"] == "MissingParameter"
    assert error_of(sqs.send_message, QueueUrl=queue + "x", MessageBody="m")["Code"] == \
        "AWS.SimpleQueueService.NonExistentQueue"
    assert error_of(sqs.delete_message, QueueUrl=queue, ReceiptHandle="made up")["Code"] == "ReceiptHandleIsInvalid"
    bad = {"n": {"DataType": "Number", "StringValue": "three"}}
    assert error_of(sqs.send_message, QueueUrl=queue, MessageBody="m", MessageAttributes=bad)["Code"] == \
        "InvalidParameterValue"
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    sqs.send_message(QueueUrl=queue, MessageBody="x" * 1_048_576)
    assert len(sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"]) == 1_048_576


def test_policies_decide(server, sqs, queue):
    iam = server.client("iam")
    iam.create_user(UserName="poster")
    key = iam.create_access_key(UserName="poster")["AccessKey"]
    other = server.client("sqs", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    assert error_of(other.send_message, QueueUrl=queue, MessageBody="m")["Code"] == "AccessDenied"
    arn = arn_of(sqs, queue)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({
        "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/poster"}, "Action": "SQS:SendMessage",
            "Resource": arn}]})})
    other.send_message(QueueUrl=queue, MessageBody="m")
    assert error_of(other.receive_message, QueueUrl=queue)["Code"] == "AccessDenied"
    sqs.add_permission(QueueUrl=queue, Label="all", AWSAccountIds=[ACCOUNT], Actions=["ReceiveMessage"])
    policy = json.loads(sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"])["Attributes"]["Policy"])
    assert [s.get("Sid") for s in policy["Statement"]] == [None, "all"]
    sqs.remove_permission(QueueUrl=queue, Label="all")
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": ""})
    assert error_of(other.send_message, QueueUrl=queue, MessageBody="m")["Code"] == "AccessDenied"
    assert error_of(sqs.set_queue_attributes, QueueUrl=queue, Attributes={"Policy": "{"})["Code"] == "InvalidAttributeValue"


def form(server, path, parameters):
    """As clients did before 2023: a form with a signature. (status, text)."""
    key, secret = server.credentials
    request = AWSRequest("POST", server.endpoint + path, data=urllib.parse.urlencode(parameters),
                         headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
    SigV4Auth(Credentials(key, secret), "sqs", "us-east-1").add_auth(request)
    try:
        with urllib.request.urlopen(urllib.request.Request(
                request.url, data=request.body.encode() if isinstance(request.body, str) else request.body,
                headers=dict(request.headers))) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_query_protocol(server, sqs, queue):
    path = urllib.parse.urlparse(queue).path
    status, text = form(server, path, {
        "Action": "SendMessage", "Version": "2012-11-05", "MessageBody": "by <form>",
        "MessageAttribute.1.Name": "n", "MessageAttribute.1.Value.DataType": "String",
        "MessageAttribute.1.Value.StringValue": "v"})
    assert status == 200 and f"<MD5OfMessageBody>{hashlib.md5(b'by <form>').hexdigest()}</MD5OfMessageBody>" in text
    status, text = form(server, "/", {"Action": "ReceiveMessage", "Version": "2012-11-05", "QueueUrl": queue,
                                      "AttributeName.1": "All", "MessageAttributeName.1": "All"})
    assert status == 200 and "<Body>by &lt;form&gt;</Body>" in text
    assert "<MessageAttribute><Name>n</Name><Value><StringValue>v</StringValue><DataType>String</DataType></Value>" in text
    assert "<Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value></Attribute>" in text
    status, text = form(server, "/", {"Action": "GetQueueUrl", "Version": "2012-11-05", "QueueName": "nowhere"})
    assert status == 400 and "<Code>AWS.SimpleQueueService.NonExistentQueue</Code>" in text
    status, text = form(server, "/", {"Action": "ListQueues", "Version": "2012-11-05"})
    assert f"<QueueUrl>{queue}</QueueUrl>" in text


def test_the_command_line(server, sqs, queue):
    key, secret = server.credentials
    environment = os.environ | {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_DEFAULT_REGION": "us-east-1"}

    def aws(*arguments):
        run = subprocess.run([pathlib.Path(sys.executable).parent / "aws", *arguments, "--output", "json", "--endpoint-url",
                              server.endpoint], capture_output=True, text=True,
                             env=environment, timeout=60)
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout) if run.stdout.strip() else {}

    sent = aws("sqs", "send-message", "--queue-url", queue, "--message-body", "by hand")
    message = aws("sqs", "receive-message", "--queue-url", queue, "--wait-time-seconds", "5")["Messages"][0]
    assert message["MessageId"] == sent["MessageId"] and message["Body"] == "by hand"
    aws("sqs", "delete-message", "--queue-url", queue, "--receipt-handle", message["ReceiptHandle"])
    topic = aws("sns", "create-topic", "--name", "by-hand")["TopicArn"]
    assert aws("sns", "publish", "--topic-arn", topic, "--message", "m")["MessageId"]

"""Topics through the official SDK: into queues, mailboxes (the outbox), phones and web servers."""

import base64
import http.server
import json
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
from botocore.exceptions import ClientError

ACCOUNT = "000000000000"


@pytest.fixture(scope="module")
def sns(server):
    return server.client("sns")


@pytest.fixture(scope="module")
def sqs(server):
    return server.client("sqs")


@pytest.fixture
def topic(sns, request):
    arn = sns.create_topic(Name=request.node.name.replace("[", "-").replace("]", ""))["TopicArn"]
    yield arn
    sns.delete_topic(TopicArn=arn)


@pytest.fixture
def queue(sqs, topic, request):
    """A queue that lets the topic send to it: (URL, ARN)."""
    return allowed_queue(sqs, topic, "of-" + request.node.name.replace("[", "-").replace("]", ""))


def allowed_queue(sqs, topic, name, **attributes):
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({
        "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}]})})
    return url, arn


def received(sqs, url, count=1, seconds=10):
    got, until = [], time.monotonic() + seconds
    while len(got) < count and time.monotonic() < until:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, MessageAttributeNames=["All"],
                                     AttributeNames=["All"])
        for message in answer.get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            got.append(message)
    return got


def outbox(server, to):
    status, text = server.get("/_likeness/outbox")
    assert status == 200
    return [m for m in json.loads(text)["messages"] if m["to"] == to]


def in_outbox(server, to, count=1):
    for _ in range(100):
        found = outbox(server, to)
        if len(found) >= count:
            return found
        time.sleep(0.1)
    raise AssertionError(f"no {count} messages to {to}: {found}")


def error_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]


def verify(server, envelope, folder):
    """The envelope's signature, by the certificate that it names."""
    assert envelope["SigningCertURL"].startswith(server.endpoint + "/_likeness/")
    with urllib.request.urlopen(envelope["SigningCertURL"]) as answer:
        (folder / "certificate.pem").write_bytes(answer.read())
    key = subprocess.run(["openssl", "x509", "-in", folder / "certificate.pem", "-noout", "-pubkey"], capture_output=True,
                         check=True)
    (folder / "key.pem").write_bytes(key.stdout)
    names = (["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"] if envelope["Type"] == "Notification" else
             ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"])
    text = "".join(f"{name}\n{envelope[name]}\n" for name in names if name in envelope)
    (folder / "signature").write_bytes(base64.b64decode(envelope["Signature"]))
    kind = "-sha256" if envelope["SignatureVersion"] == "2" else "-sha1"
    subprocess.run(["openssl", "dgst", kind, "-verify", folder / "key.pem", "-signature", folder / "signature"],
                   input=text.encode(), check=True, capture_output=True)


def test_a_queue_gets_what_is_published(server, sns, sqs, topic, queue, tmp_path):
    url, arn = queue
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"]
    assert subscription.startswith(topic + ":")
    published = sns.publish(TopicArn=topic, Message="hällo", Subject="A subject", MessageAttributes={
        "n": {"DataType": "Number", "StringValue": "3"}, "b": {"DataType": "Binary", "BinaryValue": b"\x00\x01"}})
    [message] = received(sqs, url)
    envelope = json.loads(message["Body"])
    assert envelope["Message"] == "hällo" and envelope["Subject"] == "A subject" and envelope["Type"] == "Notification"
    assert envelope["MessageId"] == published["MessageId"] and envelope["TopicArn"] == topic
    assert envelope["MessageAttributes"] == {"n": {"Type": "Number", "Value": "3"}, "b": {"Type": "Binary", "Value": "AAE="}}
    verify(server, envelope, tmp_path)
    sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue="2")
    sns.publish(TopicArn=topic, Message="signed otherwise")
    [message] = received(sqs, url)
    assert json.loads(message["Body"])["SignatureVersion"] == "2"
    verify(server, json.loads(message["Body"]), tmp_path)
    sns.set_subscription_attributes(SubscriptionArn=subscription, AttributeName="RawMessageDelivery", AttributeValue="true")
    sns.publish(TopicArn=topic, Message="raw", MessageAttributes={"n": {"DataType": "Number", "StringValue": "3"}})
    [message] = received(sqs, url)
    assert message["Body"] == "raw" and message["MessageAttributes"]["n"]["StringValue"] == "3"
    # Without an unsubscribe by name: the link in the envelope, which nobody has to sign.
    assert urllib.request.urlopen(envelope["UnsubscribeURL"]).status == 200
    sns.publish(TopicArn=topic, Message="to nobody")
    assert received(sqs, url, seconds=1) == []


def test_a_queue_that_does_not_allow_the_topic_gets_nothing(sns, sqs, topic):
    url = sqs.create_queue(QueueName="not-allowed")["QueueUrl"]
    dead_url, dead = allowed_queue(sqs, topic, "not-allowed-dead")
    arn = dead.replace("not-allowed-dead", "not-allowed")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn,
                  Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead})})
    sns.publish(TopicArn=topic, Message="m")
    [letter] = received(sqs, dead_url)
    assert json.loads(letter["Body"])["Message"] == "m"
    assert letter["MessageAttributes"]["ErrorCode"]["StringValue"] == "AccessDeniedException"
    assert received(sqs, url, seconds=1) == []


def test_filters(sns, sqs, topic, queue):
    url, arn = queue
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={
        "RawMessageDelivery": "true",
        "FilterPolicy": json.dumps({"kind": ["a", {"prefix": "b-"}], "size": [{"numeric": [">", 10]}]})})["SubscriptionArn"]

    def publish(body, kind, size):
        sns.publish(TopicArn=topic, Message=body, MessageAttributes={
            "kind": {"DataType": "String", "StringValue": kind}, "size": {"DataType": "Number", "StringValue": size}})

    publish("1", "a", "11")
    publish("2", "a", "10")
    publish("3", "b-x", "100.5")
    publish("4", "c", "100")
    sns.publish(TopicArn=topic, Message="5")
    assert sorted(m["Body"] for m in received(sqs, url, 2)) == ["1", "3"]
    sns.set_subscription_attributes(SubscriptionArn=subscription, AttributeName="FilterPolicyScope",
                                    AttributeValue="MessageBody")
    sns.set_subscription_attributes(SubscriptionArn=subscription, AttributeName="FilterPolicy",
                                    AttributeValue=json.dumps({"detail": {"ok": [True]}}))
    sns.publish(TopicArn=topic, Message=json.dumps({"detail": {"ok": True}}))
    sns.publish(TopicArn=topic, Message=json.dumps({"detail": {"ok": False}}))
    assert [m["Body"] for m in received(sqs, url, 2, seconds=2)] == ['{"detail": {"ok": true}}']
    assert error_of(sns.set_subscription_attributes, SubscriptionArn=subscription, AttributeName="FilterPolicy",
                    AttributeValue='{"a": "no list"}')["Code"] == "InvalidParameter"


def test_mails_wait_for_a_confirmation(server, sns, topic):
    to = "ann@example.org"
    assert sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=to)["SubscriptionArn"] == "pending confirmation"
    sns.publish(TopicArn=topic, Message="too early")
    [mail] = in_outbox(server, to)
    assert mail["subject"] == "AWS Notification - Subscription Confirmation" and topic in mail["body"]
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"][0]["SubscriptionArn"] == "PendingConfirmation"
    with urllib.request.urlopen(mail["links"][0]["url"]) as page:
        assert b"Subscription confirmed" in page.read()
    sns.publish(TopicArn=topic, Message="the text", Subject="News")
    mail = in_outbox(server, to, 2)[0]
    assert mail["subject"] == "News" and mail["body"].startswith("the text\n") and mail["kind"] == "email"
    status, page = server.get("/_likeness/outbox/")
    assert status == 200 and "the text" in page
    with urllib.request.urlopen(mail["links"][0]["url"]) as page:
        assert b"Unsubscribed" in page.read()
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


def test_confirming_by_the_api(server, sns, topic):
    to = "bob@example.org"
    sns.subscribe(TopicArn=topic, Protocol="email-json", Endpoint=to)
    [mail] = in_outbox(server, to)
    token = urllib.parse.parse_qs(urllib.parse.urlparse(mail["links"][0]["url"]).query)["Token"][0]
    assert error_of(sns.confirm_subscription, TopicArn=topic, Token="x" * 40)["Code"] == "InvalidParameter"
    arn = sns.confirm_subscription(TopicArn=topic, Token=token, AuthenticateOnUnsubscribe="true")["SubscriptionArn"]
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert attributes["PendingConfirmation"] == "false" and attributes["ConfirmationWasAuthenticated"] == "true"
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{server.endpoint}/?Action=Unsubscribe&Version=2010-03-31&SubscriptionArn={arn}")
    sns.publish(TopicArn=topic, Message="for machines")
    assert json.loads(in_outbox(server, to, 2)[0]["body"])["Message"] == "for machines"
    sns.unsubscribe(SubscriptionArn=arn)


def test_text_messages(server, sns, topic):
    sns.publish(PhoneNumber="+15005550111", Message="straight")
    sns.subscribe(TopicArn=topic, Protocol="sms", Endpoint="+15005550112")
    sns.publish(TopicArn=topic, MessageStructure="json", Message=json.dumps({"default": "long", "sms": "short"}))
    assert in_outbox(server, "+15005550111")[0]["body"] == "straight"
    assert in_outbox(server, "+15005550112")[0]["body"] == "short"
    assert error_of(sns.publish, PhoneNumber="12", Message="m")["Code"] == "InvalidParameter"


class Receiver:
    """A web server that keeps what it is sent and answers with the given statuses, then with 200."""

    def __init__(self, statuses=()):
        receiver = self
        self.posts, self.statuses = [], list(statuses)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.posts.append((dict(self.headers), body.decode()))
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def wait(self, count):
        for _ in range(150):
            if len(self.posts) >= count:
                return self.posts
            time.sleep(0.1)
        raise AssertionError(self.posts)

    def stop(self):
        self.server.shutdown()


@pytest.fixture(scope="module")
def open_server(tmp_path_factory):
    """A server that may send to this machine."""
    import likeness_server
    server = likeness_server.Server(tmp_path_factory.mktemp("open"), set=["http_private_targets=true"])
    yield server
    server.stop()


def test_web_servers(open_server, tmp_path):
    sns = open_server.client("sns")
    topic = sns.create_topic(Name="web")["TopicArn"]
    receiver = Receiver()
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url, Attributes={
        "DeliveryPolicy": json.dumps({"healthyRetryPolicy": {"minDelayTarget": 1, "maxDelayTarget": 1, "numRetries": 3}})})
    headers, body = receiver.wait(1)[0]
    confirmation = json.loads(body)
    assert headers["x-amz-sns-message-type"] == confirmation["Type"] == "SubscriptionConfirmation"
    verify(open_server, confirmation, tmp_path)
    assert b"SubscriptionArn" in urllib.request.urlopen(confirmation["SubscribeURL"]).read()
    sns.publish(TopicArn=topic, Message="one", Subject="S")
    headers, body = receiver.wait(2)[1]
    envelope = json.loads(body)
    assert headers["x-amz-sns-message-type"] == "Notification" and envelope["Message"] == "one"
    assert headers["x-amz-sns-subscription-arn"].startswith(topic)
    verify(open_server, envelope, tmp_path)
    # A server that fails is asked again, one that refuses is not.
    receiver.statuses = [503, 500]
    sns.publish(TopicArn=topic, Message="two")
    assert [json.loads(p[1])["Message"] for p in receiver.wait(5)[2:]] == ["two"] * 3
    receiver.statuses = [403]
    sns.publish(TopicArn=topic, Message="three")
    receiver.wait(6)
    time.sleep(2.5)
    assert len(receiver.posts) == 6
    receiver.stop()


def test_private_addresses_are_not_sent_to(server, sns, topic):
    receiver = Receiver()
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url)
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url.replace("127.0.0.1", "localhost"))
    time.sleep(2)
    assert receiver.posts == []
    receiver.stop()


def test_fifo_topics_keep_order_and_send_once(sns, sqs):
    topic = sns.create_topic(Name="orders.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    url, arn = allowed_queue(sqs, topic, "orders.fifo", FifoQueue="true")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    sent = [sns.publish(TopicArn=topic, Message=str(i), MessageGroupId="g", MessageDeduplicationId=str(i)) for i in range(20)]
    again = sns.publish(TopicArn=topic, Message="other", MessageGroupId="g", MessageDeduplicationId="3")
    assert again["MessageId"] == sent[3]["MessageId"]
    assert [m["Body"] for m in received(sqs, url, 20)] == [str(i) for i in range(20)]
    numbers = [s["SequenceNumber"] for s in sent]
    assert numbers == sorted(numbers) and len(set(numbers)) == 20
    assert error_of(sns.publish, TopicArn=topic, Message="m")["Message"] == \
        "Invalid parameter: The MessageGroupId parameter is required for FIFO topics"
    sns.delete_topic(TopicArn=topic)


def test_batches(sns, sqs, topic, queue):
    url, arn = queue
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    answer = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[
        {"Id": "a", "Message": "1"}, {"Id": "b", "Message": "2", "Subject": "two\nlines"}, {"Id": "c", "Message": "3"}])
    assert [e["Id"] for e in answer["Successful"]] == ["a", "c"]
    assert [(e["Id"], e["Code"]) for e in answer["Failed"]] == [("b", "InvalidParameter")]
    assert sorted(m["Body"] for m in received(sqs, url, 2)) == ["1", "3"]
    for entries, code in [([{"Id": "a", "Message": "1"}] * 2, "BatchEntryIdsNotDistinct"),
                          ([{"Id": str(i), "Message": "1"} for i in range(11)], "TooManyEntriesInBatchRequest"),
                          ([{"Id": "a b", "Message": "1"}], "InvalidBatchEntryId")]:
        assert error_of(sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=entries)["Code"] == code


def test_topics_have_attributes_and_tags(sns, topic):
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert attributes["Owner"] == ACCOUNT and attributes["SubscriptionsConfirmed"] == "0"
    assert json.loads(attributes["Policy"])["Id"] == "__default_policy_ID"
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="Alerts")
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["DisplayName"] == "Alerts"
    sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "team", "Value": "faces"}])
    assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "team", "Value": "faces"}]
    sns.untag_resource(ResourceArn=topic, TagKeys=["team"])
    assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == []
    sns.add_permission(TopicArn=topic, Label="l", AWSAccountId=[ACCOUNT], ActionName=["Publish"])
    assert len(json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])["Statement"]) == 2
    sns.remove_permission(TopicArn=topic, Label="l")
    assert topic in [t["TopicArn"] for t in sns.list_topics()["Topics"]]
    assert error_of(sns.get_topic_attributes, TopicArn=topic + "x")["Code"] == "NotFound"
    assert error_of(sns.publish, TopicArn="nonsense", Message="m")["Code"] == "InvalidParameter"
    assert error_of(sns.create_platform_application, Name="n", Platform="GCM", Attributes={})["Code"] == "InvalidAction"


def test_topic_policies_decide(server, sns, topic):
    iam = server.client("iam")
    iam.create_user(UserName="publisher")
    key = iam.create_access_key(UserName="publisher")["AccessKey"]
    other = server.client("sns", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    assert error_of(other.publish, TopicArn=topic, Message="m")["Code"] in ("AccessDenied", "AuthorizationError")
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps({
        "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/publisher"}, "Action": "sns:Publish",
            "Resource": topic}]}))
    other.publish(TopicArn=topic, Message="m")


def test_mail_goes_to_the_mail_server_that_is_set(tmp_path):
    import likeness_server
    import socket
    listener = socket.create_server(("127.0.0.1", 0))
    heard = []

    def serve():
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            file = peer.makefile("rwb")

            def say(line):
                file.write(line.encode() + b"\r\n")
                file.flush()

            say("220 ready")
            mail = None
            for line in file:
                line = line.decode().rstrip("\r\n")
                if mail is not None:
                    if line == ".":
                        heard.append("\n".join(mail))
                        mail = None
                        say("250 taken")
                    else:
                        mail.append(line)
                elif line == "DATA":
                    mail = []
                    say("354 go on")
                elif line == "QUIT":
                    say("221 bye")
                    break
                else:
                    say("250 ok")
            peer.close()

    threading.Thread(target=serve, daemon=True).start()
    server = likeness_server.Server(tmp_path, set=[f"smtp=smtp://127.0.0.1:{listener.getsockname()[1]}",
                                                   "smtp_from=likeness@example.org"])
    sns = server.client("sns")
    topic = sns.create_topic(Name="mailed", Attributes={"DisplayName": "Fotos für alle"})["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ann@example.org")
    for _ in range(100):
        if heard:
            break
        time.sleep(0.1)
    head, _, body = heard[0].partition("\n\n")
    assert "To: ann@example.org" in head and "<likeness@example.org>" in head
    assert "Subject: AWS Notification - Subscription Confirmation" in head
    text = base64.b64decode(body).decode()
    link = next(line for line in text.splitlines() if line.startswith("http"))
    assert b"confirmed" in urllib.request.urlopen(link).read()
    assert json.loads(server.get("/_likeness/outbox")[1])["messages"] == []
    server.stop()
    listener.close()

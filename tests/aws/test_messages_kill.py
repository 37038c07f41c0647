"""kill -9 under senders and receivers: no acknowledged message is lost, none that was deleted comes back."""

import threading
import time

import botocore.exceptions
import likeness_server


def clients(server):
    return server.client("sqs"), server.client("sns")


def test_no_acknowledged_message_is_lost(tmp_path):
    server = likeness_server.Server(tmp_path)
    sqs, sns = clients(server)
    standard = sqs.create_queue(QueueName="standard", Attributes={"VisibilityTimeout": "2"})["QueueUrl"].split("/", 3)[3]
    fifo = sqs.create_queue(QueueName="f.fifo", Attributes={"FifoQueue": "true", "VisibilityTimeout": "2"})[
        "QueueUrl"].split("/", 3)[3]
    topic = sns.create_topic(Name="t")["TopicArn"]
    told = sqs.create_queue(QueueName="told", Attributes={"Policy": (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},'
        '"Action":"sqs:SendMessage","Resource":"*"}]}')})["QueueUrl"].split("/", 3)[3]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:000000000000:told",
                  Attributes={"RawMessageDelivery": "true"})

    sent = {"standard": set(), "fifo": [], "told": set()}
    tried = {"standard": set(), "fifo": set(), "told": set()}
    deleted = set()
    for round_ in range(4):
        sqs, sns = clients(server)
        base = server.endpoint + "/"
        stop = threading.Event()

        def until_killed(work):
            def run():
                try:
                    number = 0
                    while not stop.is_set():
                        work(number)
                        number += 1
                except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
                    pass
            return threading.Thread(target=run)

        def to_standard(number, worker):
            body = f"{round_}-{worker}-{number}"
            tried["standard"].add(body)
            sqs.send_message(QueueUrl=base + standard, MessageBody=body)
            sent["standard"].add(body)

        def to_fifo(number):
            body = f"{round_}-{number:06}"
            tried["fifo"].add(body)
            sqs.send_message(QueueUrl=base + fifo, MessageBody=body, MessageGroupId="g", MessageDeduplicationId=body)
            sent["fifo"].append(body)

        def to_topic(number):
            body = f"{round_}-{number}"
            tried["told"].add(body)
            sns.publish(TopicArn=topic, Message=body)
            sent["told"].add(body)

        def receive(_):
            for message in sqs.receive_message(QueueUrl=base + standard, MaxNumberOfMessages=5).get("Messages", []):
                assert message["Body"] not in deleted, "a deleted message came back"
                sqs.delete_message(QueueUrl=base + standard, ReceiptHandle=message["ReceiptHandle"])
                deleted.add(message["Body"])

        threads = [until_killed(lambda n, w=w: to_standard(n, w)) for w in range(3)]
        threads += [until_killed(to_fifo), until_killed(to_topic), until_killed(receive)]
        for thread in threads:
            thread.start()
        time.sleep(1.5)
        server.kill()
        stop.set()
        for thread in threads:
            thread.join()
        server = likeness_server.Server(tmp_path)

    sqs, _ = clients(server)
    base = server.endpoint + "/"

    def drain(path, enough):
        got, until = [], time.monotonic() + 60
        while time.monotonic() < until and not enough(got):
            for message in sqs.receive_message(QueueUrl=base + path, MaxNumberOfMessages=10, WaitTimeSeconds=1).get(
                    "Messages", []):
                sqs.delete_message(QueueUrl=base + path, ReceiptHandle=message["ReceiptHandle"])
                got.append(message["Body"])
        return got

    assert min(len(sent["standard"]), len(sent["fifo"]), len(sent["told"])) > 20, "the senders hardly came to send"
    # A delete that nobody acknowledged may or may not have been done, so of each round one batch may be missing.
    rest = drain(standard, lambda got: sent["standard"] - deleted <= set(got))
    missing = sent["standard"] - deleted - set(rest)
    assert len(missing) <= 4, f"lost: {sorted(missing)}"
    assert not set(rest) & deleted, "deleted messages came back"
    assert set(rest) <= tried["standard"]

    got = drain(fifo, lambda got: set(sent["fifo"]) <= set(got))
    assert set(sent["fifo"]) <= set(got) <= tried["fifo"]
    assert len(got) == len(set(got)) and got == sorted(got), "order or number of a group's messages"

    assert sent["told"] <= set(drain(told, lambda got: sent["told"] <= set(got))) <= tried["told"]
    server.stop()

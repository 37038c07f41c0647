"""Event source mappings of table streams: what a function gets, in which order, and what becomes of what it fails at."""

import itertools
import json
import time

import pytest

from lambda_tools import create, wait_for

# Keeps in the table "seen" what it was given, one row for each run, and then does as the records say: a record whose
# `do` is "fail" fails its batch, "report" is reported as failed once.
CODE = """
import boto3, json, time, uuid
seen = boto3.resource('dynamodb').Table('seen')
def handler(event, context):
    began = time.time()
    records = [r['dynamodb'] | {'event': r['eventName']} for r in event['Records']]
    images = [r.get('NewImage', {}) for r in records]
    ids = [i['id']['S'] for i in images]
    time.sleep(max([float(i.get('sleep', {}).get('N', '0')) for i in images], default=0))
    row = {'id': str(uuid.uuid4()), 'function': context.function_name, 'ids': ids, 'began': str(began),
           'ended': str(time.time()), 'event': json.dumps({k: v for k, v in event.items() if k not in ('Records', 'state')}),
           'state': json.dumps(event.get('state'))[:2000]}
    seen.put_item(Item=row)
    if any(i.get('do', {}).get('S') == 'fail' for i in images):
        raise RuntimeError('as wished')
    answer = {}
    if 'window' in event:
        state = event['state']
        answer['state'] = {'count': state.get('count', 0) + len(ids)}
        if any(i.get('do', {}).get('S') == 'grow' for i in images):
            answer['state']['large'] = 'x' * 1100000
    for record, image in zip(records, images):
        if image.get('do', {}).get('S') == 'report':
            again = seen.update_item(Key={'id': 'once-' + image['id']['S']}, UpdateExpression='ADD n :one',
                                     ExpressionAttributeValues={':one': 1}, ReturnValues='ALL_NEW')['Attributes']['n']
            if again == 1:
                answer['batchItemFailures'] = [{'itemIdentifier': record['SequenceNumber']}]
                break
    return answer
"""

_numbers = itertools.count()


def seen_table(server):
    server.client("dynamodb").create_table(
        TableName="seen", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST")


@pytest.fixture(scope="module")
def prepared(server):
    seen_table(server)
    return server


class Source:
    """A table with a stream, a function, and the mapping between them."""

    def __init__(self, server, **mapping):
        self.server = server
        self.name = f"source-{next(_numbers)}"
        self.tables, self.lambdas = server.client("dynamodb"), server.client("lambda")
        self.stream = self.tables.create_table(
            TableName=self.name, KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})["TableDescription"]["LatestStreamArn"]
        create(server, self.name, CODE)
        self.options = {"StartingPosition": "TRIM_HORIZON"} | mapping
        self.uuid = None

    def start(self):
        self.uuid = self.lambdas.create_event_source_mapping(FunctionName=self.name, EventSourceArn=self.stream,
                                                             **self.options)["UUID"]
        return self

    def put(self, key, **more):
        self.tables.put_item(TableName=self.name, Item={"id": {"S": key}} | more)

    def runs(self):
        """The runs of the function in the order of their beginnings."""
        rows = [row for page in self.server.client("dynamodb").get_paginator("scan").paginate(
            TableName="seen", ConsistentRead=True) for row in page["Items"]]
        rows = [{"ids": [one["S"] for one in row["ids"]["L"]], "began": float(row["began"]["S"]),
                 "ended": float(row["ended"]["S"]), "event": json.loads(row["event"]["S"]),
                 "state": json.loads(row["state"]["S"]) if len(row["state"]["S"]) < 2000 else "large"}
                for row in rows if row.get("function", {}).get("S") == self.name]
        return sorted(rows, key=lambda row: row["began"])

    def ids(self):
        return [one for run in self.runs() for one in run["ids"]]

    def stop(self):
        self.lambdas.delete_event_source_mapping(UUID=self.uuid)


def do(what):
    return {"do": {"S": what}}


def queue_of(server, name):
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def message(server, url):
    def receive():
        return server.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=2).get("Messages")

    return json.loads(wait_for(receive, 30, "a message")[0]["Body"])


def test_batches_of_a_shard_run_at_once_and_keep_the_order_of_each_key(prepared):
    source = Source(prepared, ParallelizationFactor=4, BatchSize=1)
    for number in range(4):
        for key in ("a", "b", "c", "d", "e", "f", "g", "h"):
            source.put(key, n={"N": str(number)}, sleep={"N": "0.2"})
    source.start()
    runs = wait_for(lambda: len(source.ids()) >= 32 and source.runs(), 60, "all runs")
    source.stop()
    assert len(runs) == 32
    for key in "abcdefgh":
        mine = [run for run in runs if run["ids"] == [key]]
        assert len(mine) == 4
        assert all(one["ended"] <= two["began"] for one, two in zip(mine, mine[1:])), "one key at a time"
    running = [sum(other["began"] <= run["began"] < other["ended"] for other in runs) for run in runs]
    assert 2 <= max(running) <= 4


def test_a_key_that_fails_stops_only_its_own_and_a_restart_repeats_nothing_else(start_server):
    server = start_server()
    seen_table(server)
    source = Source(server, ParallelizationFactor=10, BatchSize=1)
    source.put("bad", **do("fail"))
    for key in ("a", "b", "c", "d", "e", "f", "g", "h"):
        source.put(key)
    source.start()
    # Some share the lane of the one that fails, but not all.
    wait_for(lambda: len(set(source.ids()) - {"bad"}) >= 4, 60, "other keys")
    time.sleep(1)  # what is done is kept when the run has answered
    before = source.ids()
    server.kill()
    server = start_server(data=server.data)
    source.server, source.lambdas = server, server.client("lambda")
    wait_for(lambda: source.ids().count("bad") > before.count("bad"), 60, "the next attempt")
    source.stop()
    after = source.ids()
    assert all(after.count(key) == 1 for key in set(before) - {"bad"})


def test_a_batch_is_halved_until_only_the_bad_record_is_left(prepared):
    url, arn = queue_of(prepared, "halved")
    source = Source(prepared, BatchSize=8, BisectBatchOnFunctionError=True, MaximumRetryAttempts=1,
                    DestinationConfig={"OnFailure": {"Destination": arn}})
    for key in "abcdefgh":
        source.put(key, **(do("fail") if key == "c" else {}))
    source.start()
    record = message(prepared, url)
    wait_for(lambda: "h" in source.runs()[-1]["ids"], what="the rest")
    source.stop()
    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert record["requestContext"]["functionArn"].endswith(":function:" + source.name)
    info = record["DDBStreamBatchInfo"]
    assert info["batchSize"] == 1 and info["streamArn"] == source.stream
    assert info["startSequenceNumber"] == info["endSequenceNumber"]
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    sizes = [len(run["ids"]) for run in source.runs()]
    assert sizes[0] == 8 and [run["ids"] for run in source.runs()].count(["c"]) == 2, "its one retry"
    done = [one for run in source.runs() if "c" not in run["ids"] for one in run["ids"]]
    assert sorted(done) == list("abdefgh")


def test_what_is_given_up_is_told_to_a_topic(prepared):
    sns = prepared.client("sns")
    topic = sns.create_topic(Name="given-up")["TopicArn"]
    url, arn = queue_of(prepared, "given-up")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    prepared.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(
        {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage",
                                                "Resource": arn}})})
    source = Source(prepared, BatchSize=10, MaximumRetryAttempts=0,
                    DestinationConfig={"OnFailure": {"Destination": topic}})
    source.put("x")
    source.put("y", **do("fail"))
    source.start()
    record = message(prepared, url)
    assert record["DDBStreamBatchInfo"]["batchSize"] == 2 and record["requestContext"]["approximateInvokeCount"] == 1
    source.put("z")
    wait_for(lambda: source.ids() == ["x", "y", "z"], what="what comes after it")
    source.stop()


def test_a_function_may_say_from_where_on_it_failed(prepared):
    source = Source(prepared, BatchSize=10, FunctionResponseTypes=["ReportBatchItemFailures"])
    for key in ("1", "2", "3", "4", "5"):
        source.put(key, **(do("report") if key == "3" else {}))
    source.start()
    runs = wait_for(lambda: len(source.runs()) >= 2 and source.runs(), what="the second run")
    source.put("6")
    wait_for(lambda: "6" in source.ids(), what="the next record")
    source.stop()
    assert [run["ids"] for run in runs] == [["1", "2", "3", "4", "5"], ["3", "4", "5"]]
    assert source.ids()[-1] == "6" and len(source.ids()) == 9


def test_only_what_a_filter_wants_is_run(prepared):
    source = Source(prepared, BatchSize=10, FilterCriteria={"Filters": [
        {"Pattern": json.dumps({"eventName": ["INSERT"], "dynamodb": {"NewImage": {"n": {"N": ["1", "2"]}}}})}]})
    for key, number in (("a", "1"), ("b", "3"), ("c", "2"), ("a", "1"), ("d", "3")):
        source.put(key, n={"N": number})
    source.start()
    wait_for(lambda: "c" in source.ids(), what="the records")
    source.put("e", n={"N": "2"})
    wait_for(lambda: "e" in source.ids(), what="the last record")
    source.stop()
    assert source.ids() == ["a", "c", "e"]


def finals(source):
    return [run for run in source.runs() if run["event"].get("isFinalInvokeForWindow")]


def test_a_tumbling_window_hands_its_state_on_over_a_restart(start_server):
    server = start_server()
    seen_table(server)
    source = Source(server, TumblingWindowInSeconds=4, BatchSize=2).start()
    for number in range(5):
        source.put(f"k{number}")
    wait_for(lambda: len(source.ids()) == 5, 30, "the first runs")
    time.sleep(0.5)  # what is done is kept when the run has answered
    server.kill()
    server = start_server(data=server.data)
    source.server, source.lambdas, source.tables = server, server.client("lambda"), server.client("dynamodb")
    for number in range(3):
        source.put(f"l{number}")
    wait_for(lambda: sum(run["state"].get("count", 0) for run in finals(source)) >= 8, 60, "the ends of the windows")
    source.stop()
    runs = source.runs()
    assert sum(run["state"]["count"] for run in finals(source)) == 8
    assert len(source.ids()) == 8
    shard = {run["event"]["shardId"] for run in runs}
    assert len(shard) == 1 and all(run["event"]["eventSourceARN"] == source.stream for run in runs)
    by_window = {}
    for run in runs:
        event = run["event"]
        assert event["isWindowTerminatedEarly"] is False
        begin, end = (time.mktime(time.strptime(event["window"][name], "%Y-%m-%dT%H:%M:%SZ")) for name in ("start", "end"))
        assert end - begin == 4 and begin % 4 == 0
        by_window.setdefault(event["window"]["start"], []).append(run)
    for of_window in by_window.values():
        counts = list(itertools.accumulate(len(run["ids"]) for run in of_window))
        states = [run["state"].get("count", 0) for run in of_window]
        assert states == [0, *counts[:-1]], "each run gets what the last one returned"
        assert [run["event"]["isFinalInvokeForWindow"] for run in of_window] == [False] * (len(of_window) - 1) + [True]
        assert of_window[-1]["ids"] == []


def test_a_state_that_grows_too_large_ends_its_window(prepared):
    source = Source(prepared, TumblingWindowInSeconds=900, BatchSize=1).start()
    source.put("a", **do("grow"))
    source.put("b")
    wait_for(lambda: "b" in source.ids(), 30, "the next record")
    source.stop()
    early, = finals(source)
    assert early["event"]["isWindowTerminatedEarly"] is True and early["state"] == "large"
    assert source.runs()[-1]["state"] == {} and source.ids() == ["a", "b"]


def test_settings_of_streams_are_not_for_queues(prepared, refused):
    lambdas = prepared.client("lambda")
    create(prepared, "of-queue", CODE, Timeout=3)
    _, arn = queue_of(prepared, "not-a-stream")
    with refused("InvalidParameterValueException"):
        lambdas.create_event_source_mapping(FunctionName="of-queue", EventSourceArn=arn, TumblingWindowInSeconds=5)
    with refused("InvalidParameterValueException"):
        lambdas.create_event_source_mapping(FunctionName="of-queue", EventSourceArn=arn, ParallelizationFactor=2)

"""DynamoDB Streams: what happened to a table's items, in order."""

import datetime
import time
import uuid

import pytest
from botocore.exceptions import ClientError


@pytest.fixture(scope="module")
def dynamodb(server):
    return server.client("dynamodb")


@pytest.fixture(scope="module")
def streams(server):
    return server.client("dynamodbstreams")


@pytest.fixture
def make_table(dynamodb):
    made = []

    def make(view="NEW_AND_OLD_IMAGES"):
        name = f"streams-{uuid.uuid4().hex[:8]}"
        made.append(name)
        dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST",
                              KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                              AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
                              StreamSpecification={"StreamEnabled": True, "StreamViewType": view})
        dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
        return name, dynamodb.describe_table(TableName=name)["Table"]["LatestStreamArn"]
    yield make
    for name in made:
        dynamodb.delete_table(TableName=name)


def shard_of(streams, arn):
    return streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]


def iterator(streams, arn, kind="TRIM_HORIZON", **options):
    return streams.get_shard_iterator(StreamArn=arn, ShardId=shard_of(streams, arn)["ShardId"], ShardIteratorType=kind,
                                      **options)["ShardIterator"]


def records(streams, arn, kind="TRIM_HORIZON", **options):
    return streams.get_records(ShardIterator=iterator(streams, arn, kind, **options))["Records"]


def change(dynamodb, name):
    dynamodb.put_item(TableName=name, Item={"pk": {"S": "a"}, "n": {"N": "1"}})
    dynamodb.update_item(TableName=name, Key={"pk": {"S": "a"}}, UpdateExpression="SET n = n + :one",
                         ExpressionAttributeValues={":one": {"N": "1"}})
    dynamodb.update_item(TableName=name, Key={"pk": {"S": "a"}}, UpdateExpression="SET n = :two",
                         ExpressionAttributeValues={":two": {"N": "2"}})  # changes nothing
    dynamodb.delete_item(TableName=name, Key={"pk": {"S": "a"}})
    dynamodb.delete_item(TableName=name, Key={"pk": {"S": "a"}})  # nothing either


def test_inserts_changes_and_removals_are_records(dynamodb, streams, make_table):
    name, arn = make_table()
    change(dynamodb, name)
    found = records(streams, arn)
    assert [r["eventName"] for r in found] == ["INSERT", "MODIFY", "REMOVE"]
    assert all(r["eventSource"] == "aws:dynamodb" and r["eventVersion"] == "1.1" and r["awsRegion"] == "us-east-1"
               for r in found)
    assert "OldImage" not in found[0]["dynamodb"]
    assert found[1]["dynamodb"]["OldImage"] == {"pk": {"S": "a"}, "n": {"N": "1"}}
    assert found[1]["dynamodb"]["NewImage"] == {"pk": {"S": "a"}, "n": {"N": "2"}}
    assert "NewImage" not in found[2]["dynamodb"]
    assert found[0]["dynamodb"]["SizeBytes"] == 3 + 3 + 1 + 2
    numbers = [r["dynamodb"]["SequenceNumber"] for r in found]
    assert numbers == sorted(numbers) and len(set(numbers)) == 3 and all(21 <= len(n) <= 40 for n in numbers)
    assert len({r["eventID"] for r in found}) == 3


@pytest.mark.parametrize("view, images", [("KEYS_ONLY", set()), ("NEW_IMAGE", {"NewImage"}), ("OLD_IMAGE", {"OldImage"})])
def test_the_view_decides_what_records_hold(dynamodb, streams, make_table, view, images):
    name, arn = make_table(view)
    change(dynamodb, name)
    modified = records(streams, arn)[1]["dynamodb"]
    assert modified["StreamViewType"] == view
    assert modified["Keys"] == {"pk": {"S": "a"}}
    assert {"NewImage", "OldImage"} & set(modified) == images


def test_batches_and_transactions_are_recorded_too(dynamodb, streams, make_table):
    name, arn = make_table("KEYS_ONLY")
    dynamodb.batch_write_item(RequestItems={name: [{"PutRequest": {"Item": {"pk": {"S": k}}}} for k in "ab"]})
    dynamodb.transact_write_items(TransactItems=[
        {"Put": {"TableName": name, "Item": {"pk": {"S": "c"}}}}, {"Delete": {"TableName": name, "Key": {"pk": {"S": "a"}}}}])
    assert sorted((r["eventName"], r["dynamodb"]["Keys"]["pk"]["S"]) for r in records(streams, arn)) == [
        ("INSERT", "a"), ("INSERT", "b"), ("INSERT", "c"), ("REMOVE", "a")]


def test_iterators_begin_where_they_say(dynamodb, streams, make_table):
    name, arn = make_table("KEYS_ONLY")
    for key in "abc":
        dynamodb.put_item(TableName=name, Item={"pk": {"S": key}})
    latest = iterator(streams, arn, "LATEST")
    second = records(streams, arn)[1]["dynamodb"]["SequenceNumber"]
    keys = lambda found: [r["dynamodb"]["Keys"]["pk"]["S"] for r in found]
    assert keys(records(streams, arn, "AT_SEQUENCE_NUMBER", SequenceNumber=second)) == ["b", "c"]
    assert keys(records(streams, arn, "AFTER_SEQUENCE_NUMBER", SequenceNumber=second)) == ["c"]
    assert streams.get_records(ShardIterator=latest)["Records"] == []
    dynamodb.put_item(TableName=name, Item={"pk": {"S": "d"}})
    assert keys(streams.get_records(ShardIterator=latest)["Records"]) == ["d"]


def test_records_are_read_on_and_on(dynamodb, streams, make_table):
    name, arn = make_table("KEYS_ONLY")
    for number in range(25):
        dynamodb.put_item(TableName=name, Item={"pk": {"S": f"{number:03}"}})
    seen, at = [], iterator(streams, arn)
    for _ in range(10):
        answer = streams.get_records(ShardIterator=at, Limit=10)
        assert len(answer["Records"]) <= 10
        seen += [r["dynamodb"]["Keys"]["pk"]["S"] for r in answer["Records"]]
        at = answer["NextShardIterator"]
    assert seen == [f"{number:03}" for number in range(25)]


def test_a_stream_that_is_turned_off_ends_and_the_next_has_another_arn(dynamodb, streams, make_table):
    name, first = make_table()
    dynamodb.put_item(TableName=name, Item={"pk": {"S": "a"}})
    dynamodb.update_table(TableName=name, StreamSpecification={"StreamEnabled": False})
    description = streams.describe_stream(StreamArn=first)["StreamDescription"]
    assert description["StreamStatus"] == "DISABLED"
    assert "EndingSequenceNumber" in description["Shards"][0]["SequenceNumberRange"]
    answer = streams.get_records(ShardIterator=iterator(streams, first))
    assert len(answer["Records"]) == 1
    assert "NextShardIterator" not in answer
    dynamodb.put_item(TableName=name, Item={"pk": {"S": "unseen"}})
    time.sleep(0.01)
    dynamodb.update_table(TableName=name, StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    second = dynamodb.describe_table(TableName=name)["Table"]["LatestStreamArn"]
    assert second != first
    dynamodb.put_item(TableName=name, Item={"pk": {"S": "b"}})
    assert [r["dynamodb"]["Keys"]["pk"]["S"] for r in records(streams, second)] == ["b"]
    listed = streams.list_streams(TableName=name)["Streams"]
    assert {s["StreamArn"] for s in listed} == {first, second}
    page = streams.list_streams(TableName=name, Limit=1)
    rest = streams.list_streams(TableName=name, ExclusiveStartStreamArn=page["LastEvaluatedStreamArn"])
    assert {s["StreamArn"] for s in page["Streams"] + rest["Streams"]} == {first, second}


def test_bad_requests_are_refused(dynamodb, streams, make_table):
    name, arn = make_table()
    shard = shard_of(streams, arn)["ShardId"]

    def code(call, **arguments):
        with pytest.raises(ClientError) as caught:
            call(**arguments)
        return caught.value.response["Error"]["Code"]
    assert code(streams.describe_stream, StreamArn=arn + "0") == "ResourceNotFoundException"
    assert code(streams.get_shard_iterator, StreamArn=arn, ShardId=shard[:-1] + "x", ShardIteratorType="LATEST") == \
        "ResourceNotFoundException"
    assert code(streams.get_shard_iterator, StreamArn=arn, ShardId=shard, ShardIteratorType="AT_SEQUENCE_NUMBER") == \
        "ValidationException"
    assert code(streams.get_shard_iterator, StreamArn=arn, ShardId=shard, ShardIteratorType="AT_SEQUENCE_NUMBER",
                SequenceNumber="9" * 30) == "ValidationException"
    assert code(streams.get_shard_iterator, StreamArn=arn, ShardId=shard, ShardIteratorType="LATEST",
                SequenceNumber="9" * 30) == "ValidationException"
    assert code(streams.get_records, ShardIterator="nonsense") == "ValidationException"
    assert code(streams.get_records, ShardIterator=iterator(streams, arn), Limit=1001) == "ValidationException"
    assert code(streams.get_records, ShardIterator=iterator(streams, arn)[:-6]) == "ValidationException"


def test_records_survive_a_restart(start_server, tmp_path):
    data = tmp_path / "data"
    server = start_server(data=data)
    dynamodb = server.client("dynamodb")
    dynamodb.create_table(TableName="kept", BillingMode="PAY_PER_REQUEST",
                          KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                          AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
                          StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})
    dynamodb.get_waiter("table_exists").wait(TableName="kept", WaiterConfig={"Delay": 1})
    dynamodb.put_item(TableName="kept", Item={"pk": {"S": "a"}})
    server.kill()
    server = start_server(data=data)
    server.client("dynamodb").put_item(TableName="kept", Item={"pk": {"S": "b"}})
    streams = server.client("dynamodbstreams")
    arn = streams.list_streams(TableName="kept")["Streams"][0]["StreamArn"]
    assert [r["dynamodb"]["Keys"]["pk"]["S"] for r in records(streams, arn)] == ["a", "b"]


def test_records_have_the_time_of_the_change(dynamodb, streams, make_table):
    name, arn = make_table("KEYS_ONLY")
    dynamodb.put_item(TableName=name, Item={"pk": {"S": "a"}})
    created = records(streams, arn)[0]["dynamodb"]["ApproximateCreationDateTime"]
    assert abs((datetime.datetime.now(datetime.timezone.utc) - created).total_seconds()) < 30

"""Time to live: items leave their table when their time has come."""

import time
import uuid

import pytest
from botocore.exceptions import ClientError

DEADLINE = 15


@pytest.fixture(scope="module")
def dynamodb(server):
    return server.client("dynamodb")


@pytest.fixture
def table(dynamodb):
    name = f"ttl-{uuid.uuid4().hex[:8]}"
    dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST",
                          KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                          AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
                          StreamSpecification={"StreamEnabled": True, "StreamViewType": "OLD_IMAGE"})
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    yield name
    dynamodb.delete_table(TableName=name)


def set_ttl(dynamodb, table, enabled=True, attribute="ends"):
    return dynamodb.update_time_to_live(
        TableName=table, TimeToLiveSpecification={"Enabled": enabled, "AttributeName": attribute})


def put(dynamodb, table, key, ends=None):
    item = {"pk": {"S": key}}
    if ends is not None:
        item["ends"] = ends
    dynamodb.put_item(TableName=table, Item=item)


def keys(dynamodb, table):
    return {item["pk"]["S"] for item in dynamodb.scan(TableName=table)["Items"]}


def wait_for_keys(dynamodb, table, expected):
    deadline = time.monotonic() + DEADLINE
    while keys(dynamodb, table) != expected and time.monotonic() < deadline:
        time.sleep(0.2)
    assert keys(dynamodb, table) == expected


def test_settings_are_described_and_checked(dynamodb, table):
    assert dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"] == {"TimeToLiveStatus": "DISABLED"}
    assert set_ttl(dynamodb, table)["TimeToLiveSpecification"] == {"Enabled": True, "AttributeName": "ends"}
    assert dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED", "AttributeName": "ends"}
    for arguments, message in [((True, "ends"), "TimeToLive is already enabled"),
                               ((False, "other"), "TimeToLive is active on a different AttributeName")]:
        with pytest.raises(ClientError) as caught:
            set_ttl(dynamodb, table, *arguments)
        assert caught.value.response["Error"]["Code"] == "ValidationException"
        assert caught.value.response["Error"]["Message"].startswith(message)
    set_ttl(dynamodb, table, False)
    with pytest.raises(ClientError, match="TimeToLive is already disabled"):
        set_ttl(dynamodb, table, False)


def test_expired_items_leave_and_others_stay(server, dynamodb, table):
    now = int(time.time())
    put(dynamodb, table, "there before", {"N": str(now - 5)})
    set_ttl(dynamodb, table)
    put(dynamodb, table, "due", {"N": str(now - 1)})
    put(dynamodb, table, "in an hour", {"N": str(now + 3600)})
    put(dynamodb, table, "without")
    put(dynamodb, table, "no number", {"S": str(now - 1)})
    put(dynamodb, table, "older than five years", {"N": str(now - 6 * 365 * 24 * 3600)})
    put(dynamodb, table, "saved", {"N": str(now + 2)})
    put(dynamodb, table, "saved")
    wait_for_keys(dynamodb, table, {"in an hour", "without", "no number", "older than five years", "saved"})

    streams = server.client("dynamodbstreams")
    arn = streams.list_streams(TableName=table)["Streams"][0]["StreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    at = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    removed = [r for r in streams.get_records(ShardIterator=at)["Records"] if r["eventName"] == "REMOVE"]
    assert {r["dynamodb"]["Keys"]["pk"]["S"] for r in removed} == {"there before", "due"}
    assert all(r["userIdentity"] == {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"} for r in removed)


def test_time_to_live_that_is_off_deletes_nothing(dynamodb, table):
    set_ttl(dynamodb, table)
    put(dynamodb, table, "a", {"N": str(int(time.time()) + 2)})
    set_ttl(dynamodb, table, False)
    time.sleep(4)
    assert keys(dynamodb, table) == {"a"}

"""Global indexes whose keys have several HASH and RANGE attributes."""

import time
import uuid

import pytest

HASHES, RANGES = ["league", "region"], ["day", "round", "court"]
TYPES = {"pk": "S", "league": "S", "region": "S", "day": "N", "round": "S", "court": "S"}


def schema(hashes, ranges):
    return [{"AttributeName": name, "KeyType": kind} for kind, names in (("HASH", hashes), ("RANGE", ranges)) for name in names]


def index(hashes=HASHES, ranges=RANGES, projection="ALL"):
    return {"IndexName": "games", "KeySchema": schema(hashes, ranges), "Projection": {"ProjectionType": projection}}


def create(dynamodb, name, indexes, attributes=TYPES, keys=("pk",)):
    return dynamodb.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=schema(keys[:1], keys[1:]),
        AttributeDefinitions=[{"AttributeName": one, "AttributeType": TYPES.get(one, "S")} for one in attributes],
        **({"GlobalSecondaryIndexes": indexes} if indexes else {}))


@pytest.fixture(scope="module")
def dynamodb(server):
    return server.client("dynamodb")


@pytest.fixture
def name(dynamodb):
    name = f"several-{uuid.uuid4().hex[:8]}"
    yield name
    try:
        dynamodb.delete_table(TableName=name)
    except dynamodb.exceptions.ResourceNotFoundException:
        pass


def put(dynamodb, name, pk, league="L", region="EU", day=1, round="final", court="1"):
    item = {"pk": pk, "league": league, "region": region, "day": day, "round": round, "court": court}
    dynamodb.put_item(TableName=name, Item={key: {TYPES[key]: str(value)} for key, value in item.items() if value is not None})


def query(dynamodb, name, condition, **more):
    values = {"l": {"S": "L"}, "e": {"S": "EU"}, "d": {"N": "9"}, "f": {"S": "final"}, "p": {"S": "f"}, "c": {"S": "1"}}
    return dynamodb.query(TableName=name, IndexName="games", KeyConditionExpression=condition,
                          ExpressionAttributeNames={"#" + one: one for one in TYPES if "#" + one in condition},
                          ExpressionAttributeValues={":" + one: value for one, value in values.items() if ":" + one in condition}, **more)


def keys(answer):
    return [item["pk"]["S"] for item in answer["Items"]]


BOTH = "#league = :l AND #region = :e"


def fill(dynamodb, name):
    put(dynamodb, name, "a", day=10)
    put(dynamodb, name, "b", day=9, court="2")
    put(dynamodb, name, "c", day=9)
    put(dynamodb, name, "d", day=9, round="semi")
    put(dynamodb, name, "e", day=-1)
    put(dynamodb, name, "f", region="US")
    put(dynamodb, name, "g", round=None)  # not in the index


def test_conditions_go_from_the_left(dynamodb, name, refused):
    create(dynamodb, name, [index()])
    fill(dynamodb, name)
    assert keys(query(dynamodb, name, BOTH)) == ["e", "c", "b", "d", "a"]
    assert keys(query(dynamodb, name, BOTH, ScanIndexForward=False)) == ["a", "d", "b", "c", "e"]
    assert keys(query(dynamodb, name, BOTH + " AND #day = :d")) == ["c", "b", "d"]
    assert keys(query(dynamodb, name, BOTH + " AND #day > :d")) == ["a"]
    assert keys(query(dynamodb, name, "#round = :f AND #day = :d AND " + BOTH)) == ["c", "b"]
    assert keys(query(dynamodb, name, BOTH + " AND #day = :d AND begins_with(#round, :p)")) == ["c", "b"]
    assert keys(query(dynamodb, name, BOTH + " AND #day = :d AND #round = :f AND #court <= :c")) == ["c"]
    with refused("ValidationException", "Query condition missed key schema element: region"):
        query(dynamodb, name, "#league = :l")
    gap = "RANGE key attributes day must have equality conditions specified in the query because a condition is present on key attribute round"
    for condition in (BOTH + " AND #round = :f", BOTH + " AND #day < :d AND #round = :f"):
        with refused("ValidationException", gap):
            query(dynamodb, name, condition)
    with refused("ValidationException", "Conditions can be of length 1 or 2 only"):
        dynamodb.query(TableName=name, KeyConditionExpression="pk = :a AND court = :a AND league = :a",
                       ExpressionAttributeValues={":a": {"S": "a"}})


def test_pages_go_on_by_all_keys(dynamodb, name, refused):
    create(dynamodb, name, [index()])
    for number in range(25):
        put(dynamodb, name, f"p{number:02}", day=number % 2, round="abc"[number % 3])
    found, start = [], {}
    while True:
        answer = query(dynamodb, name, BOTH, Limit=4, **start)
        found += [(int(item["day"]["N"]), item["round"]["S"]) for item in answer["Items"]]
        if "LastEvaluatedKey" not in answer:
            break
        assert set(answer["LastEvaluatedKey"]) == set(TYPES)
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    assert found == sorted(found) and len(found) == 25
    with refused("ValidationException"):
        query(dynamodb, name, BOTH, ExclusiveStartKey={key: value for key, value in start["ExclusiveStartKey"].items() if key != "court"})
    with refused("ValidationException", "The provided starting key is outside query boundaries based on provided conditions"):
        query(dynamodb, name, BOTH, ExclusiveStartKey=start["ExclusiveStartKey"] | {"region": {"S": "US"}})
    scanned = [item["pk"]["S"] for page in dynamodb.get_paginator("scan").paginate(TableName=name, IndexName="games", Limit=3)
               for item in page["Items"]]
    assert sorted(scanned) == [f"p{number:02}" for number in range(25)]


def test_an_item_moves_with_its_keys(dynamodb, name):
    create(dynamodb, name, [index(projection="KEYS_ONLY")])
    put(dynamodb, name, "a")
    dynamodb.update_item(TableName=name, Key={"pk": {"S": "a"}}, UpdateExpression="SET #region = :r, note = :r",
                         ExpressionAttributeNames={"#region": "region"}, ExpressionAttributeValues={":r": {"S": "US"}})
    assert keys(query(dynamodb, name, BOTH)) == []
    dynamodb.update_item(TableName=name, Key={"pk": {"S": "a"}}, UpdateExpression="SET #region = :r",
                         ExpressionAttributeNames={"#region": "region"}, ExpressionAttributeValues={":r": {"S": "EU"}})
    (item,) = query(dynamodb, name, BOTH)["Items"]
    assert set(item) == set(TYPES)
    dynamodb.update_item(TableName=name, Key={"pk": {"S": "a"}}, UpdateExpression="REMOVE court")
    assert keys(query(dynamodb, name, BOTH)) == []


def test_legacy_conditions_and_partiql_know_all_keys(dynamodb, name):
    create(dynamodb, name, [index()])
    fill(dynamodb, name)
    equal = {one: {"ComparisonOperator": "EQ", "AttributeValueList": [value]}
             for one, value in (("league", {"S": "L"}), ("region", {"S": "EU"}), ("day", {"N": "9"}))}
    answer = dynamodb.query(TableName=name, IndexName="games", KeyConditions=equal)
    assert keys(answer) == ["c", "b", "d"]
    where = f"SELECT * FROM \"{name}\".\"games\" WHERE league = 'L' AND \"region\" = 'EU'"
    assert keys(dynamodb.execute_statement(Statement=where + ' AND "day" = 9')) == ["c", "b", "d"]
    assert keys(dynamodb.execute_statement(Statement=where + " AND \"day\" = 9 AND \"round\" > 'final'")) == ["d"]
    assert keys(dynamodb.execute_statement(Statement=where + ' ORDER BY "day" DESC')) == ["a", "d", "b", "c", "e"]
    assert sorted(keys(dynamodb.execute_statement(
        Statement=f"SELECT * FROM \"{name}\".\"games\" WHERE league = 'L' AND \"region\" IN ['EU', 'US'] AND \"day\" < 9"))) == ["e", "f"]


def test_definitions_are_checked(dynamodb, name, refused):
    many = [f"k{number}" for number in range(5)]
    defined = ["pk", *many]
    for hashes, ranges, message in (
            (many, [], "Invalid KeySchema: The number of HASH key attributes exceeds the limit of 4"),
            (["pk"], many, "Invalid KeySchema: The number of RANGE key attributes exceeds the limit of 4"),
            ([], many[:3], "Invalid KeySchema: The first KeySchemaElement is not a HASH key type"),
            (["k0", "k1"], ["k0"], "Invalid KeySchema: Several KeySchemaElements have the same name: k0")):
        with refused("ValidationException", message):
            create(dynamodb, name, [index(hashes, ranges)], defined)
    with refused("ValidationException", "Invalid KeySchema: HASH key attributes must come before RANGE key attributes"):
        create(dynamodb, name, [index() | {"KeySchema": schema(["k0"], ["k1"]) + schema(["k2"], [])}], defined)
    with refused("ValidationException", "1 validation error detected: Value '[pk, k0, k1]' at 'keySchema' failed to satisfy "
                                        "constraint: Member must have length less than or equal to 2"):
        create(dynamodb, name, None, ["pk", "k0", "k1"], keys=("pk", "k0", "k1"))
    four = index(many[:4], ["k4", "pk"])
    described = create(dynamodb, name, [four], defined)["TableDescription"]["GlobalSecondaryIndexes"][0]
    assert described["KeySchema"] == four["KeySchema"]
    with refused("ValidationException",
                 "One or more parameter values were invalid: Type mismatch for Index Key k3 Expected: S Actual: N IndexName: games"):
        dynamodb.put_item(TableName=name, Item={"pk": {"S": "a"}, "k3": {"N": "1"}})


def test_an_index_that_is_added_is_filled_and_survives_kill_9(start_server):
    first = start_server()
    dynamodb = first.client("dynamodb")
    create(dynamodb, "games", None, ["pk"])
    fill(dynamodb, "games")
    dynamodb.update_table(TableName="games", AttributeDefinitions=[{"AttributeName": one, "AttributeType": TYPES[one]} for one in TYPES],
                          GlobalSecondaryIndexUpdates=[{"Create": index()}])
    first.kill()
    dynamodb = start_server(data=first.data).client("dynamodb")
    until = time.monotonic() + 60
    while dynamodb.describe_table(TableName="games")["Table"]["GlobalSecondaryIndexes"][0]["IndexStatus"] != "ACTIVE":
        assert time.monotonic() < until
        time.sleep(0.1)
    assert keys(query(dynamodb, "games", BOTH)) == ["e", "c", "b", "d", "a"]
    assert keys(query(dynamodb, "games", BOTH + " AND #day = :d AND #round = :f")) == ["c", "b"]
    described = dynamodb.describe_table(TableName="games")["Table"]["GlobalSecondaryIndexes"][0]
    assert described["KeySchema"] == schema(HASHES, RANGES)

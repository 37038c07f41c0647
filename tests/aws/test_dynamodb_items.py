import threading
from decimal import Decimal

import boto3
import pytest
from boto3.dynamodb.conditions import Attr, Key
from dynamodb_tables import definitions, key, schema, table


@pytest.fixture(scope="session")
def dynamodb(server):
    return server.client("dynamodb")


@pytest.fixture(scope="module")
def items(dynamodb):
    """Keys pk and sk; global index by_g (g, sk) of all attributes; local index by_v (v) of keys."""
    with table(dynamodb, AttributeDefinitions=definitions(pk="S", sk="N", g="S", v="N"), GlobalSecondaryIndexes=[
            {"IndexName": "by_g", "KeySchema": schema("g", "sk"), "Projection": {"ProjectionType": "ALL"}}],
               LocalSecondaryIndexes=[{"IndexName": "by_v", "KeySchema": schema("pk", "v"),
                                       "Projection": {"ProjectionType": "KEYS_ONLY"}}]) as name:
        yield name


# What is wrong with a request to PutItem, UpdateItem or DeleteItem before its table matters is counted.
COUNTED = "1 validation error detected: "

EVERYTHING = {"s": {"S": "text"}, "n": {"N": "-1.25"}, "b": {"B": b"\x00\xff"}, "t": {"BOOL": True}, "z": {"NULL": True},
              "l": {"L": [{"S": "x"}, {"L": []}]}, "m": {"M": {"k": {"N": "1"}}}, "ss": {"SS": ["a", "b"]},
              "ns": {"NS": ["1", "2.5"]}, "bs": {"BS": [b"x", b"y"]}, "e": {"S": ""}}


def test_every_kind_of_value_comes_back(dynamodb, items):
    item = key("kinds", 1) | EVERYTHING
    assert "Attributes" not in dynamodb.put_item(TableName=items, Item=item, ReturnValues="ALL_OLD")
    assert dynamodb.get_item(TableName=items, Key=key("kinds", 1))["Item"] == item
    assert dynamodb.put_item(TableName=items, Item=key("kinds", 1), ReturnValues="ALL_OLD")["Attributes"] == item
    assert dynamodb.delete_item(TableName=items, Key=key("kinds", 1), ReturnValues="ALL_OLD")["Attributes"] == key("kinds", 1)
    assert "Item" not in dynamodb.get_item(TableName=items, Key=key("kinds", 1))


def test_numbers_keep_38_digits(dynamodb, items, refused):
    longest = "1234567890123456789012345678.9012345678"
    dynamodb.put_item(TableName=items, Item=key("numbers", 1) | {"n": {"N": longest}, "big": {"N": "1E+30"}})
    found = dynamodb.get_item(TableName=items, Key=key("numbers", 1.0))["Item"]
    assert found["n"] == {"N": longest} and found["big"] == {"N": "1" + 30 * "0"}
    with refused("ValidationException", COUNTED + "Attempting to store more than 38 significant digits in a Number"):
        dynamodb.put_item(TableName=items, Item=key("numbers", 2) | {"n": {"N": longest + "1"}})


@pytest.mark.parametrize("item, message", [
    ({"sk": {"N": "1"}}, "One or more parameter values were invalid: Missing the key pk in the item"),
    ({"pk": {"N": "1"}, "sk": {"N": "1"}}, "One or more parameter values were invalid: Type mismatch for key pk expected: S actual: N"),
    (key("", 1), "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
     "empty string value. Key: pk"),
    (key("a", 1) | {"g": {"N": "1"}}, "One or more parameter values were invalid: Type mismatch for Index Key g Expected: "
     "S Actual: N IndexName: by_g"),
    (key("a", 1) | {"x": {"S": "x" * 410_000}}, "Item size has exceeded the maximum allowed size"),
    (key("a", 1) | {"x": {"N": "one"}}, COUNTED + "The parameter cannot be converted to a numeric value: one"),
    (key("a", 1) | {"x": {"SS": []}}, COUNTED + "One or more parameter values were invalid: An string set  may not be empty"),
    (key("a", 1) | {"x": {"SS": ["a", "a"]}}, COUNTED + "One or more parameter values were invalid: Input collection [a, a] contains duplicates."),
])
def test_bad_items_are_refused(dynamodb, items, refused, item, message):
    with refused("ValidationException", message):
        dynamodb.put_item(TableName=items, Item=item)


def test_a_failed_condition_can_show_the_item(dynamodb, items):
    dynamodb.put_item(TableName=items, Item=key("condition", 1) | {"v": {"N": "5"}})
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as error:
        dynamodb.put_item(TableName=items, Item=key("condition", 1), ConditionExpression="attribute_not_exists(pk)",
                          ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert error.value.response["Error"]["Message"] == "The conditional request failed"
    assert error.value.response["Item"] == key("condition", 1) | {"v": {"N": "5"}}


def test_updates_return_what_was_asked_for(dynamodb, items):
    def update(expression, wanted, **values):
        return dynamodb.update_item(TableName=items, Key=key("update", 1), UpdateExpression=expression, ReturnValues=wanted,
                                    **({"ExpressionAttributeValues": {":" + k: v for k, v in values.items()}} if values else {})
                                    ).get("Attributes")

    assert update("SET a = :a, m = :m", "ALL_NEW", a={"N": "1"}, m={"M": {}}) == key("update", 1) | {"a": {"N": "1"}, "m": {"M": {}}}
    assert update("SET a = a + :a", "UPDATED_NEW", a={"N": "2"}) == {"a": {"N": "3"}}
    assert update("SET m.k = if_not_exists(m.k, :s)", "UPDATED_NEW", s={"S": "x"}) == {"m": {"M": {"k": {"S": "x"}}}}
    assert update("ADD tags :t", "UPDATED_OLD", t={"SS": ["p"]}) is None
    assert update("REMOVE a", "UPDATED_OLD") == {"a": {"N": "3"}}


@pytest.mark.parametrize("expression, values, message", [
    ("SET pk = :a", {":a": {"S": "x"}}, "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key"),
    ("SET name = :a", {":a": {"S": "x"}}, COUNTED + "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: name"),
    ("SET a = :b", {":a": {"S": "x"}}, COUNTED + "Invalid UpdateExpression: An expression attribute value used in expression is not defined; attribute value: :b"),
    ("SET a = :a", {":a": {"S": "x"}, ":b": {"S": "x"}}, COUNTED + "Value provided in ExpressionAttributeValues unused in expressions: keys: {:b}"),
    ("SET a = q", {}, "The provided expression refers to an attribute that does not exist in the item"),
    ("SET g = :a", {":a": {"N": "1"}}, "One or more parameter values were invalid: Type mismatch for Index Key g Expected: S Actual: N IndexName: by_g"),
])
def test_bad_updates_are_refused(dynamodb, items, refused, expression, values, message):
    with refused("ValidationException", message):
        dynamodb.update_item(TableName=items, Key=key("update", 2), UpdateExpression=expression,
                             **({"ExpressionAttributeValues": values} if values else {}))
    assert "Item" not in dynamodb.get_item(TableName=items, Key=key("update", 2))


def test_legacy_parameters_still_work(dynamodb, items):
    dynamodb.put_item(TableName=items, Item=key("legacy", 1) | {"v": {"N": "1"}}, Expected={"v": {"Exists": False}})
    dynamodb.update_item(TableName=items, Key=key("legacy", 1), AttributeUpdates={"v": {"Action": "ADD", "Value": {"N": "2"}}},
                         Expected={"v": {"ComparisonOperator": "LT", "AttributeValueList": [{"N": "5"}]}})
    found = dynamodb.query(TableName=items, KeyConditions={"pk": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "legacy"}]}},
                           QueryFilter={"v": {"ComparisonOperator": "EQ", "AttributeValueList": [{"N": "3"}]}}, AttributesToGet=["v"])
    assert found["Items"] == [{"v": {"N": "3"}}]


@pytest.fixture(scope="module")
def music(dynamodb, items):
    for i in range(20):
        dynamodb.put_item(TableName=items, Item=key("music", i) | {"v": {"N": str(100 - i)}, "g": {"S": "odd" if i % 2 else "even"}, "x": {"S": "y" * 100}})
    return items


def query(dynamodb, table, **options):
    values = {":pk": {"S": "music"}} | options.pop("values", {})
    return dynamodb.query(**{"TableName": table, "KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": values} | options)


def numbers(answer):
    return [int(item["sk"]["N"]) for item in answer["Items"]]


def test_queries_take_ranges_of_the_sort_key(dynamodb, music):
    assert numbers(query(dynamodb, music)) == list(range(20))
    assert numbers(query(dynamodb, music, ScanIndexForward=False, Limit=3)) == [19, 18, 17]
    assert numbers(query(dynamodb, music, KeyConditionExpression="pk = :pk AND sk BETWEEN :a AND :b",
                         values={":a": {"N": "5"}, ":b": {"N": "7"}})) == [5, 6, 7]
    assert numbers(query(dynamodb, music, KeyConditionExpression=":a > sk AND pk = :pk", values={":a": {"N": "2"}})) == [0, 1]


def test_pages_go_on_where_they_ended(dynamodb, music):
    for options in ({}, {"ScanIndexForward": False}, {"IndexName": "by_v"}):
        pages = list(dynamodb.get_paginator("query").paginate(
            TableName=music, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": "music"}},
            PaginationConfig={"PageSize": 3}, **options))
        found = [n for page in pages for n in numbers(page)]
        assert found == (list(range(20)) if not options else list(range(19, -1, -1))), options
        assert len(pages) == 7


def test_filters_and_counts(dynamodb, music):
    found = query(dynamodb, music, FilterExpression="g = :g AND v > :v", values={":g": {"S": "odd"}, ":v": {"N": "90"}})
    assert numbers(found) == [1, 3, 5, 7, 9] and found["ScannedCount"] == 20
    counted = query(dynamodb, music, Select="COUNT")
    assert counted["Count"] == 20 and "Items" not in counted


def test_indexes_are_queried(dynamodb, music, refused):
    found = dynamodb.query(TableName=music, IndexName="by_g", KeyConditionExpression="g = :g AND sk >= :n",
                           ExpressionAttributeValues={":g": {"S": "even"}, ":n": {"N": "10"}})
    assert numbers(found) == [10, 12, 14, 16, 18]
    local = query(dynamodb, music, IndexName="by_v", Limit=1)
    assert local["Items"] == [key("music", 19) | {"v": {"N": "81"}}]
    whole = query(dynamodb, music, IndexName="by_v", Limit=1, Select="ALL_ATTRIBUTES", ReturnConsumedCapacity="INDEXES")
    assert whole["Items"][0]["x"] == {"S": "y" * 100}
    assert whole["ConsumedCapacity"]["LocalSecondaryIndexes"]["by_v"]["CapacityUnits"] == 0.5
    assert whole["ConsumedCapacity"]["Table"]["CapacityUnits"] == 0.5
    with refused("ValidationException", "Consistent reads are not supported on global secondary indexes"):
        dynamodb.query(TableName=music, IndexName="by_g", KeyConditionExpression="g = :g", ConsistentRead=True,
                       ExpressionAttributeValues={":g": {"S": "even"}})


@pytest.mark.parametrize("options, message", [
    (dict(KeyConditionExpression="sk = :pk"), "Query condition missed key schema element: pk"),
    (dict(KeyConditionExpression="pk > :pk"), "Query key condition not supported"),
    (dict(KeyConditionExpression="pk = :pk OR sk = :pk"), "Invalid operator used in KeyConditionExpression: OR"),
    (dict(FilterExpression="sk > :pk"), "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk"),
    (dict(IndexName="none"), "The table does not have the specified index: none"),
    (dict(ExclusiveStartKey=key("other", 1)), "The provided starting key is outside query boundaries based on provided conditions"),
])
def test_bad_queries_are_refused(dynamodb, music, refused, options, message):
    with refused("ValidationException", message):
        query(dynamodb, music, **options)


def test_parallel_scans_see_each_item_once(dynamodb, music):
    seen = []
    for segment in range(3):
        for page in dynamodb.get_paginator("scan").paginate(TableName=music, Segment=segment, TotalSegments=3, Limit=4,
                                                            FilterExpression="attribute_exists(x)"):
            seen += [n for n in numbers(page)]
    assert sorted(seen) == list(range(20))


def test_a_page_ends_at_one_megabyte(dynamodb, items):
    for i in range(6):
        dynamodb.put_item(TableName=items, Item=key("large", i) | {"x": {"S": "x" * 300_000}})
    first = query(dynamodb, items, values={":pk": {"S": "large"}})
    assert first["Count"] == 4 and first["LastEvaluatedKey"] == key("large", 3)
    assert query(dynamodb, items, values={":pk": {"S": "large"}}, ExclusiveStartKey=first["LastEvaluatedKey"])["Count"] == 2


def test_batches(dynamodb, items, refused):
    written = dynamodb.batch_write_item(RequestItems={items: [{"PutRequest": {"Item": key("batch", i)}} for i in range(25)]},
                                        ReturnConsumedCapacity="TOTAL")
    assert written["UnprocessedItems"] == {} and written["ConsumedCapacity"][0]["CapacityUnits"] == 25
    found = dynamodb.batch_get_item(RequestItems={items: {"Keys": [key("batch", i) for i in range(30)], "ProjectionExpression": "sk"}})
    assert len(found["Responses"][items]) == 25
    with refused("ValidationException", "Provided list of item keys contains duplicates"):
        dynamodb.batch_write_item(RequestItems={items: [{"DeleteRequest": {"Key": key("batch", 1)}}] * 2})
    dynamodb.batch_write_item(RequestItems={items: [{"DeleteRequest": {"Key": key("batch", i)}} for i in range(25)]})
    assert dynamodb.batch_get_item(RequestItems={items: {"Keys": [key("batch", 1)]}})["Responses"] == {items: []}


def test_a_transaction_tells_why_it_was_cancelled(dynamodb, items):
    dynamodb.put_item(TableName=items, Item=key("transaction", 1) | {"v": {"N": "1"}})
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as error:
        dynamodb.transact_write_items(TransactItems=[
            {"Put": {"TableName": items, "Item": key("transaction", 2)}},
            {"Update": {"TableName": items, "Key": key("transaction", 1), "UpdateExpression": "SET v = :n",
                        "ConditionExpression": "v > :n", "ExpressionAttributeValues": {":n": {"N": "5"}},
                        "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}}])
    assert error.value.response["Error"]["Message"] == ("Transaction cancelled, please refer cancellation reasons for "
                                                        "specific reasons [None, ConditionalCheckFailed]")
    assert error.value.response["CancellationReasons"] == [
        {"Code": "None"}, {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed",
                           "Item": key("transaction", 1) | {"v": {"N": "1"}}}]
    assert "Item" not in dynamodb.get_item(TableName=items, Key=key("transaction", 2))


def test_a_transaction_with_a_token_happens_once(dynamodb, items, refused):
    def add(amount):
        return dynamodb.transact_write_items(ClientRequestToken="one-token", TransactItems=[
            {"Update": {"TableName": items, "Key": key("token", 1), "UpdateExpression": "ADD v :n",
                        "ExpressionAttributeValues": {":n": {"N": amount}}}}])

    add("1")
    add("1")
    with refused("IdempotentParameterMismatchException"):
        add("2")
    found = dynamodb.transact_get_items(TransactItems=[{"Get": {"TableName": items, "Key": key("token", 1)}},
                                                       {"Get": {"TableName": items, "Key": key("token", 2)}}])
    assert found["Responses"] == [{"Item": key("token", 1) | {"v": {"N": "1"}}}, {}]


def test_capacity_is_counted_with_indexes(dynamodb, items):
    used = dynamodb.put_item(TableName=items, Item=key("capacity", 1) | {"g": {"S": "x"}, "x": {"S": "x" * 3000}},
                             ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    assert used["Table"]["CapacityUnits"] == 3
    assert used["GlobalSecondaryIndexes"]["by_g"]["CapacityUnits"] == 3
    assert used["CapacityUnits"] == 6
    read = dynamodb.get_item(TableName=items, Key=key("capacity", 1), ConsistentRead=True, ReturnConsumedCapacity="TOTAL")
    assert read["ConsumedCapacity"] == {"TableName": items, "CapacityUnits": 1.0}


def test_concurrent_updates_are_not_lost(server, items):
    def count():
        client = server.client("dynamodb")
        for _ in range(25):
            client.update_item(TableName=items, Key=key("counter", 1), UpdateExpression="ADD hits :one",
                               ExpressionAttributeValues={":one": {"N": "1"}})

    threads = [threading.Thread(target=count) for _ in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert server.client("dynamodb").get_item(TableName=items, Key=key("counter", 1))["Item"]["hits"] == {"N": "150"}


def test_the_resource_interface(server, items):
    access, secret = server.credentials
    resource = boto3.resource("dynamodb", endpoint_url=server.endpoint, region_name="us-east-1", aws_access_key_id=access,
                              aws_secret_access_key=secret).Table(items)
    with resource.batch_writer() as batch:
        for i in range(40):
            batch.put_item(Item={"pk": "resource", "sk": i, "score": Decimal("0.5") * i, "tags": {"a", "b"}})
    found = resource.query(KeyConditionExpression=Key("pk").eq("resource") & Key("sk").lt(10),
                           FilterExpression=Attr("score").gte(Decimal("2.5")) & Attr("tags").contains("a"))
    assert [item["sk"] for item in found["Items"]] == [5, 6, 7, 8, 9]
    resource.update_item(Key={"pk": "resource", "sk": 1}, UpdateExpression="SET #n = :n", ConditionExpression=Attr("score").exists(),
                         ExpressionAttributeNames={"#n": "name"}, ExpressionAttributeValues={":n": {"deep": [1, None, True]}})
    assert resource.get_item(Key={"pk": "resource", "sk": 1})["Item"]["name"] == {"deep": [1, None, True]}

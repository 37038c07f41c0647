"""What reads may name: keys as scalars, attributes that the index holds, Select with its parameters."""

import pytest
from dynamodb_tables import definitions, schema, table

INVALID = "One or more parameter values were invalid: "
SCALAR = "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "


@pytest.fixture(scope="session")
def dynamodb(server):
    return server.client("dynamodb")


@pytest.fixture(scope="module")
def photos(dynamodb):
    """Keys pk and sk; global index by_g (g) of `a` and keys; local index by_v (v) of keys."""
    with table(dynamodb, AttributeDefinitions=definitions(pk="S", sk="N", g="S", v="N"), GlobalSecondaryIndexes=[
            {"IndexName": "by_g", "KeySchema": schema("g"),
             "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a"]}}],
               LocalSecondaryIndexes=[{"IndexName": "by_v", "KeySchema": schema("pk", "v"),
                                       "Projection": {"ProjectionType": "KEYS_ONLY"}}]) as name:
        dynamodb.put_item(TableName=name, Item={"pk": {"S": "p"}, "sk": {"N": "1"}, "g": {"S": "g"}, "v": {"N": "1"},
                                                "a": {"S": "yes"}, "b": {"S": "yes"}})
        yield name


def by(index, **more):
    partition = "g" if index == "by_g" else "pk"
    return {"IndexName": index, "KeyConditionExpression": f"{partition} = :key",
            "ExpressionAttributeValues": {":key": {"S": partition[0]}}} | more


@pytest.mark.parametrize("index, missing", [("by_g", "b"), ("by_v", "a, b")])
def test_a_query_filters_by_what_the_index_holds(dynamodb, photos, refused, index, missing):
    asked = by(index, FilterExpression="attribute_exists(a) AND attribute_exists(b)")
    with refused("ValidationException",
                 f"{INVALID}Secondary index {index} does not project one or more filter attributes: [{missing}]"):
        dynamodb.query(TableName=photos, **asked)
    assert dynamodb.query(TableName=photos, **by("by_g", FilterExpression="attribute_exists(a)"))["Count"] == 1


def test_a_scan_takes_what_the_index_does_not_hold_for_absent(dynamodb, photos):
    assert dynamodb.scan(TableName=photos, IndexName="by_g", FilterExpression="attribute_exists(b)")["Count"] == 0
    assert dynamodb.scan(TableName=photos, IndexName="by_g", FilterExpression="attribute_exists(a)")["Count"] == 1


@pytest.mark.parametrize("operation", ["query", "scan"])
def test_select_goes_with_its_parameters(dynamodb, photos, refused, operation):
    prefix = "1 validation error detected: "

    def read(index="by_g", **more):
        asked = by(index) if operation == "query" else {"IndexName": index}
        if index is None:
            asked.pop("IndexName")
        return getattr(dynamodb, operation)(TableName=photos, **asked | more)

    with refused("ValidationException", f"{prefix}Must specify the AttributesToGet or ProjectionExpression when choosing to "
                 "get SPECIFIC_ATTRIBUTES"):
        read(Select="SPECIFIC_ATTRIBUTES")
    with refused("ValidationException", f"{prefix}Cannot specify the ProjectionExpression when choosing to get only the Count"):
        read(Select="COUNT", ProjectionExpression="a")
    with refused("ValidationException", f"{prefix}ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"):
        read(None, Select="ALL_PROJECTED_ATTRIBUTES")
    assert "Items" not in read(Select="COUNT")


def test_keys_are_scalars_in_every_projection_and_update(dynamodb, photos, refused):
    key = {"pk": {"S": "p"}, "sk": {"N": "1"}}
    with refused("ValidationException", SCALAR + "Key: pk"):
        dynamodb.get_item(TableName=photos, Key=key, ProjectionExpression="pk.x")
    with refused("ValidationException", SCALAR + "IndexKey: g"):
        dynamodb.batch_get_item(RequestItems={photos: {"Keys": [key], "ProjectionExpression": "g[0]"}})
    with refused("ValidationException", SCALAR + "Key: sk"):
        dynamodb.transact_get_items(TransactItems=[{"Get": {"TableName": photos, "Key": key, "ProjectionExpression": "sk.x"}}])
    with refused("ValidationException", SCALAR + "IndexKey: v"):
        dynamodb.update_item(TableName=photos, Key=key, UpdateExpression="SET a = if_not_exists(v.x, b)")


def test_a_scan_comes_in_dynamodbs_order(dynamodb):
    """Partition keys by their hash, which is DynamoDB's own."""
    with table(dynamodb, KeySchema=schema("pk"), AttributeDefinitions=definitions(pk="N")) as name:
        for number in ("0", "1", "-1", "251", "-12.5", "0.001"):
            dynamodb.put_item(TableName=name, Item={"pk": {"N": number}})
        found = [item["pk"]["N"] for item in dynamodb.scan(TableName=name)["Items"]]
        assert found == ["251", "-1", "0.001", "1", "-12.5", "0"]


def test_an_empty_key_is_the_fault_of_a_transaction(dynamodb, photos, refused):
    empty = {"pk": {"S": ""}, "sk": {"N": "1"}}
    message = ("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty "
               "string value. Key: pk")
    with refused("ValidationException", message):
        dynamodb.transact_write_items(TransactItems=[{"Put": {"TableName": photos, "Item": empty}}])
    with refused("ValidationException", message):
        dynamodb.transact_get_items(TransactItems=[{"Get": {"TableName": photos, "Key": empty}}])

"""Tables for the tests of DynamoDB."""

import contextlib
import itertools

_numbers = itertools.count(1)


def schema(partition="pk", sort=None):
    keys = [{"AttributeName": partition, "KeyType": "HASH"}]
    if sort:
        keys.append({"AttributeName": sort, "KeyType": "RANGE"})
    return keys


def definitions(**types):
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]


@contextlib.contextmanager
def table(dynamodb, **options):
    """A table with the keys pk (S) and sk (N), unless `options` of CreateTable say otherwise; gone afterwards."""
    name = f"test-{next(_numbers)}"
    options = {"KeySchema": schema("pk", "sk"), "AttributeDefinitions": definitions(pk="S", sk="N"),
               "BillingMode": "PAY_PER_REQUEST"} | options
    dynamodb.create_table(TableName=name, **options)
    dynamodb.get_waiter("table_exists").wait(TableName=name)
    try:
        yield name
    finally:
        with contextlib.suppress(dynamodb.exceptions.ResourceNotFoundException):
            dynamodb.delete_table(TableName=name)


def key(pk, sk):
    return {"pk": {"S": pk}, "sk": {"N": str(sk)}}

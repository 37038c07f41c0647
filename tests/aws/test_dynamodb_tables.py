import pytest
from dynamodb_tables import definitions, key, schema, table


@pytest.fixture(scope="session")
def dynamodb(server):
    return server.client("dynamodb")


def test_a_table_is_described_as_it_was_made(dynamodb):
    index = {"IndexName": "by_g", "KeySchema": schema("g"), "Projection": {"ProjectionType": "KEYS_ONLY"},
             "ProvisionedThroughput": {"ReadCapacityUnits": 3, "WriteCapacityUnits": 4}}
    local = {"IndexName": "by_v", "KeySchema": schema("pk", "v"),
             "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a"]}}
    with table(dynamodb, AttributeDefinitions=definitions(pk="S", sk="N", g="S", v="B"), BillingMode="PROVISIONED",
               ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 2}, GlobalSecondaryIndexes=[index],
               LocalSecondaryIndexes=[local], Tags=[{"Key": "team", "Value": "a"}],
               StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}) as name:
        found = dynamodb.describe_table(TableName=name)["Table"]
        assert found["TableStatus"] == "ACTIVE"
        assert found["TableArn"] == f"arn:aws:dynamodb:us-east-1:000000000000:table/{name}"
        assert found["KeySchema"] == schema("pk", "sk")
        assert found["ProvisionedThroughput"]["WriteCapacityUnits"] == 2
        assert found["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["ReadCapacityUnits"] == 3
        assert found["GlobalSecondaryIndexes"][0]["IndexArn"] == found["TableArn"] + "/index/by_g"
        assert found["LocalSecondaryIndexes"][0]["Projection"]["NonKeyAttributes"] == ["a"]
        assert found["StreamSpecification"]["StreamViewType"] == "NEW_IMAGE"
        assert found["LatestStreamArn"].startswith(found["TableArn"] + "/stream/")
        assert dynamodb.list_tags_of_resource(ResourceArn=found["TableArn"])["Tags"] == [{"Key": "team", "Value": "a"}]
        # The ARN is as good as the name.
        assert dynamodb.describe_table(TableName=found["TableArn"])["Table"]["TableId"] == found["TableId"]


def test_a_table_exists_once(dynamodb, refused):
    with table(dynamodb) as name:
        with refused("ResourceInUseException", f"Table already exists: {name}"):
            dynamodb.create_table(TableName=name, KeySchema=schema(), AttributeDefinitions=definitions(pk="S"),
                                  BillingMode="PAY_PER_REQUEST")
    with refused("ResourceNotFoundException", f"Requested resource not found: Table: {name} not found"):
        dynamodb.describe_table(TableName=name)


@pytest.mark.parametrize("options, message", [
    (dict(BillingMode="PROVISIONED"), "One or more parameter values were invalid: ReadCapacityUnits and "
     "WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"),
    (dict(AttributeDefinitions=definitions(pk="S", other="S")), "One or more parameter values were invalid: Some index "
     "key attributes are not defined in AttributeDefinitions. Keys: [pk, sk], AttributeDefinitions: [pk, other]"),
    (dict(AttributeDefinitions=definitions(pk="S", sk="N", extra="S")), "One or more parameter values were invalid: "
     "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions"),
    (dict(LocalSecondaryIndexes=[]), "One or more parameter values were invalid: List of LocalSecondaryIndexes is empty"),
])
def test_bad_tables_are_refused(dynamodb, refused, options, message):
    options = {"KeySchema": schema("pk", "sk"), "AttributeDefinitions": definitions(pk="S", sk="N"),
               "BillingMode": "PAY_PER_REQUEST"} | options
    with refused("ValidationException", message):
        dynamodb.create_table(TableName="never-made", **options)
    assert "never-made" not in dynamodb.list_tables()["TableNames"]


def test_tables_are_listed_in_pages(dynamodb):
    with table(dynamodb), table(dynamodb), table(dynamodb):
        pages = list(dynamodb.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 2}))
        names = [name for page in pages for name in page["TableNames"]]
        assert names == sorted(names) and len(names) >= 3 and len(pages) >= 2


def test_an_index_added_later_holds_the_older_items(dynamodb):
    with table(dynamodb) as name:
        for i in range(30):
            dynamodb.put_item(TableName=name, Item=key("a", i) | {"g": {"S": "odd" if i % 2 else "even"}})
        dynamodb.update_table(TableName=name, AttributeDefinitions=definitions(pk="S", sk="N", g="S"),
                              GlobalSecondaryIndexUpdates=[{"Create": {
                                  "IndexName": "by_g", "KeySchema": schema("g", "sk"),
                                  "Projection": {"ProjectionType": "ALL"}}}])
        dynamodb.get_waiter("table_exists").wait(TableName=name)
        found = dynamodb.query(TableName=name, IndexName="by_g", KeyConditionExpression="g = :g",
                               ExpressionAttributeValues={":g": {"S": "odd"}})
        assert found["Count"] == 15
        dynamodb.update_table(TableName=name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by_g"}}])
        assert "GlobalSecondaryIndexes" not in dynamodb.describe_table(TableName=name)["Table"]


def test_settings_are_changed(dynamodb, refused):
    with table(dynamodb) as name:
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=True)
        with refused("ValidationException"):
            dynamodb.delete_table(TableName=name)
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
        dynamodb.update_table(TableName=name, BillingMode="PROVISIONED",
                              ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 6})
        found = dynamodb.describe_table(TableName=name)["Table"]
        assert found["ProvisionedThroughput"]["ReadCapacityUnits"] == 5
        assert found["BillingModeSummary"]["BillingMode"] == "PROVISIONED"
        backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "DISABLED"
        arn = found["TableArn"]
        dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
        dynamodb.untag_resource(ResourceArn=arn, TagKeys=["a"])
        assert dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    assert dynamodb.describe_limits()["TableMaxReadCapacityUnits"] > 0

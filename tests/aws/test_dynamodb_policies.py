"""Policies of tables and of their streams: who may use them, and how they are kept."""

import itertools
import json
import time
import uuid

import pytest

_numbers = itertools.count(1)
ACCOUNT = "000000000000"
START = "Resource-based policy not found for the provided ResourceArn: "


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def statement(effect, principal, actions, resource="*", sid=None, **condition):
    out = {"Effect": effect, "Principal": principal if principal == "*" else {"AWS": principal},
           "Action": actions, "Resource": resource}
    return out | ({"Sid": sid} if sid else {}) | ({"Condition": condition} if condition else {})


def new_table(dynamodb, **more):
    name = f"policies-{uuid.uuid4().hex[:8]}"
    return dynamodb.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "g")],
        GlobalSecondaryIndexes=[{"IndexName": "by_g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                                 "Projection": {"ProjectionType": "ALL"}}], **more)["TableDescription"]


@pytest.fixture(scope="module")
def dynamodb(server):
    return server.client("dynamodb")


@pytest.fixture
def table(dynamodb):
    description = new_table(dynamodb, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})
    yield description
    dynamodb.delete_table(TableName=description["TableName"])


@pytest.fixture
def user(server):
    """user(*statements) -> a function that makes clients of a new user with these in its own policy."""
    iam = server.client("iam")

    def make(*statements):
        name = f"table-user-{next(_numbers)}"
        arn = iam.create_user(UserName=name)["User"]["Arn"]
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(*statements))
        key = iam.create_access_key(UserName=name)["AccessKey"]

        def client(service="dynamodb"):
            return server.client(service, aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])

        client.arn, client.key = arn, key["AccessKeyId"]
        return client

    return make


def allow(actions, resource="*"):
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def logged(server, *words):
    until = time.monotonic() + 10
    while not any(all(word in line for word in words) for line in server.log_text().splitlines()):
        assert time.monotonic() < until, f"no line of the log has {words}"
        time.sleep(0.05)


def test_a_table_s_policy_lets_users_without_policies_in(server, dynamodb, table, user, refused):
    name, arn = table["TableName"], table["TableArn"]
    ann, bob = user(), user()
    dynamodb.put_item(TableName=name, Item={"pk": {"S": "a"}, "g": {"S": "x"}})
    dynamodb.put_resource_policy(ResourceArn=arn, Policy=policy(
        statement("Allow", ann.arn, ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:PartiQLSelect"], arn)))
    assert ann().get_item(TableName=name, Key={"pk": {"S": "a"}})["Item"]["g"] == {"S": "x"}
    assert ann().get_item(TableName=arn, Key={"pk": {"S": "a"}})["Item"]["g"] == {"S": "x"}
    assert ann().batch_get_item(RequestItems={name: {"Keys": [{"pk": {"S": "a"}}]}})["Responses"][name]
    assert ann().transact_get_items(TransactItems=[{"Get": {"TableName": name, "Key": {"pk": {"S": "a"}}}}])["Responses"]
    assert ann().execute_statement(Statement=f"SELECT * FROM \"{name}\" WHERE pk = 'a'")["Items"]
    with refused("AccessDeniedException",
                 f"User: {ann.arn} is not authorized to perform: dynamodb:PutItem on resource: {arn} because no identity-based "
                 "policy allows the dynamodb:PutItem action"):
        ann().put_item(TableName=name, Item={"pk": {"S": "b"}})
    with refused("AccessDeniedException"):
        ann().query(TableName=name, IndexName="by_g", KeyConditionExpression="g = :g", ExpressionAttributeValues={":g": {"S": "x"}})
    with refused("AccessDeniedException"):
        bob().get_item(TableName=name, Key={"pk": {"S": "a"}})
    dynamodb.delete_resource_policy(ResourceArn=arn)
    with refused("AccessDeniedException"):
        ann().get_item(TableName=name, Key={"pk": {"S": "a"}})


def test_an_explicit_deny_wins_and_the_log_names_it(server, dynamodb, table, user, refused):
    name, arn = table["TableName"], table["TableArn"]
    ann = user(allow("dynamodb:*"))
    ann().put_item(TableName=name, Item={"pk": {"S": "a"}})
    dynamodb.put_resource_policy(ResourceArn=arn, Policy=policy(
        statement("Deny", ann.arn, ["dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:PartiQLInsert",
                                    "dynamodb:BatchWriteItem", "dynamodb:UpdateTimeToLive", "dynamodb:TagResource"],
                  arn, sid="ReadOnly")))
    assert ann().get_item(TableName=name, Key={"pk": {"S": "a"}})["Item"]
    for attempt in (
            lambda: ann().put_item(TableName=name, Item={"pk": {"S": "a"}}),
            lambda: ann().batch_write_item(RequestItems={name: [{"PutRequest": {"Item": {"pk": {"S": "a"}}}}]}),
            lambda: ann().transact_write_items(TransactItems=[{"Delete": {"TableName": name, "Key": {"pk": {"S": "a"}}}}]),
            lambda: ann().execute_statement(Statement=f"INSERT INTO \"{name}\" VALUE {{'pk': 'b'}}"),
            lambda: ann().update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "t"}),
            lambda: ann().tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}])):
        with refused("AccessDeniedException") as answer:
            attempt()
        assert answer.message.endswith("with an explicit deny in a resource-based policy")
    logged(server, ann.key, f"denied by statement ReadOnly of policy of {arn}")


def test_a_table_s_policy_is_that_of_its_indexes(dynamodb, table, user, refused):
    name, arn = table["TableName"], table["TableArn"]
    ann = user()
    dynamodb.put_item(TableName=name, Item={"pk": {"S": "a"}, "g": {"S": "x"}})
    dynamodb.put_resource_policy(ResourceArn=arn, Policy=policy(
        statement("Allow", ann.arn, ["dynamodb:Query", "dynamodb:PartiQLSelect"], arn + "/index/by_g")))
    assert ann().query(TableName=name, IndexName="by_g", KeyConditionExpression="g = :g",
                       ExpressionAttributeValues={":g": {"S": "x"}})["Count"] == 1
    assert ann().execute_statement(Statement=f"SELECT * FROM \"{name}\".\"by_g\" WHERE g = 'x'")["Items"]
    with refused("AccessDeniedException"):
        ann().query(TableName=name, KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": {"S": "a"}})


def test_conditions_hold_in_a_table_s_policy(dynamodb, table, user, refused):
    name, arn = table["TableName"], table["TableArn"]
    ann = user()
    dynamodb.put_resource_policy(ResourceArn=arn, Policy=policy(
        statement("Allow", "*", "dynamodb:GetItem", arn, **{"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["mine"]},
                                                            "ArnEquals": {"aws:PrincipalArn": ann.arn}})))
    ann().get_item(TableName=name, Key={"pk": {"S": "mine"}})
    with refused("AccessDeniedException"):
        ann().get_item(TableName=name, Key={"pk": {"S": "theirs"}})
    with refused("AccessDeniedException"):
        user()().get_item(TableName=name, Key={"pk": {"S": "mine"}})


def test_a_stream_goes_by_its_own_policy(dynamodb, table, user, refused):
    stream, arn = table["LatestStreamArn"], table["TableArn"]
    dynamodb.put_item(TableName=table["TableName"], Item={"pk": {"S": "a"}})
    ann = user()
    reading = ["dynamodb:DescribeStream", "dynamodb:GetShardIterator", "dynamodb:GetRecords"]
    with refused("ValidationException", "One or more parameter values were invalid: Invalid policy document: The following action "
                                        'names are invalid: "dynamodb:DescribeStream", "dynamodb:GetShardIterator", '
                                        '"dynamodb:GetRecords"'):
        dynamodb.put_resource_policy(ResourceArn=arn, Policy=policy(statement("Allow", ann.arn, reading)))
    revision = dynamodb.put_resource_policy(ResourceArn=stream, Policy=policy(statement("Allow", ann.arn, reading, stream)))["RevisionId"]
    shard = ann("dynamodbstreams").describe_stream(StreamArn=stream)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = ann("dynamodbstreams").get_shard_iterator(StreamArn=stream, ShardId=shard,
                                                         ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    assert ann("dynamodbstreams").get_records(ShardIterator=iterator)["Records"]
    with refused("AccessDeniedException"):
        ann().get_item(TableName=table["TableName"], Key={"pk": {"S": "a"}})
    with refused("PolicyNotFoundException", START + arn):
        dynamodb.get_resource_policy(ResourceArn=arn)
    assert dynamodb.get_resource_policy(ResourceArn=stream)["RevisionId"] == revision

    dynamodb.put_resource_policy(ResourceArn=stream, Policy=policy(statement("Deny", "*", "dynamodb:GetRecords", stream)))
    with refused("AccessDeniedException") as answer:
        user(allow("dynamodb:*"))("dynamodbstreams").get_records(ShardIterator=iterator)
    assert answer.message.endswith("with an explicit deny in a resource-based policy")
    assert dynamodb.delete_resource_policy(ResourceArn=stream)["RevisionId"] > revision
    assert "RevisionId" not in dynamodb.delete_resource_policy(ResourceArn=stream)


def test_nobody_shuts_himself_out_by_mistake(dynamodb, table, user, refused):
    arn = table["TableArn"]
    ann = user(allow("dynamodb:*"))
    closed = policy(statement("Deny", "*", ["dynamodb:PutResourcePolicy", "dynamodb:DeleteResourcePolicy"], arn))
    with refused("AccessDeniedException", "The new resource policy will not allow you to update the resource policy in the future."):
        ann().put_resource_policy(ResourceArn=arn, Policy=closed)
    with refused("PolicyNotFoundException"):
        ann().get_resource_policy(ResourceArn=arn)
    ann().put_resource_policy(ResourceArn=arn, Policy=closed, ConfirmRemoveSelfResourceAccess=True)
    for attempt in (lambda: ann().put_resource_policy(ResourceArn=arn, Policy=closed, ConfirmRemoveSelfResourceAccess=True),
                    lambda: ann().delete_resource_policy(ResourceArn=arn),
                    lambda: dynamodb.put_resource_policy(ResourceArn=arn, Policy=closed)):
        with refused("AccessDeniedException"):
            attempt()
    dynamodb.delete_resource_policy(ResourceArn=arn)  # the account's root always may


def test_a_table_can_be_made_with_a_policy(dynamodb, user, refused):
    ann, maker = user(), user(allow("dynamodb:CreateTable"))
    document = policy(statement("Allow", ann.arn, "dynamodb:DescribeTable"))
    with refused("AccessDeniedException") as answer:
        new_table(maker(), ResourcePolicy=document)
    assert "dynamodb:PutResourcePolicy" in answer.message
    with refused("ValidationException", "One or more parameter values were invalid: Invalid policy document: This policy contains "
                                        "invalid Json"):
        new_table(dynamodb, ResourcePolicy="{")
    made = new_table(dynamodb, ResourcePolicy=document)
    ann().describe_table(TableName=made["TableName"])
    assert json.loads(dynamodb.get_resource_policy(ResourceArn=made["TableArn"])["Policy"]) == json.loads(document)

    # It goes with the table: the next one of that name has none.
    dynamodb.delete_table(TableName=made["TableName"])
    with refused("ResourceNotFoundException", f"Requested resource not found: Table: {made['TableName']} not found"):
        dynamodb.get_resource_policy(ResourceArn=made["TableArn"])
    dynamodb.create_table(TableName=made["TableName"], BillingMode="PAY_PER_REQUEST",
                          KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                          AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}])
    with refused("AccessDeniedException"):
        ann().describe_table(TableName=made["TableName"])
    dynamodb.delete_table(TableName=made["TableName"])


def test_refused_policies_change_nothing(dynamodb, table, refused):
    arn = table["TableArn"]
    revision = dynamodb.put_resource_policy(ResourceArn=arn, Policy=policy(statement("Allow", ACCOUNT, "dynamodb:*")))["RevisionId"]
    with refused("ValidationException", "One or more parameter values were invalid: Maximum policy size of 20480 bytes exceeded"):
        dynamodb.put_resource_policy(ResourceArn=arn, Policy=policy(statement("Deny", "*", "dynamodb:PutItem")) + " " * 20480)
    with refused("PolicyNotFoundException",
                 START + f"Requested policy update expecting none to be present for table {table['TableName']}, but a policy "
                         f"exists with revision id {revision}."):
        dynamodb.put_resource_policy(ResourceArn=arn, Policy=policy(statement("Allow", "*", "dynamodb:*")),
                                     ExpectedRevisionId="NO_POLICY")
    with refused("ValidationException"):
        dynamodb.put_resource_policy(ResourceArn=arn + "/index/by_g", Policy=policy(statement("Allow", "*", "dynamodb:*")))
    assert dynamodb.get_resource_policy(ResourceArn=arn)["RevisionId"] == revision


def test_policies_survive_kill_9(start_server, refused):
    first = start_server()
    dynamodb = first.client("dynamodb")
    made = new_table(dynamodb, StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    first.client("iam").create_user(UserName="ann")
    key = first.client("iam").create_access_key(UserName="ann")["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    ann = f"arn:aws:iam::{ACCOUNT}:user/ann"
    revisions = [dynamodb.put_resource_policy(ResourceArn=resource, Policy=policy(statement("Allow", ann, actions)))["RevisionId"]
                 for resource, actions in ((made["TableArn"], "dynamodb:PutItem"), (made["LatestStreamArn"], "dynamodb:DescribeStream"))]
    first.kill()

    second = start_server(data=first.data)
    assert [second.client("dynamodb").get_resource_policy(ResourceArn=made[name])["RevisionId"]
            for name in ("TableArn", "LatestStreamArn")] == revisions
    second.client("dynamodb", **keys).put_item(TableName=made["TableName"], Item={"pk": {"S": "a"}})
    second.client("dynamodbstreams", **keys).describe_stream(StreamArn=made["LatestStreamArn"])
    with refused("AccessDeniedException"):
        second.client("dynamodb", **keys).get_item(TableName=made["TableName"], Key={"pk": {"S": "a"}})
    second.client("dynamodb").delete_resource_policy(ResourceArn=made["TableArn"])
    second.kill()

    third = start_server(data=first.data)
    with refused("AccessDeniedException"):
        third.client("dynamodb", **keys).put_item(TableName=made["TableName"], Item={"pk": {"S": "a"}})

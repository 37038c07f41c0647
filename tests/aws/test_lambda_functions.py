"""Functions as boto3 sees them, run for real by the official Python runtime client."""

import base64
import hashlib
import json
import re
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError

import lambda_tools
from lambda_tools import create, invoke, package, role, wait_for

ECHO = "def handler(event, context):\n    return {'got': event, 'id': context.aws_request_id, 'arn': context.invoked_function_arn}\n"


@pytest.fixture(scope="module")
def lambdas(server):
    return server.client("lambda")


@pytest.fixture(scope="module")
def echo(server, lambdas):
    create(server, "echo", ECHO)
    return "echo"


def test_a_function_is_made_and_described_as_on_aws(server, lambdas):
    code = package(index=ECHO)
    made = lambdas.create_function(FunctionName="described", Runtime="python3.12", Handler="index.handler",
                                   Role=role(server), Code={"ZipFile": code}, Environment={"Variables": {"TABLE": "1"}},
                                   Tags={"team": "faces"}, Description="d")
    assert made["State"] == "Pending" and made["StateReasonCode"] == "Creating"
    assert made["CodeSha256"] == base64.b64encode(hashlib.sha256(code).digest()).decode()
    assert made["CodeSize"] == len(code)
    lambdas.get_waiter("function_active_v2").wait(FunctionName="described")
    found = lambdas.get_function(FunctionName=made["FunctionArn"])
    configuration = found["Configuration"]
    assert configuration["FunctionArn"] == "arn:aws:lambda:us-east-1:000000000000:function:described"
    assert configuration["Version"] == "$LATEST" and configuration["LastUpdateStatus"] == "Successful"
    assert configuration["Environment"] == {"Variables": {"TABLE": "1"}}
    assert (configuration["Timeout"], configuration["MemorySize"]) == (3, 128)
    assert configuration["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": "/aws/lambda/described"}
    assert found["Tags"] == {"team": "faces"}
    assert "described" in [f["FunctionName"] for page in lambdas.get_paginator("list_functions").paginate()
                           for f in page["Functions"]]
    with pytest.raises(lambdas.exceptions.ResourceConflictException, match="Function already exist: described"):
        create(server, "described", ECHO)
    lambdas.delete_function(FunctionName="described")
    with pytest.raises(lambdas.exceptions.ResourceNotFoundException) as missing:
        lambdas.get_function(FunctionName="described")
    assert missing.value.response["Error"]["Message"] == \
        "Function not found: arn:aws:lambda:us-east-1:000000000000:function:described"
    assert missing.value.response["Type"] == "User"


def test_an_invoke_answers_with_what_the_function_returns(server, echo):
    answer, response = invoke(server, echo, {"a": [1, "ü"]}, LogType="Tail")
    assert answer["got"] == {"a": [1, "ü"]}
    assert answer["arn"] == "arn:aws:lambda:us-east-1:000000000000:function:echo"
    assert answer["id"] == response["ResponseMetadata"]["RequestId"]
    assert response["StatusCode"] == 200 and response["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in response
    tail = base64.b64decode(response["LogResult"]).decode()
    assert f"START RequestId: {answer['id']}" in tail and "REPORT RequestId" in tail


def test_an_exception_has_awss_form(server):
    create(server, "raises", "def handler(event, context):\n    raise ValueError('no face')\n")
    answer, response = invoke(server, "raises")
    assert response["StatusCode"] == 200 and response["FunctionError"] == "Unhandled"
    assert answer["errorMessage"] == "no face" and answer["errorType"] == "ValueError"
    assert any("index.py" in line for line in answer["stackTrace"])


def test_an_answer_is_streamed_as_events(server, lambdas, echo):
    answer = lambdas.invoke_with_response_stream(FunctionName=echo, Payload=json.dumps({"a": 1}), LogType="Tail")
    assert answer["StatusCode"] == 200 and answer["ExecutedVersion"] == "$LATEST"
    events = list(answer["EventStream"])
    body = b"".join(e["PayloadChunk"]["Payload"] for e in events if "PayloadChunk" in e)
    assert json.loads(body)["got"] == {"a": 1}
    assert "REPORT RequestId" in base64.b64decode(events[-1]["InvokeComplete"]["LogResult"]).decode()
    create(server, "stream-raises", "def handler(event, context):\n    raise ValueError('no face')\n")
    events = list(lambdas.invoke_with_response_stream(FunctionName="stream-raises")["EventStream"])
    assert "no face" in events[-1]["InvokeComplete"]["ErrorDetails"]


def test_dry_runs_and_bad_events(server, lambdas, echo):
    assert lambdas.invoke(FunctionName=echo, InvocationType="DryRun")["StatusCode"] == 204
    with pytest.raises(ClientError) as refused:
        lambdas.invoke(FunctionName=echo, Payload="{not json")
    assert refused.value.response["Error"]["Code"] == "InvalidRequestContentException"
    with pytest.raises(ClientError) as refused:
        lambdas.invoke(FunctionName=echo, Payload=json.dumps("x" * (6 * 1024 * 1024)))
    assert refused.value.response["Error"]["Code"] == "RequestTooLargeException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_new_code_runs_at_once(server, lambdas):
    create(server, "changes", "def handler(e, c): return 1\n")
    assert invoke(server, "changes")[0] == 1
    before = lambdas.get_function_configuration(FunctionName="changes")["RevisionId"]
    lambdas.update_function_code(FunctionName="changes", ZipFile=package(index="def handler(e, c): return 2\n"))
    assert invoke(server, "changes")[0] == 2
    with pytest.raises(lambdas.exceptions.PreconditionFailedException):
        lambdas.update_function_configuration(FunctionName="changes", MemorySize=256, RevisionId=before)


def test_packages_can_be_fetched_for_a_while_by_whoever_may_read_them(server, lambdas):
    code = package(index=ECHO, more="x = 1")
    lambdas.create_function(FunctionName="fetched", Runtime="python3.12", Handler="index.handler", Role=role(server),
                            Code={"ZipFile": code})
    location = lambdas.get_function(FunctionName="fetched")["Code"]["Location"]
    assert location.startswith(server.endpoint + "/_likeness/packages/")
    with urllib.request.urlopen(location) as response:
        assert response.headers["content-type"] == "application/zip"
        assert response.read() == code
    layer = lambdas.publish_layer_version(LayerName="fetched", Content={"ZipFile": code})
    with urllib.request.urlopen(layer["Content"]["Location"]) as response:
        assert response.read() == code
    signature = location.rsplit("=", 1)[1]
    later = re.sub(r"Expires=(\d+)", lambda found: f"Expires={int(found[1]) + 1}", location)
    for wrong in (later, location.replace(signature, signature[::-1]), location.split("?")[0]):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(wrong)
        assert refused.value.code == 403


def test_code_comes_from_a_bucket(server, lambdas, s3, bucket):
    s3.put_object(Bucket=bucket, Key="code.zip", Body=package(index=ECHO))
    lambdas.create_function(FunctionName="from-s3", Runtime="python3.12", Handler="index.handler", Role=role(server),
                            Code={"S3Bucket": bucket, "S3Key": "code.zip"}, Timeout=20)
    assert invoke(server, "from-s3", 7)[0]["got"] == 7
    with pytest.raises(lambdas.exceptions.InvalidParameterValueException) as refused:
        lambdas.update_function_code(FunctionName="from-s3", S3Bucket=bucket, S3Key="nothing.zip")
    assert "S3 Error Code: NoSuchKey" in refused.value.response["Error"]["Message"]


def test_creation_is_checked(server, lambdas, refused):
    with refused("InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda."):
        lambdas.create_function(FunctionName="bad", Runtime="python3.12", Handler="index.handler",
                                Role="arn:aws:iam::000000000000:role/nobody", Code={"ZipFile": package(index=ECHO)})
    with refused("InvalidParameterValueException",
                 "Could not unzip uploaded file. Please check your file, then try to upload again."):
        lambdas.create_function(FunctionName="bad", Runtime="python3.12", Handler="index.handler", Role=role(server),
                                Code={"ZipFile": b"no zip"})
    with refused("InvalidParameterValueException"):
        create(server, "bad", ECHO, Environment={"Variables": {"AWS_REGION": "x"}})
    with refused("ValidationException"):
        create(server, "bad", ECHO, Timeout=901)


def test_versions_and_aliases(server, lambdas):
    create(server, "versioned", "def handler(e, c): return 1\n")
    assert lambdas.publish_version(FunctionName="versioned")["Version"] == "1"
    lambdas.update_function_code(FunctionName="versioned", ZipFile=package(index="def handler(e, c): return 2\n"),
                                 Publish=True)
    lambdas.create_alias(FunctionName="versioned", Name="live", FunctionVersion="1")
    answer, response = invoke(server, "versioned:live")
    assert (answer, response["ExecutedVersion"]) == (1, "1")
    lambdas.update_alias(FunctionName="versioned", Name="live", FunctionVersion="2")
    assert invoke(server, "versioned", Qualifier="live")[0] == 2
    assert invoke(server, "versioned", Qualifier="1")[0] == 1
    versions = lambdas.list_versions_by_function(FunctionName="versioned")["Versions"]
    assert [v["Version"] for v in versions] == ["$LATEST", "1", "2"]
    with pytest.raises(lambdas.exceptions.ResourceConflictException):
        lambdas.delete_function(FunctionName="versioned", Qualifier="2")
    lambdas.delete_alias(FunctionName="versioned", Name="live")
    lambdas.delete_function(FunctionName="versioned", Qualifier="2")
    with pytest.raises(lambdas.exceptions.ResourceNotFoundException):
        lambdas.invoke(FunctionName="versioned", Qualifier="2")


def test_layers_are_on_the_path_of_the_function(server, lambdas):
    import io
    import zipfile
    layer = io.BytesIO()
    with zipfile.ZipFile(layer, "w") as archive:
        archive.writestr("python/shared.py", "ANSWER = 42\n")
    published = lambdas.publish_layer_version(LayerName="shared", Content={"ZipFile": layer.getvalue()},
                                              CompatibleRuntimes=["python3.12"])
    assert published["Version"] == 1
    create(server, "layered", "import shared\ndef handler(e, c): return shared.ANSWER\n",
           Layers=[published["LayerVersionArn"]])
    assert invoke(server, "layered")[0] == 42
    assert lambdas.list_layers()["Layers"][0]["LatestMatchingVersion"]["Version"] == 1
    lambdas.delete_layer_version(LayerName="shared", VersionNumber=1)
    lambdas.update_function_configuration(FunctionName="layered", Description="the layer stays in the function")
    assert invoke(server, "layered")[0] == 42


def test_the_functions_policy_says_who_may_invoke_it(lambdas, echo):
    with pytest.raises(lambdas.exceptions.ResourceNotFoundException):
        lambdas.get_policy(FunctionName=echo)
    lambdas.add_permission(FunctionName=echo, StatementId="s3", Action="lambda:InvokeFunction",
                           Principal="s3.amazonaws.com", SourceArn="arn:aws:s3:::photos")
    policy = json.loads(lambdas.get_policy(FunctionName=echo)["Policy"])
    assert policy["Statement"][0]["Condition"] == {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::photos"}}
    with pytest.raises(lambdas.exceptions.ResourceConflictException):
        lambdas.add_permission(FunctionName=echo, StatementId="s3", Action="*", Principal="*")
    lambdas.remove_permission(FunctionName=echo, StatementId="s3")
    with pytest.raises(lambdas.exceptions.ResourceNotFoundException):
        lambdas.get_policy(FunctionName=echo)


def test_a_user_may_only_what_his_policies_say(server, echo):
    iam = server.client("iam")
    iam.create_user(UserName="invoker")
    key = iam.create_access_key(UserName="invoker")["AccessKey"]
    user = server.client("lambda", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    with pytest.raises(ClientError) as refused:
        user.invoke(FunctionName=echo)
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    assert "lambda:InvokeFunction on resource: arn:aws:lambda:us-east-1:000000000000:function:echo" in \
        refused.value.response["Error"]["Message"]
    statement = {"Effect": "Allow", "Action": "lambda:*", "Resource": "arn:aws:lambda:*:*:function:*"}
    iam.put_user_policy(UserName="invoker", PolicyName="p",
                        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert user.invoke(FunctionName=echo)["StatusCode"] == 200
    with pytest.raises(ClientError) as refused:
        user.create_function(FunctionName="his", Runtime="python3.12", Handler="index.handler", Role=role(server),
                             Code={"ZipFile": package(index=ECHO)})
    assert "iam:PassRole" in refused.value.response["Error"]["Message"]


def test_concurrency_of_nought_throttles(server, lambdas):
    create(server, "throttled", ECHO)
    lambdas.put_function_concurrency(FunctionName="throttled", ReservedConcurrentExecutions=0)
    with pytest.raises(lambdas.exceptions.TooManyRequestsException):
        lambdas.invoke(FunctionName="throttled")
    lambdas.delete_function_concurrency(FunctionName="throttled")
    assert invoke(server, "throttled")[1]["StatusCode"] == 200


TABLE_WRITER = """
import boto3
table = boto3.resource('dynamodb').Table('rows')
def handler(event, context):
    table.update_item(Key={'id': event['id']}, UpdateExpression='ADD runs :one SET rid = :r',
                      ExpressionAttributeValues={':one': 1, ':r': context.aws_request_id})
    if event.get('fail'):
        raise RuntimeError('as wished')
"""


@pytest.fixture(scope="module")
def rows(server):
    table = server.client("dynamodb")
    table.create_table(TableName="rows", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                       AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                       BillingMode="PAY_PER_REQUEST")

    def read(key):
        item = table.get_item(TableName="rows", Key={"id": {"S": key}}, ConsistentRead=True).get("Item")
        return item and int(item["runs"]["N"])

    return read


def test_an_event_is_run_as_the_role_of_the_function(server, lambdas, rows):
    create(server, "writer", TABLE_WRITER)
    assert lambdas.invoke(FunctionName="writer", InvocationType="Event",
                          Payload=json.dumps({"id": "a"}))["StatusCode"] == 202
    assert wait_for(lambda: rows("a"), what="the row") == 1


def test_changes_of_a_table_reach_a_function(server, lambdas, rows):
    dynamodb = server.client("dynamodb")
    made = dynamodb.create_table(TableName="source", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                                 AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                                 BillingMode="PAY_PER_REQUEST",
                                 StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    code = """
import boto3
table = boto3.resource('dynamodb').Table('rows')
def handler(event, context):
    for record in event['Records']:
        assert record['eventSource'] == 'aws:dynamodb' and ':table/source/stream/' in record['eventSourceARN']
        if record['eventName'] == 'INSERT':
            key = record['dynamodb']['NewImage']['id']['S']
            table.update_item(Key={'id': 'stream-' + key}, UpdateExpression='ADD runs :one',
                              ExpressionAttributeValues={':one': 1})
"""
    create(server, "streamed", code)
    mapping = lambdas.create_event_source_mapping(
        FunctionName="streamed", EventSourceArn=made["TableDescription"]["LatestStreamArn"],
        StartingPosition="TRIM_HORIZON", BatchSize=10,
        FilterCriteria={"Filters": [{"Pattern": json.dumps({"dynamodb": {"Keys": {"id": {"S": [{"prefix": "x"}]}}}})}]})
    assert mapping["State"] == "Creating"
    for key in ("x1", "y1", "x2"):
        dynamodb.put_item(TableName="source", Item={"id": {"S": key}})
    assert wait_for(lambda: rows("stream-x1") and rows("stream-x2"), what="both rows") == 1
    assert rows("stream-y1") is None
    assert lambdas.get_event_source_mapping(UUID=mapping["UUID"])["State"] == "Enabled"
    lambdas.delete_event_source_mapping(UUID=mapping["UUID"])
    assert lambdas.list_event_source_mappings(FunctionName="streamed")["EventSourceMappings"] == []


def test_messages_of_a_queue_reach_a_function(server, lambdas, rows):
    sqs = server.client("sqs")
    queue = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    code = """
import boto3
table = boto3.resource('dynamodb').Table('rows')
def handler(event, context):
    failures = []
    for record in event['Records']:
        assert record['eventSource'] == 'aws:sqs' and record['eventSourceARN'].endswith(':jobs')
        if record['body'] == 'bad':
            failures.append({'itemIdentifier': record['messageId']})
            continue
        table.update_item(Key={'id': 'queue-' + record['body']}, UpdateExpression='ADD runs :one',
                          ExpressionAttributeValues={':one': 1})
    return {'batchItemFailures': failures}
"""
    create(server, "queued", code)
    mapping = lambdas.create_event_source_mapping(FunctionName="queued", EventSourceArn=arn,
                                                  FunctionResponseTypes=["ReportBatchItemFailures"])
    for body in ("one", "bad", "two"):
        sqs.send_message(QueueUrl=queue, MessageBody=body)
    assert wait_for(lambda: rows("queue-one") and rows("queue-two"), what="both rows") == 1

    def left():
        found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
        return int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"])

    wait_for(lambda: left() == 1, what="the deletion of what was done")
    lambdas.delete_event_source_mapping(UUID=mapping["UUID"])


def test_what_became_of_an_event_goes_to_a_queue(server, lambdas):
    sqs = server.client("sqs")
    queue = sqs.create_queue(QueueName="results")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    create(server, "fails-once", "def handler(event, context):\n    raise ValueError('no face')\n")
    lambdas.put_function_event_invoke_config(FunctionName="fails-once", MaximumRetryAttempts=0,
                                             DestinationConfig={"OnFailure": {"Destination": arn}})
    lambdas.invoke(FunctionName="fails-once", InvocationType="Event", Payload='{"n": 1}')
    message = wait_for(lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5).get("Messages"), what="the record")
    record = json.loads(message[0]["Body"])
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestPayload"] == {"n": 1}
    assert record["responsePayload"]["errorMessage"] == "no face"

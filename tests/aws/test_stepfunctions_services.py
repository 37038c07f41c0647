"""What state machines do to the other services: tables, objects, faces, other state machines, as their role."""

import gzip
import itertools
import json
import time

import lambda_tools
import pytest

from test_stepfunctions import finish, machine, one, role, run, sfn  # noqa: F401

_numbers = itertools.count(1)


@pytest.fixture
def table(server):
    tables = server.client("dynamodb")
    name = f"states-{next(_numbers)}"
    tables.create_table(TableName=name, KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST")
    yield name
    tables.delete_table(TableName=name)


def sdk(action, parameters, **more):
    return {"Type": "Task", "Resource": f"arn:aws:states:::aws-sdk:{action}", "Parameters": parameters, **more}


def test_items_are_put_and_got(sfn, machine, table):  # noqa: F811
    arn = machine({"StartAt": "Put", "States": {
        "Put": {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:putItem", "ResultPath": None, "Next": "Get",
                "Parameters": {"TableName": table, "Item": {"id": {"S.$": "$.id"}, "n": {"N": "7"}}}},
        "Get": {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:getItem", "End": True,
                "Parameters": {"TableName": table, "Key": {"id": {"S.$": "$.id"}}}, "OutputPath": "$.Item.n.N"}}})
    assert run(sfn, arn, {"id": "x"})["output"] == '"7"'
    missing = machine(one({"Type": "Task", "Resource": "arn:aws:states:::dynamodb:getItem",
                           "Parameters": {"TableName": "none", "Key": {"id": {"S": "x"}}}}))
    done = run(sfn, missing)
    assert done["error"] == "DynamoDB.ResourceNotFoundException"
    assert done["cause"].startswith("Requested resource not found (Service: AmazonDynamoDBv2; Status Code: 400; Error Code: "
                                    "ResourceNotFoundException; Request ID: ")


def test_every_operation_is_there_by_the_name_of_the_sdk(sfn, machine, s3, bucket, table):  # noqa: F811
    arn = machine({"StartAt": "Put", "States": {
        "Put": sdk("s3:putObject", {"Bucket": bucket, "Key": "k.json", "Body": {"a": [1, 2]}}, ResultPath=None, Next="Get"),
        "Get": sdk("s3:getObject", {"Bucket": bucket, "Key": "k.json"}, ResultSelector={"body.$": "States.StringToJson($.Body)"},
                   End=True)}})
    assert json.loads(run(sfn, arn)["output"]) == {"body": {"a": [1, 2]}}
    assert json.loads(s3.get_object(Bucket=bucket, Key="k.json")["Body"].read()) == {"a": [1, 2]}
    gone = machine(one(sdk("s3:getObject", {"Bucket": bucket, "Key": "none"})))
    done = run(sfn, gone)
    assert done["error"] == "S3.NoSuchKeyException"
    assert done["cause"].startswith("The specified key does not exist. (Service: S3, Status Code: 404, Request ID: ")
    condition = {"TableName": table, "Item": {"id": {"S": "x"}}, "ConditionExpression": "attribute_exists(id)"}
    done = run(sfn, machine(one(sdk("dynamodb:putItem", condition))))
    assert done["error"] == "DynamoDb.ConditionalCheckFailedException"


def test_the_role_decides(server, sfn):  # noqa: F811
    iam = server.client("iam")
    name = f"states-nothing-{next(_numbers)}"
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                     "Principal": {"Service": "states.amazonaws.com"}}]}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    made = sfn.create_state_machine(name=name, roleArn=arn, definition=json.dumps(one(sdk("s3:listBuckets", {}))))["stateMachineArn"]
    done = run(sfn, made)
    assert done["status"] == "FAILED" and done["error"] == "S3.S3Exception"
    assert "not authorized to perform: s3:ListAllMyBuckets" in done["cause"]


def test_faces_of_a_photo_that_is_none(sfn, machine, s3, bucket):  # noqa: F811
    s3.put_object(Bucket=bucket, Key="broken.jpg", Body=b"no photo")
    arn = machine({"StartAt": "D", "States": {
        "D": sdk("rekognition:detectFaces", {"Image": {"S3Object": {"Bucket": bucket, "Name": "broken.jpg"}}},
                 Catch=[{"ErrorEquals": ["Rekognition.InvalidImageFormatException"], "Next": "Bad"}], End=True),
        "Bad": {"Type": "Pass", "Result": "unreadable", "End": True}}})
    assert run(sfn, arn)["output"] == '"unreadable"'


def test_another_state_machine_is_waited_for(sfn, machine):  # noqa: F811
    child = machine(one({"Type": "Wait", "Seconds": 1}))
    parent = machine(one({"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2",
                          "Parameters": {"StateMachineArn": child, "Input": {"k.$": "$.k"}}, "OutputPath": "$.Output"}))
    assert json.loads(run(sfn, parent, {"k": 3})["output"]) == {"k": 3}
    bad = machine({"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E"}}})
    failing = machine(one({"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync",
                           "Parameters": {"StateMachineArn": bad}}))
    done = run(sfn, failing)
    assert done["error"] == "States.TaskFailed" and json.loads(done["cause"])["Status"] == "FAILED"


def test_a_distributed_map_over_the_objects_of_a_bucket(sfn, machine, s3, bucket):  # noqa: F811
    for i in range(5):
        s3.put_object(Bucket=bucket, Key=f"in/{i}.txt", Body=b"x" * i)
    arn = machine(one({
        "Type": "Map", "MaxConcurrency": 2, "Label": "objects",
        "ItemReader": {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": bucket, "Prefix": "in/"}},
        "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "P",
                          "States": {"P": {"Type": "Pass", "Parameters": {"k.$": "$.Key", "n.$": "$.Size"}, "End": True}}},
        "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": bucket, "Prefix": "out"}}}))
    done = run(sfn, arn)
    assert done["status"] == "SUCCEEDED", done
    details = json.loads(done["output"])["ResultWriterDetails"]
    manifest = json.loads(s3.get_object(Bucket=bucket, Key=details["Key"])["Body"].read())
    results = json.loads(s3.get_object(Bucket=bucket, Key=manifest["ResultFiles"]["SUCCEEDED"][0]["Key"])["Body"].read())
    assert sorted(json.loads(r["Output"])["n"] for r in results) == [0, 1, 2, 3, 4]
    runs = sfn.list_map_runs(executionArn=done["executionArn"])["mapRuns"]
    described = sfn.describe_map_run(mapRunArn=runs[0]["mapRunArn"])
    assert described["status"] == "SUCCEEDED" and described["executionCounts"]["succeeded"] == 5
    assert len(sfn.list_executions(mapRunArn=runs[0]["mapRunArn"])["executions"]) == 5
    types = [e["type"] for e in sfn.get_execution_history(executionArn=done["executionArn"])["events"]]
    assert types == ["ExecutionStarted", "MapStateEntered", "MapStateStarted", "MapRunStarted", "MapRunSucceeded",
                     "MapStateSucceeded", "MapStateExited", "ExecutionSucceeded"]


def test_the_packed_files_of_an_inventory_are_read(sfn, machine, s3, bucket):  # noqa: F811
    rows = gzip.compress(f'"{bucket}","a%20b.jpg","10"\n"{bucket}","c.jpg","20"\n'.encode())
    s3.put_object(Bucket=bucket, Key="inventory/data/1.csv.gz", Body=rows)
    s3.put_object(Bucket=bucket, Key="inventory/manifest.json", Body=json.dumps({
        "destinationBucket": f"arn:aws:s3:::{bucket}", "fileFormat": "CSV", "fileSchema": "Bucket, Key, Size",
        "files": [{"key": "inventory/data/1.csv.gz", "size": len(rows)}]}))
    arn = machine(one({
        "Type": "Map", "Label": "inventory",
        "ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "MANIFEST"},
                       "Parameters": {"Bucket": bucket, "Key": "inventory/manifest.json"}},
        "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "P",
                          "States": {"P": {"Type": "Pass", "OutputPath": "$.Key", "End": True}}}}))
    done = run(sfn, arn)
    assert done["status"] == "SUCCEEDED", done
    assert json.loads(done["output"]) == ["a%20b.jpg", "c.jpg"]


def test_retries_wait(sfn, machine):  # noqa: F811
    arn = machine(one({"Type": "Task", "Resource": "arn:aws:states:::dynamodb:getItem",
                       "Parameters": {"TableName": "none", "Key": {"id": {"S": "x"}}},
                       "Retry": [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 1}]}))
    begin = time.monotonic()
    done = run(sfn, arn)
    assert done["status"] == "FAILED" and time.monotonic() - begin > 1.9
    types = [e["type"] for e in sfn.get_execution_history(executionArn=done["executionArn"])["events"]]
    assert types.count("TaskFailed") == 3
    sfn.redrive_execution(executionArn=done["executionArn"])
    again = finish(sfn, done["executionArn"])
    assert again["redriveCount"] == 1 and again["status"] == "FAILED"


def test_executions_are_logged_and_measured(server, sfn, machine):  # noqa: F811
    logs = server.client("logs")
    group = f"/aws/vendedlogs/states/{next(_numbers)}-{time.time_ns()}"
    logs.create_log_group(logGroupName=group)
    where = {"cloudWatchLogsLogGroup": {"logGroupArn": f"arn:aws:logs:us-east-1:000000000000:log-group:{group}:*"}}
    arn = machine(one({"Type": "Pass"}), type="EXPRESS",
                  loggingConfiguration={"level": "ALL", "includeExecutionData": True, "destinations": [where]})
    done = sfn.start_sync_execution(stateMachineArn=arn, input='{"secret": 1}')
    end = time.monotonic() + 10
    lines = []
    while len(lines) < 4 and time.monotonic() < end:
        lines = [json.loads(e["message"]) for e in logs.filter_log_events(logGroupName=group)["events"]]
        time.sleep(0.1)
    assert [line["type"] for line in lines] == ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]
    assert lines[0]["execution_arn"] == done["executionArn"] and lines[0]["details"]["input"] == '{"secret": 1}'


def test_functions_are_invoked(server, sfn, machine):  # noqa: F811
    name = f"of-states-{next(_numbers)}"
    arn = lambda_tools.create(server, name, "def handler(event, context):\n"
                              "    if event.get('bad'):\n        raise ValueError('no good')\n"
                              "    return {'doubled': event['n'] * 2}\n")["FunctionArn"]
    plain = machine(one({"Type": "Task", "Resource": arn}))
    assert json.loads(run(sfn, plain, {"n": 4})["output"]) == {"doubled": 8}
    whole = machine(one({"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "OutputPath": "$.Payload.doubled",
                         "Parameters": {"FunctionName": name, "Payload": {"n.$": "$.n"}}}))
    done = run(sfn, whole, {"n": 5})
    assert done["output"] == "10"
    types = [e["type"] for e in sfn.get_execution_history(executionArn=done["executionArn"])["events"]]
    assert types[2:5] == ["TaskScheduled", "TaskStarted", "TaskSucceeded"]
    failed = run(sfn, plain, {"bad": True})
    assert failed["error"] == "ValueError" and json.loads(failed["cause"])["errorMessage"] == "no good"
    missing = machine(one({"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "none"}}))
    assert run(sfn, missing)["error"] == "Lambda.ResourceNotFoundException"


def test_a_message_carries_a_task_token(server, sfn, machine):  # noqa: F811
    queues = server.client("sqs")
    url = queues.create_queue(QueueName=f"tokens-{next(_numbers)}")["QueueUrl"]
    arn = machine(one({"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "TimeoutSeconds": 30,
                       "Parameters": {"QueueUrl": url, "MessageBody": {"token.$": "$$.Task.Token", "n.$": "$.n"}}}))
    started = sfn.start_execution(stateMachineArn=arn, input='{"n": 1}')["executionArn"]
    body = json.loads(queues.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"][0]["Body"])
    assert body["n"] == 1
    sfn.send_task_success(taskToken=body["token"], output='{"seen": true}')
    assert json.loads(finish(sfn, started)["output"]) == {"seen": True}
    types = [e["type"] for e in sfn.get_execution_history(executionArn=started)["events"]]
    assert types == ["ExecutionStarted", "TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded",
                     "TaskStateExited", "ExecutionSucceeded"]

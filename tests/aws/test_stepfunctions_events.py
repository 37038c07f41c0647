"""Executions that are redriven, and what the default event bus is told of them."""

import itertools
import json
import time

import pytest
from botocore.exceptions import ClientError

from test_stepfunctions import finish, machine, one, role, run, sfn  # noqa: F401

_numbers = itertools.count(1)


@pytest.fixture
def told(server):
    """Gives the details of the events of a state machine, as they come to a queue."""
    queues, bus = server.client("sqs"), server.client("events")
    name = f"executions-{next(_numbers)}"
    url = queues.create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:000000000000:{name}"
    queues.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}]})})
    rules = []

    def follow(machine_arn):
        rules.append(f"rule-{next(_numbers)}")
        bus.put_rule(Name=rules[-1], EventPattern=json.dumps({
            "source": ["aws.states"], "detail-type": ["Step Functions Execution Status Change"],
            "detail": {"stateMachineArn": [machine_arn]}}))
        bus.put_targets(Rule=rules[-1], Targets=[{"Id": "q", "Arn": arn}])

    def events(count, seconds=20):
        out, end = [], time.monotonic() + seconds
        while len(out) < count:
            assert time.monotonic() < end, f"{len(out)} of {count}: {out}"
            for message in queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", []):
                out.append(json.loads(message["Body"]))
                queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return out

    follow.events = events
    yield follow
    for rule in rules:
        bus.remove_targets(Rule=rule, Ids=["q"])
        bus.delete_rule(Name=rule)
    queues.delete_queue(QueueUrl=url)


def test_the_bus_learns_of_each_change_of_status(sfn, machine, told):  # noqa: F811
    arn = machine(one({"Type": "Pass", "Result": {"a": 1}}))
    told(arn)
    done = run(sfn, arn, {"k": "v"})
    events = {event["detail"]["status"]: event for event in told.events(2)}
    assert set(events) == {"RUNNING", "SUCCEEDED"}
    for event in events.values():
        assert event["source"] == "aws.states" and event["account"] == "000000000000"
        assert event["detail-type"] == "Step Functions Execution Status Change"
        assert event["resources"] == [done["executionArn"]]
    assert events["SUCCEEDED"]["detail"] == {
        "executionArn": done["executionArn"], "stateMachineArn": arn, "name": done["name"], "status": "SUCCEEDED",
        "startDate": int(done["startDate"].timestamp() * 1000 + 0.5), "stopDate": int(done["stopDate"].timestamp() * 1000 + 0.5),
        "input": '{"k": "v"}', "output": '{"a":1}', "stateMachineVersionArn": None, "stateMachineAliasArn": None,
        "redriveCount": 0, "redriveDate": None, "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
        "inputDetails": {"included": True}, "outputDetails": {"included": True}, "error": None, "cause": None}
    running = events["RUNNING"]["detail"]
    assert running["output"] is None and running["outputDetails"] is None and running["stopDate"] is None


def test_an_express_execution_tells_nobody(sfn, machine, told):  # noqa: F811
    express = machine(one({"Type": "Pass"}), type="EXPRESS")
    standard = machine(one({"Type": "Pass"}))
    told(express)
    told(standard)
    sfn.start_sync_execution(stateMachineArn=express)
    run(sfn, standard)
    assert {event["detail"]["stateMachineArn"] for event in told.events(2)} == {standard}


def test_large_data_is_left_out(sfn, machine, told):  # noqa: F811
    arn = machine(one({"Type": "Pass"}))
    told(arn)
    run(sfn, arn, {"k": "x" * 200_000})
    events = {event["detail"]["status"]: event["detail"] for event in told.events(2)}
    assert events["RUNNING"]["inputDetails"] == {"included": True}
    assert events["SUCCEEDED"]["input"] is None and events["SUCCEEDED"]["inputDetails"] == {"included": False}
    assert events["SUCCEEDED"]["outputDetails"] == {"included": True}


def test_a_redrive_repeats_what_failed_and_is_told(server, sfn, machine, told):  # noqa: F811
    tables = server.client("dynamodb")
    table = f"redriven-{next(_numbers)}"

    def put(name):
        return {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:updateItem", "End": True, "ResultPath": None, "Parameters": {
            "TableName": table if name == "bad" else f"{table}-good", "Key": {"id": {"S": name}},
            "UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}}

    def create(name):
        tables.create_table(TableName=name, KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST",
                            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])

    create(f"{table}-good")
    arn = machine(one({"Type": "Parallel", "ResultPath": None, "Branches": [
        {"StartAt": "good", "States": {"good": put("good")}},
        {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "Next": "bad"}, "bad": put("bad")}}]}))
    told(arn)
    done = run(sfn, arn)
    assert done["status"] == "FAILED" and done["redriveStatus"] == "REDRIVABLE"
    create(table)
    redriven = sfn.redrive_execution(executionArn=done["executionArn"], clientToken="once")
    again = finish(sfn, done["executionArn"])
    assert again["status"] == "SUCCEEDED", again
    assert again["redriveCount"] == 1 and again["redriveDate"] == redriven["redriveDate"]
    assert again["redriveStatusReason"] == "Execution is SUCCEEDED and cannot be redriven"
    assert sfn.redrive_execution(executionArn=done["executionArn"], clientToken="once")["redriveDate"] == redriven["redriveDate"]
    with pytest.raises(ClientError) as refused:
        sfn.redrive_execution(executionArn=done["executionArn"])
    assert refused.value.response["Error"]["Code"] == "ExecutionNotRedrivable"
    assert refused.value.response["Error"]["Message"] == "Execution is SUCCEEDED and cannot be redriven"
    assert tables.get_item(TableName=f"{table}-good", Key={"id": {"S": "good"}})["Item"]["n"] == {"N": "1"}
    events = sfn.get_execution_history(executionArn=done["executionArn"])["events"]
    mark = next(event for event in events if event["type"] == "ExecutionRedriven")
    assert mark["executionRedrivenEventDetails"] == {"redriveCount": 1}
    assert [event["type"] for event in events[mark["id"]:]] == [
        "TaskScheduled", "TaskStarted", "TaskSucceeded", "TaskStateExited", "ParallelStateSucceeded", "ParallelStateExited",
        "ExecutionSucceeded"]
    statuses = [(event["detail"]["status"], event["detail"]["redriveCount"]) for event in told.events(4)]
    assert sorted(statuses) == [("FAILED", 0), ("RUNNING", 0), ("RUNNING", 1), ("SUCCEEDED", 1)]


def test_a_map_run_is_redriven_with_its_execution(server, sfn, machine, s3, bucket):  # noqa: F811
    arn = machine(one({
        "Type": "Map", "Label": "objects", "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "G", "States": {
                "G": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:headObject", "End": True,
                      "Parameters": {"Bucket": bucket, "Key.$": "$"}, "OutputPath": "$.ContentLength"}}}}))
    s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    done = run(sfn, arn, ["a", "b"])
    assert done["error"] == "States.ExceedToleratedFailureThreshold"
    (map_run,) = sfn.list_map_runs(executionArn=done["executionArn"])["mapRuns"]
    children = sfn.list_executions(mapRunArn=map_run["mapRunArn"], statusFilter="FAILED")["executions"]
    child = sfn.describe_execution(executionArn=children[0]["executionArn"])
    assert child["redriveStatus"] == "REDRIVABLE_BY_MAP_RUN"
    with pytest.raises(ClientError) as refused:
        sfn.redrive_execution(executionArn=child["executionArn"])
    assert refused.value.response["Error"]["Code"] == "ExecutionNotRedrivable"
    s3.put_object(Bucket=bucket, Key="b", Body=b"22")
    sfn.redrive_execution(executionArn=done["executionArn"])
    again = finish(sfn, done["executionArn"])
    assert json.loads(again["output"]) == [1, 2]
    described = sfn.describe_map_run(mapRunArn=map_run["mapRunArn"])
    assert described["status"] == "SUCCEEDED" and described["redriveCount"] == 1 and described["redriveDate"]
    assert described["executionCounts"]["succeeded"] == 2 and described["executionCounts"]["pendingRedrive"] == 0
    assert described["executionCounts"]["failuresNotRedrivable"] == 0
    events = sfn.get_execution_history(executionArn=done["executionArn"])["events"]
    mark = next(event for event in events if event["type"] == "MapRunRedriven")
    assert mark["mapRunRedrivenEventDetails"] == {"mapRunArn": map_run["mapRunArn"], "redriveCount": 1}


def test_a_child_is_stopped_with_the_execution_that_waits_for_it(sfn, machine):  # noqa: F811
    child = machine(one({"Type": "Wait", "Seconds": 100}))
    parent = machine(one({"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2",
                          "Parameters": {"StateMachineArn": child}}))
    started = sfn.start_execution(stateMachineArn=parent)["executionArn"]
    end = time.monotonic() + 20
    while not any(e["type"] == "TaskSubmitted" for e in sfn.get_execution_history(executionArn=started)["events"]):
        assert time.monotonic() < end
        time.sleep(0.05)
    sfn.stop_execution(executionArn=started)
    (below,) = sfn.list_executions(stateMachineArn=child)["executions"]
    assert finish(sfn, below["executionArn"])["status"] == "ABORTED"

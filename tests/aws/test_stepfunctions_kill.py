"""kill -9 while executions run: each that was acknowledged ends as it would have, no step of its history is lost, and
the event bus is told of its start and its end."""

import json
import os
import random
import threading
import time

from test_stepfunctions import one

ROUNDS = int(os.environ.get("LIKENESS_KILLS", "20" if os.environ.get("LIKENESS_LONG") else "3"))


def test_every_execution_that_was_started_ends(start_server):
    seed = int(os.environ.get("LIKENESS_SEED", "0")) or random.randrange(1 << 30)
    print("LIKENESS_SEED", seed)
    rng = random.Random(seed)
    running = start_server()
    data = running.data
    iam = running.client("iam")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                     "Principal": {"Service": "states.amazonaws.com"}}]}
    role = iam.create_role(RoleName="states", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="states", PolicyName="all", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}))
    tables = running.client("dynamodb")
    tables.create_table(TableName="table", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST")
    put = {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:putItem", "ResultPath": None, "Parameters": {
        "TableName": "table", "Item": {"id": {"S.$": "States.Format('{}-{}', $$.Execution.Name, $$.State.Name)"}}}}
    definition = {"StartAt": "A", "States": {
        "A": {**put, "Next": "W"}, "W": {"Type": "Wait", "Seconds": 1, "Next": "M"},
        "M": {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": one({"Type": "Pass"}), "ResultPath": "$.out", "Next": "B"},
        "B": {**put, "End": True}}}
    machine = running.client("stepfunctions").create_state_machine(
        name="m", definition=json.dumps(definition), roleArn=role)["stateMachineArn"]
    statement = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*"}
    queue = running.client("sqs").create_queue(QueueName="told", Attributes={
        "Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})})["QueueUrl"]
    running.client("events").put_rule(Name="r", EventPattern=json.dumps({"source": ["aws.states"]}))
    running.client("events").put_targets(Rule="r", Targets=[{"Id": "q", "Arn": "arn:aws:sqs:us-east-1:000000000000:told"}])
    acknowledged = []
    for number in range(ROUNDS):
        stop = threading.Event()
        server = running

        def work(thread):
            client = server.client("stepfunctions")
            i = 0
            while not stop.is_set():
                try:
                    name = f"r{number}-{thread}-{i}"
                    acknowledged.append(client.start_execution(stateMachineArn=machine, name=name,
                                                               input='{"items": [1, 2]}')["executionArn"])
                except Exception:
                    return
                i += 1
                time.sleep(0.01)

        threads = [threading.Thread(target=work, args=(t,)) for t in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(rng.uniform(0.5, 2.5))
        running.kill()
        stop.set()
        for thread in threads:
            thread.join()
        running = start_server(data=data)
    assert len(acknowledged) > 20 * ROUNDS
    client = running.client("stepfunctions")
    end = time.monotonic() + 60
    for arn in acknowledged:
        while (done := client.describe_execution(executionArn=arn))["status"] == "RUNNING":
            assert time.monotonic() < end, f"{arn} still runs"
            time.sleep(0.05)
        assert done["status"] == "SUCCEEDED", done
        assert json.loads(done["output"]) == {"items": [1, 2], "out": [1, 2]}
        events = client.get_execution_history(executionArn=arn)["events"]
        assert [e["id"] for e in events] == list(range(1, len(events) + 1))
        kinds = [e["type"] for e in events]
        assert kinds[0] == "ExecutionStarted" and kinds[-1] == "ExecutionSucceeded" and kinds.count("TaskSucceeded") == 2
    tables = running.client("dynamodb")
    for arn in acknowledged:
        name = arn.rsplit(":", 1)[1]
        for state in "AB":
            assert "Item" in tables.get_item(TableName="table", Key={"id": {"S": f"{name}-{state}"}})
    awaited = {(arn, status) for arn in acknowledged for status in ("RUNNING", "SUCCEEDED")}
    queues, end = running.client("sqs"), time.monotonic() + 60
    while awaited:
        assert time.monotonic() < end, f"{len(awaited)} of {2 * len(acknowledged)} events did not come"
        messages = queues.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        for message in messages:
            detail = json.loads(message["Body"])["detail"]
            awaited.discard((detail["executionArn"], detail["status"]))
        if messages:
            queues.delete_message_batch(QueueUrl=queue, Entries=[
                {"Id": str(i), "ReceiptHandle": message["ReceiptHandle"]} for i, message in enumerate(messages)])

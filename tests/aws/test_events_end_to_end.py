"""From one service to the next and on: topics, rules, queues and functions together, with real functions, as their
policies and roles let them. What cannot be delivered ends where it was said to end."""

import itertools
import json
import time

import pytest

from lambda_tools import create, wait_for

ACCOUNT = "000000000000"
_numbers = itertools.count(1)

# Keeps each event as a row of the table "told"; fails where the event says so.
KEEPER = """
import boto3, json
told = boto3.resource('dynamodb').Table('told')
def handler(event, context):
    told.put_item(Item={'id': context.aws_request_id, 'function': context.function_name, 'event': json.dumps(event)})
    if 'please fail' in json.dumps(event):
        raise ValueError('as it was asked to')
    return {'kept': True}
"""


@pytest.fixture(scope="module")
def told(server):
    tables = server.client("dynamodb")
    tables.create_table(TableName="told", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST")

    def read(function):
        rows = [row for page in tables.get_paginator("scan").paginate(TableName="told", ConsistentRead=True)
                for row in page["Items"]]
        return [json.loads(row["event"]["S"]) for row in rows if row["function"]["S"] == function]

    return read


@pytest.fixture
def keeper(server, told):
    """A function of the test's own: (name, ARN)."""
    name = f"end-keeper-{next(_numbers)}"
    return name, create(server, name, KEEPER)["FunctionArn"]


@pytest.fixture
def queue(server):
    """make(attributes) -> (url, ARN); by default services may send to it."""
    sqs = server.client("sqs")

    def make(open_to="*", **attributes):
        url = sqs.create_queue(QueueName=f"end-{next(_numbers)}", Attributes=attributes)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        if open_to:
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(
                {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": open_to,
                                                        "Action": "sqs:SendMessage", "Resource": arn}})})
        return url, arn

    return make


def received(server, url, seconds=30):
    """The next message."""
    sqs = server.client("sqs")

    def receive():
        return sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, MessageAttributeNames=["All"],
                                   AttributeNames=["All"]).get("Messages")

    message = wait_for(receive, seconds, "a message")[0]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return message


def is_empty(server, url):
    return "Messages" not in server.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=1)


def may_invoke(server, function, service, source):
    server.client("lambda").add_permission(FunctionName=function, StatementId=f"s{next(_numbers)}",
                                           Action="lambda:InvokeFunction", Principal=service, SourceArn=source)


def role_for(server, service, actions):
    """A role that a service may take."""
    iam, name = server.client("iam"), f"end-role-{next(_numbers)}"
    trust = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": service},
                                                    "Action": "sts:AssumeRole"}}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"}}))
    return arn


def rule(server, target, pattern=None):
    """A rule for events of a source of its own, with one target: (its ARN, send(detail))."""
    events, name = server.client("events"), f"end-rule-{next(_numbers)}"
    arn = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]} | (pattern or {})))["RuleArn"]

    def add(one):
        answer = events.put_targets(Rule=name, Targets=[{"Id": "1"} | one])
        assert answer["FailedEntryCount"] == 0, answer

    def send(detail):
        answer = events.put_events(Entries=[{"Source": name, "DetailType": "Test", "Detail": json.dumps(detail)}])
        assert answer["FailedEntryCount"] == 0

    add(target)
    return arn, send


# -- topics


def test_a_topic_runs_a_function(server, told, keeper):
    name, arn = keeper
    sns = server.client("sns")
    topic = sns.create_topic(Name=f"end-topic-{next(_numbers)}")["TopicArn"]
    may_invoke(server, name, "sns.amazonaws.com", topic)
    subscription = sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn, ReturnSubscriptionArn=True)
    sent = sns.publish(TopicArn=topic, Message="hello", Subject="greeting",
                       MessageAttributes={"kind": {"DataType": "String", "StringValue": "test"}})
    event, = wait_for(lambda: told(name), what="the run")
    record, = event["Records"]
    assert record["EventSource"] == "aws:sns" and record["EventVersion"] == "1.0"
    assert record["EventSubscriptionArn"] == subscription["SubscriptionArn"]
    told_of = record["Sns"]
    assert (told_of["Message"], told_of["Subject"], told_of["Type"]) == ("hello", "greeting", "Notification")
    assert told_of["MessageId"] == sent["MessageId"] and told_of["TopicArn"] == topic
    assert told_of["MessageAttributes"] == {"kind": {"Type": "String", "Value": "test"}}


def test_a_topic_that_may_not_run_a_function_has_dead_letters(server, told, keeper, queue):
    name, arn = keeper
    url, dead = queue(open_to={"Service": "sns.amazonaws.com"})
    sns = server.client("sns")
    topic = sns.create_topic(Name=f"end-topic-{next(_numbers)}")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn,
                  Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead})})
    sns.publish(TopicArn=topic, Message="nobody hears")
    assert "nobody hears" in received(server, url)["Body"]
    assert told(name) == []


def test_a_function_that_fails_for_a_topic_is_run_again_and_has_its_own_dead_letters(start_server, tmp_path):
    server = start_server(set=["function_retry_wait=50ms"])
    sqs, sns, lambdas = server.client("sqs"), server.client("sns"), server.client("lambda")
    url = sqs.create_queue(QueueName="dead")["QueueUrl"]
    dead = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    arn = create(server, "fails", "def handler(e, c):\n    raise ValueError('never')\n",
                 DeadLetterConfig={"TargetArn": dead})["FunctionArn"]
    topic = sns.create_topic(Name="t")["TopicArn"]
    lambdas.add_permission(FunctionName="fails", StatementId="s", Action="lambda:InvokeFunction",
                           Principal="sns.amazonaws.com", SourceArn=topic)
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
    sns.publish(TopicArn=topic, Message="bad")
    message = received(server, url)
    assert json.loads(message["Body"])["Records"][0]["Sns"]["Message"] == "bad"
    assert message["MessageAttributes"]["ErrorMessage"]["StringValue"] == "never"
    assert message["MessageAttributes"]["ErrorCode"]["StringValue"] == "200"
    request = message["MessageAttributes"]["RequestID"]["StringValue"]
    logs = server.client("logs")

    def starts():
        found = logs.filter_log_events(logGroupName="/aws/lambda/fails", filterPattern='"START RequestId"')["events"]
        return [line["message"] for line in found]

    assert wait_for(lambda: len(starts()) == 3 and all(request in line for line in starts()), what="three attempts")


# -- rules


def test_a_rule_runs_a_function(server, told, keeper):
    name, arn = keeper
    rule_arn, send = rule(server, {"Arn": arn, "InputTransformer": {
        "InputPathsMap": {"who": "$.detail.who"}, "InputTemplate": '{"greeting": "hello <who>"}'}})
    may_invoke(server, name, "events.amazonaws.com", rule_arn)
    send({"who": "ann"})
    assert wait_for(lambda: told(name), what="the run") == [{"greeting": "hello ann"}]


def test_a_rule_that_may_not_run_a_function_tells_the_dead_letters(server, told, keeper, queue):
    name, arn = keeper
    url, dead = queue(open_to={"Service": "events.amazonaws.com"})
    rule_arn, send = rule(server, {"Arn": arn, "DeadLetterConfig": {"Arn": dead}})
    send({"n": 1})
    message = received(server, url)
    attributes = {key: value["StringValue"] for key, value in message["MessageAttributes"].items()}
    assert attributes["ERROR_CODE"] == "NO_PERMISSIONS" and attributes["TARGET_ARN"] == arn
    assert attributes["RULE_ARN"] == rule_arn
    assert json.loads(message["Body"])["detail"] == {"n": 1}
    assert told(name) == []


def test_a_rule_starts_a_state_machine_that_runs_a_function(server, told, keeper):
    name, arn = keeper
    machines = server.client("stepfunctions")
    definition = {"StartAt": "Run", "States": {"Run": {
        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "OutputPath": "$.Payload",
        "Parameters": {"FunctionName": arn, "Payload": {"of.$": "$.detail.n"}}, "End": True}}}
    machine = machines.create_state_machine(
        name=f"end-to-end-{next(_numbers)}", definition=json.dumps(definition),
        roleArn=role_for(server, "states.amazonaws.com", "lambda:InvokeFunction"))["stateMachineArn"]
    _, send = rule(server, {"Arn": machine, "RoleArn": role_for(server, "events.amazonaws.com", "states:StartExecution")})
    send({"n": 7})

    def done():
        return machines.list_executions(stateMachineArn=machine, statusFilter="SUCCEEDED")["executions"]

    execution, = wait_for(done, what="the execution")
    assert json.loads(machines.describe_execution(executionArn=execution["executionArn"])["output"]) == {"kept": True}
    assert told(name) == [{"of": 7}]


def test_a_rule_whose_role_may_not_start_a_machine_tells_the_dead_letters(server, queue):
    url, dead = queue(open_to={"Service": "events.amazonaws.com"})
    machines = server.client("stepfunctions")
    machine = machines.create_state_machine(
        name=f"end-to-end-{next(_numbers)}", definition=json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}),
        roleArn=role_for(server, "states.amazonaws.com", "lambda:InvokeFunction"))["stateMachineArn"]
    _, send = rule(server, {"Arn": machine, "RoleArn": role_for(server, "events.amazonaws.com", "sqs:SendMessage"),
                            "DeadLetterConfig": {"Arn": dead}})
    send({"n": 7})
    assert json.loads(received(server, url)["Body"])["detail"] == {"n": 7}
    assert machines.list_executions(stateMachineArn=machine)["executions"] == []


def test_a_rule_writes_to_a_log_group(server):
    logs = server.client("logs")
    group = f"/aws/events/end-{next(_numbers)}"
    logs.create_log_group(logGroupName=group)
    arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{group}"
    logs.put_resource_policy(policyName="events", policyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
                                                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                                                "Resource": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/events/*:*"}}))
    _, send = rule(server, {"Arn": arn})
    send({"n": 9})
    line, = wait_for(lambda: logs.filter_log_events(logGroupName=group)["events"], what="the line")
    assert json.loads(line["message"])["detail"] == {"n": 9}


def test_a_queue_open_to_everybody_with_a_condition_on_the_source(server, queue):
    url, arn = queue(open_to=None)
    other_url, other = queue(open_to=None)
    rule_arn, send = rule(server, {"Arn": arn})
    for one_url, one, source in ((url, arn, rule_arn), (other_url, other, rule_arn + "-not")):
        server.client("sqs").set_queue_attributes(QueueUrl=one_url, Attributes={"Policy": json.dumps(
            {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage",
                                                    "Resource": one, "Condition": {"ArnEquals": {"aws:SourceArn": source}}}})})
    server.client("events").put_targets(Rule=rule_arn.rsplit("/", 1)[1], Targets=[{"Id": "2", "Arn": other}])
    send({"n": 3})
    assert json.loads(received(server, url)["Body"])["detail"] == {"n": 3}
    assert is_empty(server, other_url)


def test_a_queue_that_is_not_open_leaves_dead_letters(server, queue):
    url, closed = queue(open_to=None)
    dead_url, dead = queue(open_to={"Service": "events.amazonaws.com"})
    _, send = rule(server, {"Arn": closed, "DeadLetterConfig": {"Arn": dead}})
    send({"n": 4})
    message = received(server, dead_url)
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert is_empty(server, url)


# -- queues to functions, and what becomes of their results


def test_an_upload_goes_through_a_queue_to_a_function(server, told, keeper, queue, s3, bucket):
    name, arn = keeper
    _, source = queue(open_to={"Service": "s3.amazonaws.com"}, VisibilityTimeout="60")
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={
        "QueueConfigurations": [{"QueueArn": source, "Events": ["s3:ObjectCreated:*"]}]})
    mapping = server.client("lambda").create_event_source_mapping(FunctionName=name, EventSourceArn=source)
    s3.put_object(Bucket=bucket, Key="a/photo.jpg", Body=b"123")

    def objects():
        bodies = [json.loads(record["body"]) for event in told(name) for record in event["Records"]]
        return [record["s3"]["object"]["key"] for body in bodies for record in body.get("Records", [])]

    wait_for(lambda: objects() == ["a/photo.jpg"], what="the upload")
    server.client("lambda").delete_event_source_mapping(UUID=mapping["UUID"])


def test_messages_that_fail_too_often_go_to_the_queues_dead_letters(server, told, keeper, queue):
    name, arn = keeper
    dead_url, dead = queue()
    url, source = queue(VisibilityTimeout="20", RedrivePolicy=json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 2}))
    lambdas, sqs = server.client("lambda"), server.client("sqs")
    mapping = lambdas.create_event_source_mapping(FunctionName=name, EventSourceArn=source, BatchSize=1)
    sqs.send_message(QueueUrl=url, MessageBody="fine")
    sqs.send_message(QueueUrl=url, MessageBody="please fail")

    def bodies():
        return sorted(record["body"] for event in told(name) for record in event["Records"])

    wait_for(lambda: bodies()[:2] == ["fine", "please fail"], what="the first attempts")
    message = received(server, dead_url, 90)
    assert message["Body"] == "please fail"
    assert bodies() == ["fine", "please fail", "please fail"]
    lambdas.delete_event_source_mapping(UUID=mapping["UUID"])


@pytest.mark.parametrize("kind", ["sqs", "sns", "lambda", "events"])
def test_results_go_to_every_kind_of_destination(server, told, keeper, queue, kind):
    name, arn = keeper
    lambdas = server.client("lambda")
    url, on_queue = queue()

    def destination(which):
        if kind == "sqs":
            made, made_arn = queue()
            return made_arn, lambda: json.loads(received(server, made)["Body"])
        if kind == "sns":
            sns = server.client("sns")
            topic = sns.create_topic(Name=f"end-topic-{next(_numbers)}")["TopicArn"]
            made, made_arn = queue()
            sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=made_arn, Attributes={"RawMessageDelivery": "true"})
            return topic, lambda: json.loads(received(server, made)["Body"])
        if kind == "lambda":
            other = f"end-keeper-{next(_numbers)}"
            made_arn = create(server, other, KEEPER)["FunctionArn"]
            return made_arn, lambda: wait_for(lambda: told(other), what="the other function")[0]
        events, bus = server.client("events"), f"end-bus-{next(_numbers)}"
        bus_arn = events.create_event_bus(Name=bus)["EventBusArn"]
        made, made_arn = queue()
        events.put_rule(Name="all", EventBusName=bus, EventPattern=json.dumps({"source": ["lambda"]}))
        events.put_targets(Rule="all", EventBusName=bus, Targets=[{"Id": "1", "Arn": made_arn}])

        def read():
            event = json.loads(received(server, made)["Body"])
            assert event["detail-type"] == f"Lambda Function Invocation Result - {which}"
            assert event["resources"] == [bus_arn, arn + ":$LATEST"]
            return event["detail"]

        return bus_arn, read

    success, read_success = destination("Success")
    failure, read_failure = destination("Failure")
    lambdas.put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=0,
        DestinationConfig={"OnSuccess": {"Destination": success}, "OnFailure": {"Destination": failure}})
    for payload in ({"n": 1}, {"n": "please fail"}):
        lambdas.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(payload))
    good, bad = read_success(), read_failure()
    assert (good["requestContext"]["condition"], bad["requestContext"]["condition"]) == ("Success", "RetriesExhausted")
    assert good["requestPayload"] == {"n": 1} and good["responsePayload"] == {"kept": True}
    assert good["requestContext"]["functionArn"] == arn + ":$LATEST"
    assert bad["responsePayload"]["errorType"] == "ValueError" and bad["responseContext"]["functionError"] == "Unhandled"
    assert good["version"] == "1.0" and good["responseContext"]["statusCode"] == 200
    assert is_empty(server, url)


def test_a_message_that_a_function_takes_goes_on_to_the_next_queue(server, told, queue):
    """SQS -> function -> asynchronous invoke of another -> destination."""
    url, source = queue(VisibilityTimeout="60")
    end_url, end = queue()
    second = create(server, f"end-keeper-{next(_numbers)}", KEEPER)
    lambdas = server.client("lambda")
    lambdas.put_function_event_invoke_config(FunctionName=second["FunctionName"],
                                             DestinationConfig={"OnSuccess": {"Destination": end}})
    forward = """
import boto3, json, os
def handler(event, context):
    for record in event['Records']:
        boto3.client('lambda').invoke(FunctionName=os.environ['NEXT'], InvocationType='Event', Payload=record['body'])
"""
    first = create(server, f"end-forward-{next(_numbers)}", forward, Environment={"Variables": {"NEXT": second["FunctionArn"]}})
    mapping = lambdas.create_event_source_mapping(FunctionName=first["FunctionName"], EventSourceArn=source)
    server.client("sqs").send_message(QueueUrl=url, MessageBody='{"photo": 1}')
    record = json.loads(received(server, end_url)["Body"])
    assert record["requestPayload"] == {"photo": 1} and record["requestContext"]["condition"] == "Success"
    lambdas.delete_event_source_mapping(UUID=mapping["UUID"])


def test_dead_letters_of_a_function_go_to_a_topic(server, keeper, queue):
    name, _ = keeper
    sns = server.client("sns")
    topic = sns.create_topic(Name=f"end-topic-{next(_numbers)}")["TopicArn"]
    url, arn = queue()
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    lambdas = server.client("lambda")
    lambdas.update_function_configuration(FunctionName=name, DeadLetterConfig={"TargetArn": topic})
    lambdas.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    lambdas.invoke(FunctionName=name, InvocationType="Event", Payload='{"n": "please fail"}')
    envelope = json.loads(received(server, url)["Body"])
    assert json.loads(envelope["Message"]) == {"n": "please fail"}
    assert envelope["MessageAttributes"]["ErrorMessage"] == {"Type": "String", "Value": "as it was asked to"}
    assert envelope["MessageAttributes"]["ErrorCode"] == {"Type": "Number", "Value": "200"}

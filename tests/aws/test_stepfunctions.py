"""State machines and their executions, by boto3."""

import itertools
import json
import time

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

_numbers = itertools.count(1)
ACCOUNT = "000000000000"
REGION = "us-east-1"


@pytest.fixture(scope="module")
def sfn(server):
    # The SDK would send StartSyncExecution to "sync-127.0.0.1".
    return server.client("stepfunctions", config=Config(inject_host_prefix=False, retries={"total_max_attempts": 1},
                                                        read_timeout=120))


@pytest.fixture(scope="module")
def role(server):
    """A role that state machines may take and that may do everything."""
    iam = server.client("iam")
    name = f"states-{next(_numbers)}"
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                     "Principal": {"Service": "states.amazonaws.com"}}]}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}))
    return arn


@pytest.fixture
def machine(sfn, role):
    made = []

    def make(definition, **options):
        arn = sfn.create_state_machine(name=f"machine-{next(_numbers)}", definition=json.dumps(definition), roleArn=role,
                                       **options)["stateMachineArn"]
        made.append(arn)
        return arn

    yield make
    for arn in made:
        sfn.delete_state_machine(stateMachineArn=arn)


def one(state, **more):
    return {"StartAt": "S", "States": {"S": {**state, "End": True}, **more}}


PASS = one({"Type": "Pass", "Result": {"a": 1}})


def finish(sfn, arn, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = sfn.describe_execution(executionArn=arn)
        if answer["status"] != "RUNNING":
            return answer
        time.sleep(0.02)
    raise AssertionError(f"{arn} still runs")


def run(sfn, machine_arn, value=None, **options):
    arn = sfn.start_execution(stateMachineArn=machine_arn, input=json.dumps({} if value is None else value),
                              **options)["executionArn"]
    return finish(sfn, arn)


def test_a_chain_of_states_and_its_history(sfn, machine, role):
    arn = machine({"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"x.$": "$.n"}, "Next": "B"},
                                              "B": {"Type": "Succeed"}}})
    done = run(sfn, arn, {"n": 5}, name="first")
    assert done["status"] == "SUCCEEDED" and json.loads(done["output"]) == {"x": 5}
    assert done["redriveStatus"] == "NOT_REDRIVABLE"
    assert done["redriveStatusReason"] == "Execution is SUCCEEDED and cannot be redriven"
    events = sfn.get_execution_history(executionArn=done["executionArn"])["events"]
    assert [(e["id"], e["previousEventId"], e["type"]) for e in events] == [
        (1, 0, "ExecutionStarted"), (2, 0, "PassStateEntered"), (3, 2, "PassStateExited"),
        (4, 3, "SucceedStateEntered"), (5, 4, "SucceedStateExited"), (6, 5, "ExecutionSucceeded")]
    assert events[0]["executionStartedEventDetails"] == {"input": '{"n": 5}', "inputDetails": {"truncated": False},
                                                         "roleArn": role}
    assert events[2]["stateExitedEventDetails"]["output"] == '{"x":5}'
    back = sfn.get_execution_history(executionArn=done["executionArn"], reverseOrder=True, maxResults=2)
    assert [e["id"] for e in back["events"]] == [6, 5]
    rest = sfn.get_execution_history(executionArn=done["executionArn"], reverseOrder=True, nextToken=back["nextToken"])
    assert [e["id"] for e in rest["events"]] == [4, 3, 2, 1]
    bare = sfn.get_execution_history(executionArn=done["executionArn"], includeExecutionData=False)["events"]
    assert "output" not in bare[2]["stateExitedEventDetails"]


def test_a_machine_is_described_updated_and_deleted(sfn, role):
    name = f"machine-{next(_numbers)}"
    made = sfn.create_state_machine(name=name, definition=json.dumps(PASS), roleArn=role)
    arn = made["stateMachineArn"]
    assert arn == f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}"
    shown = sfn.describe_state_machine(stateMachineArn=arn)
    assert shown["type"] == "STANDARD" and shown["status"] == "ACTIVE"
    assert shown["loggingConfiguration"] == {"level": "OFF", "includeExecutionData": False}
    assert "revisionId" not in shown
    again = sfn.create_state_machine(name=name, definition=json.dumps(PASS), roleArn=role)
    assert again == made | {"ResponseMetadata": again["ResponseMetadata"]}
    with pytest.raises(sfn.exceptions.StateMachineAlreadyExists) as refused:
        sfn.create_state_machine(name=name, definition=json.dumps(one({"Type": "Succeed"}) | {"States": {"S": {"Type": "Succeed"}}}),
                                 roleArn=role)
    assert refused.value.response["Error"]["Message"] == f"State Machine Already Exists: '{arn}'"
    with pytest.raises(ClientError) as refused:
        sfn.update_state_machine(stateMachineArn=arn)
    assert refused.value.response["Error"]["Code"] == "MissingRequiredParameter"
    changed = sfn.update_state_machine(stateMachineArn=arn, definition=json.dumps(one({"Type": "Pass"})))
    assert sfn.describe_state_machine(stateMachineArn=arn)["revisionId"] == changed["revisionId"]
    assert name in [m["name"] for m in sfn.list_state_machines(maxResults=1000)["stateMachines"]]
    sfn.tag_resource(resourceArn=arn, tags=[{"key": "k", "value": "v"}])
    assert sfn.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "k", "value": "v"}]
    sfn.untag_resource(resourceArn=arn, tagKeys=["k"])
    assert sfn.list_tags_for_resource(resourceArn=arn)["tags"] == []
    sfn.delete_state_machine(stateMachineArn=arn)
    with pytest.raises(sfn.exceptions.StateMachineDoesNotExist) as refused:
        sfn.describe_state_machine(stateMachineArn=arn)
    assert refused.value.response["Error"]["Message"] == f"State Machine Does Not Exist: '{arn}'"


@pytest.mark.parametrize("definition, message", [
    ("{}", "SCHEMA_VALIDATION_FAILED: These fields are required: [States, StartAt] at /"),
    (json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}),
     "MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /States/A/Next"),
    (json.dumps(one({"Type": "Task", "Resource": "arn:aws:states:::nothing:here"})),
     "SCHEMA_VALIDATION_FAILED: The resource provided arn:aws:states:::nothing:here is not recognized. The value is not a "
     "valid resource ARN, or the resource is not available in this region. at /States/S/Resource"),
])
def test_a_wrong_definition_is_refused(sfn, role, definition, message):
    with pytest.raises(sfn.exceptions.InvalidDefinition) as refused:
        sfn.create_state_machine(name=f"machine-{next(_numbers)}", definition=definition, roleArn=role)
    assert refused.value.response["Error"]["Message"] == f"Invalid State Machine Definition: '{message}'"


def test_a_definition_is_validated(sfn):
    assert sfn.validate_state_machine_definition(definition=json.dumps(PASS))["result"] == "OK"
    answer = sfn.validate_state_machine_definition(definition="not a definition")
    assert answer["result"] == "FAIL"
    assert answer["diagnostics"] == [{
        "severity": "ERROR", "code": "INVALID_JSON_DESCRIPTION",
        "location": '[Source: (String)"not a definition"; line: 1, column: 4]',
        "message": "Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or "
                   "'false')\n at [Source: (String)\"not a definition\"; line: 1, column: 4]"}]


def test_what_is_a_mistake_most_likely_is_warned_of(sfn):
    definition = json.dumps({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Result": "$.x", "Next": "B"}, "B": {"Type": "Pass", "Parameters": {"a": "$.a"}, "Next": "C"},
        "C": {"Type": "Fail", "Error": "$.error"}}})
    assert sfn.validate_state_machine_definition(definition=definition)["diagnostics"] == []
    answer = sfn.validate_state_machine_definition(definition=definition, severity="WARNING")
    assert answer["result"] == "OK" and answer["truncated"] is False
    assert [(d["severity"], d["code"], d["location"]) for d in answer["diagnostics"]] == [
        ("WARNING", "PASS_RESULT_IS_STATIC", "/States/A/Result"), ("WARNING", "NO_DOLLAR", "/States/B/Parameters/a"),
        ("WARNING", "NO_PATH", "/States/C/Error")]
    fewer = sfn.validate_state_machine_definition(definition=definition, severity="WARNING", maxResults=2)
    assert fewer["truncated"] is True and fewer["diagnostics"] == answer["diagnostics"][:2]


def test_names_arns_and_inputs_are_checked(sfn, machine, role):
    arn = machine(PASS)
    with pytest.raises(sfn.exceptions.InvalidName) as refused:
        sfn.create_state_machine(name="a b", definition=json.dumps(PASS), roleArn=role)
    assert refused.value.response["Error"]["Message"] == "Invalid Name: 'a b'"
    for name in ("a\u0085", "\u009f", "a\uffff", "a/b", "a\tb"):
        with pytest.raises(sfn.exceptions.InvalidName):
            sfn.create_state_machine(name=name, definition=json.dumps(PASS), roleArn=role)
    for letters in ("\u00a0", "é" * 80):  # allowed, and counted by characters
        named = sfn.create_activity(name=letters)["activityArn"]
        assert named.endswith(":activity:" + letters)
        sfn.delete_activity(activityArn=named)
    with pytest.raises(sfn.exceptions.InvalidArn):
        sfn.create_state_machine(name="a", definition=json.dumps(PASS), roleArn="arn:aws:iam::1234:role/r")
    with pytest.raises(sfn.exceptions.InvalidEncryptionConfiguration):
        sfn.create_activity(name="a", encryptionConfiguration={"type": "CUSTOMER_MANAGED_KMS_KEY"})
    with pytest.raises(sfn.exceptions.InvalidArn) as refused:
        sfn.describe_execution(executionArn="nonsense")
    assert refused.value.response["Error"]["Message"] == "Invalid Arn: 'Invalid ARN prefix: nonsense'"
    with pytest.raises(sfn.exceptions.InvalidExecutionInput) as refused:
        sfn.start_execution(stateMachineArn=arn, input="not json")
    assert refused.value.response["Error"]["Message"] == (
        "Invalid State Machine Execution Input: 'Unrecognized token 'not': was expecting (JSON String, Number, Array, Object "
        "or token 'null', 'true' or 'false')'")


def test_a_token_goes_on_with_its_own_listing(sfn, machine):
    arn = machine(PASS)
    for _ in range(3):
        finish(sfn, sfn.start_execution(stateMachineArn=arn)["executionArn"])
    first = sfn.list_executions(stateMachineArn=arn, maxResults=2)
    rest = sfn.list_executions(stateMachineArn=arn, maxResults=2, nextToken=first["nextToken"])
    assert len(first["executions"]) == 2 and len(rest["executions"]) == 1
    with pytest.raises(sfn.exceptions.InvalidToken):
        sfn.list_executions(stateMachineArn=arn, maxResults=2, nextToken=first["nextToken"], statusFilter="ABORTED")


def test_a_name_is_one_execution(sfn, machine):
    arn = machine(one({"Type": "Wait", "Seconds": 100}))
    first = sfn.start_execution(stateMachineArn=arn, name="same", input="{}")
    assert sfn.start_execution(stateMachineArn=arn, name="same", input="{}")["startDate"] == first["startDate"]
    with pytest.raises(sfn.exceptions.ExecutionAlreadyExists):
        sfn.start_execution(stateMachineArn=arn, name="same", input="[]")
    sfn.stop_execution(executionArn=first["executionArn"], error="E", cause="C")
    done = sfn.describe_execution(executionArn=first["executionArn"])
    assert (done["status"], done["error"], done["cause"]) == ("ABORTED", "E", "C")
    listed = sfn.list_executions(stateMachineArn=arn, statusFilter="ABORTED")["executions"]
    assert [e["name"] for e in listed] == ["same"]


def test_an_express_execution_is_waited_for(sfn, machine):
    arn = machine(one({"Type": "Pass", "Parameters": {"y.$": "States.MathAdd($.x, 1)"}}), type="EXPRESS")
    done = sfn.start_sync_execution(stateMachineArn=arn, input='{"x": 1}')
    assert done["status"] == "SUCCEEDED" and json.loads(done["output"]) == {"y": 2}
    standard = machine(PASS)
    with pytest.raises(sfn.exceptions.StateMachineTypeNotSupported):
        sfn.start_sync_execution(stateMachineArn=standard)
    with pytest.raises(sfn.exceptions.StateMachineTypeNotSupported):
        sfn.list_executions(stateMachineArn=arn)
    assert ":express:" in sfn.start_execution(stateMachineArn=arn)["executionArn"]


def test_versions_and_aliases(sfn, machine):
    arn = machine(PASS)
    first = sfn.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"]
    assert first == arn + ":1"
    assert sfn.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"] == first
    second = sfn.update_state_machine(stateMachineArn=arn, definition=json.dumps(one({"Type": "Pass", "Result": "two"})),
                                      publish=True)["stateMachineVersionArn"]
    assert second == arn + ":2"
    assert [v["stateMachineVersionArn"] for v in
            sfn.list_state_machine_versions(stateMachineArn=arn)["stateMachineVersions"]] == [second, first]
    alias = sfn.create_state_machine_alias(name="live", routingConfiguration=[
        {"stateMachineVersionArn": first, "weight": 100}])["stateMachineAliasArn"]
    done = run(sfn, alias)
    assert json.loads(done["output"]) == {"a": 1}
    assert done["stateMachineAliasArn"] == alias and done["stateMachineVersionArn"] == first
    with pytest.raises(ClientError) as refused:
        sfn.update_state_machine_alias(stateMachineAliasArn=alias, routingConfiguration=[
            {"stateMachineVersionArn": first, "weight": 70}, {"stateMachineVersionArn": second, "weight": 29}])
    assert refused.value.response["Error"]["Message"] == (
        "Sum of routing configuration weights must equal 100. Received: [70, 29]")
    sfn.update_state_machine_alias(stateMachineAliasArn=alias, routingConfiguration=[
        {"stateMachineVersionArn": second, "weight": 100}])
    assert json.loads(run(sfn, alias)["output"]) == "two"
    with pytest.raises(ClientError) as refused:
        sfn.delete_state_machine_version(stateMachineVersionArn=second)
    assert refused.value.response["Error"]["Code"] == "ConflictException"
    sfn.delete_state_machine_alias(stateMachineAliasArn=alias)
    sfn.delete_state_machine_version(stateMachineVersionArn=second)


def test_activities(sfn, machine):
    activity = sfn.create_activity(name=f"activity-{next(_numbers)}")["activityArn"]
    arn = machine(one({"Type": "Task", "Resource": activity, "TimeoutSeconds": 30}))
    started = sfn.start_execution(stateMachineArn=arn, input='{"work": 1}')["executionArn"]
    task = sfn.get_activity_task(activityArn=activity, workerName="w")
    assert json.loads(task["input"]) == {"work": 1}
    sfn.send_task_heartbeat(taskToken=task["taskToken"])
    sfn.send_task_success(taskToken=task["taskToken"], output='"ok"')
    assert finish(sfn, started)["output"] == '"ok"'
    with pytest.raises(sfn.exceptions.TaskTimedOut):
        sfn.send_task_success(taskToken=task["taskToken"], output='"late"')
    with pytest.raises(sfn.exceptions.InvalidToken):
        sfn.send_task_success(taskToken="AAAA", output='""')
    sfn.delete_activity(activityArn=activity)


def test_one_state_is_tested(sfn, role):
    answer = sfn.test_state(definition=json.dumps({"Type": "Pass", "InputPath": "$.in", "Parameters": {"v.$": "$.a"},
                                                   "ResultPath": "$.out", "Next": "Other"}),
                            roleArn=role, input='{"in": {"a": 1}}', inspectionLevel="DEBUG")
    assert answer["status"] == "SUCCEEDED" and answer["nextState"] == "Other"
    assert json.loads(answer["output"]) == {"in": {"a": 1}, "out": {"v": 1}}
    seen = {k: json.loads(v) for k, v in answer["inspectionData"].items()}
    assert seen == {"input": {"in": {"a": 1}}, "afterInputPath": {"a": 1}, "afterParameters": {"v": 1},
                    "afterResultSelector": {"v": 1}, "afterResultPath": {"in": {"a": 1}, "out": {"v": 1}}}
    failed = sfn.test_state(definition=json.dumps({"Type": "Fail", "Error": "E", "Cause": "C"}), roleArn=role)
    assert (failed["status"], failed["error"], failed["cause"]) == ("FAILED", "E", "C")
    caught = sfn.test_state(definition=json.dumps({
        "Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:getObject", "Next": "N",
        "Catch": [{"ErrorEquals": ["S3.NoSuchKeyException"], "Next": "Handler"}]}),
        roleArn=role, mock={"errorOutput": {"error": "S3.NoSuchKeyException", "cause": "gone"}})
    assert (caught["status"], caught["nextState"]) == ("CAUGHT_ERROR", "Handler")


PROCESSOR = one({"Type": "Pass"})


def test_a_map_and_a_parallel_are_tested_with_mocks(sfn):
    state = {"Type": "Map", "ItemsPath": "$.items", "ItemSelector": {"v.$": "$$.Map.Item.Value", "of.$": "$.of"}, "MaxConcurrency": 3,
             "ItemProcessor": PROCESSOR, "ResultSelector": {"n.$": "States.ArrayLength($)"}, "ResultPath": "$.out", "Next": "N",
             "Retry": [{"ErrorEquals": ["Other"]}, {"ErrorEquals": ["Busy"], "IntervalSeconds": 2, "MaxAttempts": 2}],
             "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Handler"}]}
    ask = {"definition": json.dumps(state), "input": '{"items": ["a", "b"], "of": 1}', "inspectionLevel": "DEBUG"}
    answer = sfn.test_state(**ask, mock={"result": "[1, 2]"})
    assert (answer["status"], answer["nextState"]) == ("SUCCEEDED", "N")
    assert json.loads(answer["output"]) == {"items": ["a", "b"], "of": 1, "out": {"n": 2}}
    seen = answer["inspectionData"]
    assert json.loads(seen["afterItemsPath"]) == ["a", "b"] and seen["maxConcurrency"] == 3
    assert json.loads(seen["afterItemSelector"]) == [{"v": "a", "of": 1}, {"v": "b", "of": 1}]
    again = sfn.test_state(**ask, mock={"errorOutput": {"error": "Busy", "cause": "c"}}, stateConfiguration={"retrierRetryCount": 1})
    assert (again["status"], again["error"], again["cause"]) == ("RETRIABLE", "Busy", "c")
    assert again["inspectionData"]["errorDetails"] == {"retryIndex": 1, "retryBackoffIntervalSeconds": 4}
    caught = sfn.test_state(**ask, mock={"errorOutput": {"error": "Busy"}}, stateConfiguration={"retrierRetryCount": 2})
    assert (caught["status"], caught["nextState"], caught["inspectionData"]["errorDetails"]) == (
        "CAUGHT_ERROR", "Handler", {"catchIndex": 0})
    parallel = json.dumps({"Type": "Parallel", "Branches": [PROCESSOR, {"StartAt": "T", "States": {"T": {"Type": "Succeed"}}}], "End": True})
    assert json.loads(sfn.test_state(definition=parallel, mock={"result": "[1, {}]"})["output"]) == [1, {}]
    for wrong in ({"definition": parallel}, {"definition": parallel, "mock": {"result": "[1]"}}, {"definition": parallel, "context": "{}"},
                  {"definition": parallel, "mock": {"result": "{}"}}, {"definition": json.dumps({"Type": "Succeed"}), "mock": {"result": "1"}}):
        with pytest.raises(ClientError) as refused:
            sfn.test_state(**wrong)
        assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_a_task_that_goes_on_elsewhere_is_tested_with_a_mock_and_a_context(sfn):
    definition = json.dumps({"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "End": True,
                             "Parameters": {"QueueUrl": "u", "MessageBody": {"t.$": "$$.Task.Token", "n.$": "$$.Execution.Name"}}})
    answer = sfn.test_state(definition=definition, mock={"result": '{"ok": true}'}, inspectionLevel="DEBUG",
                            context=json.dumps({"Execution": {"Name": "mine"}, "Task": {"Token": "tok"}}))
    assert json.loads(answer["output"]) == {"ok": True}
    assert json.loads(answer["inspectionData"]["afterParameters"])["MessageBody"] == {"t": "tok", "n": "mine"}
    with pytest.raises(ClientError):
        sfn.test_state(definition=definition, roleArn="arn:aws:iam::000000000000:role/r")
    tolerant = json.dumps({"Type": "Map", "End": True, "ToleratedFailurePercentage": 50, "ItemProcessor": {
        **PROCESSOR, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}})
    ask = {"definition": tolerant, "input": "[1, 2]", "mock": {"result": "[1]"}}
    assert sfn.test_state(**ask, stateConfiguration={"mapIterationFailureCount": 1})["status"] == "SUCCEEDED"
    failed = sfn.test_state(**ask, stateConfiguration={"mapIterationFailureCount": 2})
    assert (failed["status"], failed["error"]) == ("FAILED", "States.ExceedToleratedFailureThreshold")


def test_jsonata(sfn, machine):
    arn = machine({"QueryLanguage": "JSONata", "StartAt": "A", "States": {
        "A": {"Type": "Pass", "Assign": {"n": "{% $count($states.input.items) %}"},
              "Output": {"sum": "{% $sum($states.input.items.(price * qty)) %}"}, "Next": "B"},
        "B": {"Type": "Pass", "Output": "{% $string($n) & ' for ' & $string($states.input.sum) %}", "End": True}}})
    done = run(sfn, arn, {"items": [{"price": 2, "qty": 3}, {"price": 1, "qty": 1}]})
    assert done["output"] == '"2 for 7"'
    failed = run(sfn, arn, {"items": [{"price": "x", "qty": 1}]})
    assert failed["status"] == "FAILED" and failed["error"] == "States.QueryEvaluationError"
    assert "specified for the field 'Output/sum' threw an error during evaluation. T2001" in failed["cause"]

"""The image workflow as its document describes it: bucket, rule, state machine, two Python functions, table, topic, mail.
The document prints excerpts of its functions; these here do what it says, in words of their own."""

import json
import urllib.request

import pytest

from apps_tools import wait_until

BUCKET, TABLE, TOPIC, MACHINE = "04-image-processing-bucket", "DynamoDBTable-ImageMetaData", "ImageProcessingResults", "images"
PROCESS, NOTIFY = "Lambda-ProcessImage", "Lambda-SendNotification"

PROCESS_CODE = '''
import json
from datetime import datetime
from urllib.parse import unquote

import boto3


def lambda_handler(event, context):
    print(f"Event: {event}")
    if "detail" not in event:
        return {"statusCode": 400, "body": "there is no detail"}
    bucket = event["detail"]["bucket"]["name"]
    key = unquote(event["detail"]["object"]["key"])
    found = boto3.client("rekognition").detect_faces(
        Image={"S3Object": {"Bucket": bucket, "Name": key}}, Attributes=["ALL"])["FaceDetails"]
    item = {"ImageID": {"S": key}, "FaceDetected": {"BOOL": bool(found)}, "Timestamp": {"S": datetime.utcnow().isoformat()}}
    if found:
        item["FaceDetails"] = {"S": json.dumps(found)}
    boto3.client("dynamodb", region_name="us-east-1").put_item(TableName="DynamoDBTable-ImageMetaData", Item=item)
    print("Metadata stored in DynamoDB.")
    return {"statusCode": 200, "body": {"s3_key": key, "face_detected": bool(found)}}
'''

NOTIFY_CODE = '''
import os

import boto3


def lambda_handler(event, context):
    body = event.get("body", {})
    image, detected = body.get("s3_key", "Unknown Image"), body.get("face_detected", False)
    message = f"Face detected in image: {image}" if detected else f"No face detected in image: {image}"
    print(f"Message to send: {message}")
    boto3.client("sns", region_name="us-east-1").publish(
        TopicArn=os.environ["TOPIC"], Message=message, Subject="Image Processing Result")
    return {"statusCode": 200, "body": message}
'''


@pytest.fixture(scope="module")
def machine(account):
    """The application, ready to be used; its ARN."""
    account.s3.create_bucket(Bucket=BUCKET)
    account.s3.put_bucket_notification_configuration(
        Bucket=BUCKET, NotificationConfiguration={"EventBridgeConfiguration": {}})
    account.table(TABLE, "ImageID")
    topic = account.sns.create_topic(Name=TOPIC)["TopicArn"]
    account.sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ann@example.com")
    confirm(account, topic)

    process = account.function(PROCESS, PROCESS_CODE, account.role("process", [
        {"Effect": "Allow", "Action": ["s3:GetObject", "rekognition:DetectFaces"], "Resource": "*"},
        {"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": f"arn:aws:dynamodb:*:*:table/{TABLE}"}]))
    notify = account.function(NOTIFY, NOTIFY_CODE, account.role("notify", [
        {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic}]), Environment={"Variables": {"TOPIC": topic}})
    states = account.role("states", [{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": [process, notify]}],
                          service="states.amazonaws.com")
    arn = account.stepfunctions.create_state_machine(name=MACHINE, roleArn=states, definition=json.dumps({
        "StartAt": "State-LambdaInvoke-ProcessImage",
        "States": {
            "State-LambdaInvoke-ProcessImage": {
                "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "OutputPath": "$.Payload",
                "Parameters": {"Payload.$": "$", "FunctionName": f"{process}:$LATEST"},
                "Next": "State-LambdaInvoke-SendNotification"},
            "State-LambdaInvoke-SendNotification": {
                "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "OutputPath": "$.Payload",
                "Parameters": {"Payload.$": "$", "FunctionName": f"{notify}:$LATEST"}, "End": True}}}))["stateMachineArn"]
    account.iam.put_role_policy(RoleName="states", PolicyName="qualified", PolicyDocument=json.dumps({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": [process + ":*", notify + ":*"]}]}))
    events = account.role("events", [{"Effect": "Allow", "Action": "states:StartExecution", "Resource": arn}],
                          service="events.amazonaws.com")
    account.events.put_rule(Name="uploads", EventPattern=json.dumps({
        "source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {"bucket": {"name": [BUCKET]}}}))
    account.events.put_targets(Rule="uploads", Targets=[{"Id": "machine", "Arn": arn, "RoleArn": events}])
    return arn


def outbox(account):
    """The mails that would have been sent."""
    status, text = account.server.get("/_likeness/outbox")
    assert status == 200, text
    return json.loads(text)["messages"]


def confirm(account, topic):
    """As the reader of the mail does: follows its link."""
    [mail] = wait_until(lambda: [mail for mail in outbox(account) if mail["to"] == "ann@example.com"])
    urllib.request.urlopen(mail["links"][0]["url"], timeout=30).read()
    subscription = account.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"][0]["SubscriptionArn"]
    assert subscription.startswith(topic + ":"), "the link confirms it"


def execution_for(account, machine, key):
    """The finished execution that the upload of `key` started."""
    def look():
        for status in ("SUCCEEDED", "FAILED"):
            for one in account.stepfunctions.list_executions(stateMachineArn=machine, statusFilter=status)["executions"]:
                found = account.stepfunctions.describe_execution(executionArn=one["executionArn"])
                if json.loads(found["input"])["detail"]["object"]["key"] == key:
                    return found
        return None
    return wait_until(look)


def test_a_photo_with_a_face_is_stored_and_told(account, machine, portraits):
    account.upload(BUCKET, portraits / "sample3-3.jpg")
    execution = execution_for(account, machine, "sample3-3.jpg")
    assert execution["status"] == "SUCCEEDED"
    row = account.row(TABLE, ImageID="sample3-3.jpg")
    assert row["FaceDetected"] is True
    assert json.loads(row["FaceDetails"])[0]["Smile"]["Value"] is False
    [mail] = wait_until(lambda: [one for one in outbox(account) if "Face detected in image: sample3-3.jpg" in one["body"]])
    assert (mail["to"], mail["subject"]) == ("ann@example.com", "Image Processing Result")

    history = account.stepfunctions.get_execution_history(executionArn=execution["executionArn"])["events"]
    assert [event["type"] for event in history] == [
        "ExecutionStarted",
        "TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSucceeded", "TaskStateExited",
        "TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSucceeded", "TaskStateExited",
        "ExecutionSucceeded"]
    event = json.loads(execution["input"])
    assert (event["source"], event["detail-type"], event["detail"]["reason"]) == ("aws.s3", "Object Created", "PutObject")
    lines = wait_until(lambda: any("Message to send" in line for line in account.log_lines(NOTIFY)) and account.log_lines(NOTIFY))
    assert any("Message to send: Face detected in image: sample3-3.jpg" in line for line in lines)


def test_a_photo_without_a_face_is_told_as_that(account, machine, no_face):
    account.upload(BUCKET, no_face)
    assert execution_for(account, machine, "nobody.png")["status"] == "SUCCEEDED"
    assert account.row(TABLE, ImageID="nobody.png")["FaceDetected"] is False
    wait_until(lambda: [one for one in outbox(account) if "No face detected in image: nobody.png" in one["body"]])


def test_a_corrupt_photo_fails_the_execution_with_the_functions_error(account, machine):
    account.s3.put_object(Bucket=BUCKET, Key="broken.jpg", Body=b"\xff\xd8 this is no photo")
    execution = execution_for(account, machine, "broken.jpg")
    assert (execution["status"], execution["error"]) == ("FAILED", "InvalidImageFormatException")
    history = account.stepfunctions.get_execution_history(executionArn=execution["executionArn"])["events"]
    assert [event["type"] for event in history][-2:] == ["TaskFailed", "ExecutionFailed"]
    assert account.row(TABLE, ImageID="broken.jpg") == {}


def test_a_machine_that_may_not_invoke_says_so(account, machine, portraits):
    """The document's own trouble: the machine's role lacks the permission."""
    for policy in ("inline", "qualified"):
        account.iam.delete_role_policy(RoleName="states", PolicyName=policy)
    account.upload(BUCKET, portraits / "sample3-3.jpg", prefix="denied-")
    execution = execution_for(account, machine, "denied-sample3-3.jpg")
    assert execution["status"] == "FAILED"
    assert "is not authorized to perform: lambda:InvokeFunction" in execution["cause"]

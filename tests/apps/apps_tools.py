"""What the tests of the applications share: deploying functions, waiting, and the documents that describe the applications."""

import io
import json
import pathlib
import re
import time
import zipfile

import pytest

SEEDS = pathlib.Path(__file__).resolve().parents[2].parent / "shared/seeds"
TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}


def document(number):
    """The text that describes the application; tests that run its own code are skipped where it is absent."""
    found = sorted(SEEDS.glob(f"{number:03}_*.txt"))
    if not found:
        pytest.skip(f"the document of application {number} is not here ({SEEDS})")
    return found[0].read_text()


def code_blocks(text, language):
    """What stands between ```LANGUAGE and ```."""
    return re.findall(rf"```{language}\n(.*?)\n```", text, re.DOTALL)


def package(files):
    """A function's zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def wait_until(what, seconds=60, every=.05):
    """The first true value of what(); fails after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := what():
            return value
        time.sleep(every)
    pytest.fail(f"nothing came of it in {seconds} s")


class Account:
    """Clients of one server, and what applications are put together from."""

    def __init__(self, server):
        self.server = server
        for name in ("s3", "iam", "lambda", "dynamodb", "rekognition", "logs", "events", "stepfunctions", "sns", "sqs"):
            setattr(self, name + ("_" if name == "lambda" else ""), server.client(name))

    def role(self, name, statements, service="lambda.amazonaws.com"):
        trust = json.loads(json.dumps(TRUST).replace("lambda.amazonaws.com", service))
        arn = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        if statements:
            self.iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=json.dumps(
                {"Version": "2012-10-17", "Statement": statements}))
        return arn

    def function(self, name, code, role, handler="lambda_function.lambda_handler", runtime="python3.12", **options):
        self.lambda_.create_function(FunctionName=name, Runtime=runtime, Role=role, Handler=handler, Timeout=30,
                                     Code={"ZipFile": package({"lambda_function.py": code})}, **options)
        self.lambda_.get_waiter("function_active_v2").wait(FunctionName=name)
        return self.lambda_.get_function_configuration(FunctionName=name)["FunctionArn"]

    def table(self, name, key):
        self.dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST",
                                   AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                                   KeySchema=[{"AttributeName": key, "KeyType": "HASH"}])
        self.dynamodb.get_waiter("table_exists").wait(TableName=name)

    def notify(self, bucket, function, arn):
        """Events of the bucket invoke the function, as its trigger in the console does."""
        self.lambda_.add_permission(FunctionName=function, StatementId="bucket", Action="lambda:InvokeFunction",
                                    Principal="s3.amazonaws.com", SourceArn=f"arn:aws:s3:::{bucket}")
        self.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={
            "LambdaFunctionConfigurations": [{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}]})

    def row(self, table, **key):
        found = self.dynamodb.get_item(TableName=table, Key={name: {"S": value} for name, value in key.items()},
                                       ConsistentRead=True)
        return {name: value.get("S", value.get("BOOL", value.get("N"))) for name, value in found.get("Item", {}).items()}

    def log_lines(self, function):
        """Everything that the function has logged so far, in the order of time."""
        try:
            pages = self.logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{function}")
            return [event["message"] for page in pages for event in page["events"]]
        except self.logs.exceptions.ResourceNotFoundException:
            return []

    def upload(self, bucket, *files, prefix=""):
        for file in files:
            file = pathlib.Path(file)
            self.s3.put_object(Bucket=bucket, Key=prefix + file.name, Body=file.read_bytes())

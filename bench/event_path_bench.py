#!/usr/bin/env python3
"""From an upload to a row in a table: what the event path adds to the function's own time, and how many photos it carries.

A Python function (boto3) that puts a row, and the native photo check, each started by a bucket's notification. Beside them
the floor: the same handler called in a loop by a plain Python process, and the photo check's own two calls made one after
the other, against the same server. Prints Markdown tables.

    bench/event_path_bench.py [--uploads 200] [--likeness build/bench/likeness]

"overhead": from the moment that the upload was acknowledged to the first line of the handler, both by the machine's clock.
It may be negative: the event is on its way before the client has read the answer.
"""

import argparse
import concurrent.futures
import io
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile

import boto3
from botocore.config import Config

from http_bench import ROOT, Likeness

HANDLER = """
import time
started = time.time
import boto3
table = boto3.client("dynamodb")

def handler(event, context):
    begin = started()
    for record in event["Records"]:
        table.put_item(TableName="Rows", Item={"FileName": {"S": record["s3"]["object"]["key"]}, "Begin": {"N": repr(begin)}})
"""
LOOP = HANDLER + """
import json, sys
times = []
for number in range(int(sys.argv[1])):
    event = {"Records": [{"s3": {"object": {"key": f"loop-{number}"}}}]}
    begin = time.perf_counter()
    handler(event, None)
    times.append(time.perf_counter() - begin)
print(json.dumps(times))
"""


class Account:
    def __init__(self, server):
        self.options = {"endpoint_url": f"http://127.0.0.1:{server.port}", "region_name": "us-east-1",
                        "aws_access_key_id": server.credentials.access_key,
                        "aws_secret_access_key": server.credentials.secret_key}

    def client(self, name):
        return boto3.client(name, config=Config(max_pool_connections=64), **self.options)


def zipped(code):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("lambda_function.py", code)
    return out.getvalue()


def set_up_python(account):
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    iam, functions, s3 = account.client("iam"), account.client("lambda"), account.client("s3")
    role = iam.create_role(RoleName="rows", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="rows", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": "*"}]}))
    account.client("dynamodb").create_table(
        TableName="Rows", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "FileName", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "FileName", "AttributeType": "S"}])
    s3.create_bucket(Bucket="rows")
    arn = functions.create_function(FunctionName="rows", Runtime="python3.11", Role=role, Timeout=30, MemorySize=256,
                                    Handler="lambda_function.handler", Code={"ZipFile": zipped(HANDLER)})["FunctionArn"]
    functions.get_waiter("function_active_v2").wait(FunctionName="rows")
    functions.add_permission(FunctionName="rows", StatementId="s3", Action="lambda:InvokeFunction",
                             Principal="s3.amazonaws.com", SourceArn="arn:aws:s3:::rows")
    s3.put_bucket_notification_configuration(Bucket="rows", NotificationConfiguration={
        "LambdaFunctionConfigurations": [{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}]})


def wait_for_row(client, table, key, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        item = client.get_item(TableName=table, Key={"FileName": {"S": key}}, ConsistentRead=True).get("Item")
        if item:
            return item
    sys.exit(f"no row for {key} in {seconds} s")


def count_rows(client, table):
    pages = client.get_paginator("scan").paginate(TableName=table, Select="COUNT")
    return sum(page["Count"] for page in pages)


def one_by_one(account, bucket, table, body, count):
    """Milliseconds from the upload's beginning to the row, and from its acknowledgement to the handler where that is told."""
    s3, rows = account.client("s3"), account.client("dynamodb")
    totals, overheads = [], []
    for number in range(count):
        key = f"one-{number:04}"
        begin = time.perf_counter()
        s3.put_object(Bucket=bucket, Key=key, Body=body)
        acknowledged = time.time()
        item = wait_for_row(rows, table, key)
        totals.append((time.perf_counter() - begin) * 1000)
        if "Begin" in item:
            overheads.append((float(item["Begin"]["N"]) - acknowledged) * 1000)
    return totals, overheads


def all_at_once(account, bucket, table, body, count, clients=16):
    s3, rows = account.client("s3"), account.client("dynamodb")
    before = count_rows(rows, table)
    begin = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        list(pool.map(lambda number: s3.put_object(Bucket=bucket, Key=f"many-{number:05}", Body=body), range(count)))
    uploaded = time.perf_counter() - begin
    while count_rows(rows, table) < before + count:
        time.sleep(.02)
        if time.perf_counter() - begin > 600:
            sys.exit("not every upload became a row")
    return count / uploaded, count / (time.perf_counter() - begin)


def quantiles(values):
    values = sorted(values)
    return f"{statistics.median(values):.2f} | {values[int(len(values) * .99)]:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--uploads", type=int, default=200)
    parser.add_argument("--likeness", type=pathlib.Path, default=ROOT / "build/bench/likeness")
    parser.add_argument("--photo", type=pathlib.Path, required=False)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Likeness(options.likeness, folder)
        try:
            account = Account(server)
            set_up_python(account)
            one_by_one(account, "rows", "Rows", b"x" * 1000, 10)  # warm
            totals, overheads = one_by_one(account, "rows", "Rows", b"x" * 1000, options.uploads)
            environment = {"AWS_ENDPOINT_URL": account.options["endpoint_url"], "AWS_DEFAULT_REGION": "us-east-1",
                           "AWS_ACCESS_KEY_ID": server.credentials.access_key,
                           "AWS_SECRET_ACCESS_KEY": server.credentials.secret_key, "PATH": "/usr/bin:/bin"}
            loop = subprocess.run([sys.executable, "-c", LOOP, str(options.uploads)], env=environment, check=True,
                                  capture_output=True, text=True).stdout
            floor = [seconds * 1000 for seconds in json.loads(loop)]
            uploads, became_rows = all_at_once(account, "rows", "Rows", b"x" * 1000, 5 * options.uploads)
            print("| 1 KB object, Python function that puts a row | ms, median | p99 |\n|---|---|---|")
            print(f"| upload to row, whole | {quantiles(totals)} |")
            print(f"| overhead: upload acknowledged to handler | {quantiles(overheads)} |")
            print(f"| floor: the same handler in a loop | {quantiles(floor)} |")
            print(f"\n16 clients: {uploads:.0f} uploads/s, {became_rows:.0f} rows/s; the handler alone in a loop "
                  f"{1000 / statistics.mean(floor):.0f}/s")

            if options.photo:
                photo = options.photo.read_bytes()
                subprocess.run([options.likeness, "deploy", ROOT / "apps/photo_check/deploy.json", "--data",
                                folder], check=True, stdout=subprocess.DEVNULL)
                few = max(10, options.uploads // 4)
                one_by_one(account, "photo-check", "ValidationRequests", photo, 5)
                totals, _ = one_by_one(account, "photo-check", "ValidationRequests", photo, few)
                rekognition, rows = account.client("rekognition"), account.client("dynamodb")
                floor = []
                for _ in range(few):
                    begin = time.perf_counter()
                    rekognition.detect_faces(Image={"S3Object": {"Bucket": "photo-check", "Name": "one-0000"}}, Attributes=["ALL"])
                    rows.put_item(TableName="Rows", Item={"FileName": {"S": "floor"}})
                    floor.append((time.perf_counter() - begin) * 1000)
                print("\n| photo, native photo check | ms, median | p99 |\n|---|---|---|")
                print(f"| upload to row, whole | {quantiles(totals)} |")
                print(f"| floor: DetectFaces and PutItem by the client | {quantiles(floor)} |")
        finally:
            server.stop()


if __name__ == "__main__":
    main()

"""The server is killed again and again while photos flow through an application. Afterwards every upload that was
acknowledged has the outcome that AWS promises: its function ran at least once, its row is there, its execution ended."""

import json
import os
import pathlib
import random
import socket
import subprocess
import threading
import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from likeness_server import BINARY, Server

from apps_tools import Account, wait_until

APPS = pathlib.Path(__file__).resolve().parents[2] / "apps"
LONG = bool(os.environ.get("LIKENESS_LONG"))
UPLOADS = 1000 if LONG else 24
KILLS = 20 if LONG else 3


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class KilledServer:
    """A server on one port and data folder that is killed and started again."""

    def __init__(self, folder):
        self.folder, self.listen = folder, f"127.0.0.1:{free_port()}"
        self.server = None
        self.start()

    def start(self):
        self.server = Server(self.folder, data=self.folder / "data", listen=self.listen,
                             set=("function_retry_wait=500ms", "policies=enforce"))

    def kill(self):
        self.server.kill()
        self.start()


@pytest.fixture
def killed(tmp_path):
    running = KilledServer(tmp_path)
    yield running
    running.server.kill()


def upload_all(account, bucket, body, keys):
    """Every key is put again until it was acknowledged."""
    for key in keys:
        while True:
            try:
                account.s3.put_object(Bucket=bucket, Key=key, Body=body)
                break
            except (BotoCoreError, ClientError):
                time.sleep(.1)


def flow(killed, bucket, photo, seed):
    """Uploads from four threads while the server is killed at random moments; the keys."""
    keys = [f"photo-{number:04}.jpg" for number in range(UPLOADS)]
    account, body = Account(killed.server), photo.read_bytes()
    threads = [threading.Thread(target=upload_all, args=(account, bucket, body, keys[part::4])) for part in range(4)]
    for thread in threads:
        thread.start()
    moments = random.Random(seed)
    for _ in range(KILLS):
        time.sleep(moments.uniform(.2, 3 if LONG else 1.5))
        killed.kill()
    for thread in threads:
        thread.join()
    return keys


def rows(account, table, key):
    pages = account.dynamodb.get_paginator("scan").paginate(TableName=table, ProjectionExpression="#k",
                                                             ExpressionAttributeNames={"#k": key})
    return {item[key]["S"] for page in pages for item in page["Items"]}


def deploy(killed, application):
    subprocess.run([BINARY, "deploy", APPS / application / "deploy.json", "--data", killed.server.data], check=True,
                   stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("seed", [1])
def test_every_photo_is_checked(killed, portraits, seed):
    deploy(killed, "photo_check")
    keys = flow(killed, "photo-check", portraits / "sample3-3.jpg", seed)
    account = Account(killed.server)
    wait_until(lambda: rows(account, "ValidationRequests", "FileName") >= set(keys), seconds=1200 if LONG else 120, every=.5)


@pytest.mark.parametrize("seed", [2])
def test_every_workflow_ends(killed, portraits, seed):
    deploy(killed, "image_workflow")
    keys = flow(killed, "image-workflow", portraits / "sample3-3.jpg", seed)
    account = Account(killed.server)
    wait_until(lambda: rows(account, "ImageMetadata", "ImageID") >= set(keys), seconds=1200 if LONG else 120, every=.5)
    machine = account.stepfunctions.list_state_machines()["stateMachines"][0]["stateMachineArn"]

    def executions(status):
        pages = account.stepfunctions.get_paginator("list_executions").paginate(stateMachineArn=machine, statusFilter=status)
        return [one["executionArn"] for page in pages for one in page["executions"]]

    wait_until(lambda: not executions("RUNNING"), seconds=600 if LONG else 60, every=.5)
    done = executions("SUCCEEDED")
    told = {json.loads(account.stepfunctions.describe_execution(executionArn=arn)["input"])["detail"]["object"]["key"]
            for arn in done}
    assert told >= set(keys)
    assert executions("FAILED") == []

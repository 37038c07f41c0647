"""kill -9 while functions have events to do: each event that was accepted is run at least once, and those that fail are
tried three times with one request id."""

import json
import os
import random
import time

import lambda_tools
from botocore.exceptions import BotoCoreError, ClientError
from test_lambda_functions import TABLE_WRITER

ROUNDS = int(os.environ.get("LIKENESS_KILLS", "20" if os.environ.get("LIKENESS_LONG") else "3"))
SETTINGS = ("function_retry_wait=200ms",)


def test_events_survive_kill_9(start_server):
    seed = int(os.environ.get("LIKENESS_SEED", "0")) or random.randrange(1 << 30)
    print("LIKENESS_SEED", seed)
    rng = random.Random(seed)
    running = start_server(set=SETTINGS)
    data = running.data
    running.client("dynamodb").create_table(
        TableName="rows", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST")
    lambda_tools.create(running, "writer", TABLE_WRITER)
    accepted, failing = [], []
    for round_number in range(ROUNDS):
        client = running.client("lambda")
        end = time.monotonic() + rng.uniform(0.3, 1.5)
        number = 0
        while time.monotonic() < end:
            key = f"{round_number}-{number}"
            number += 1
            fails = number % 10 == 0
            client.invoke(FunctionName="writer", InvocationType="Event", Payload=json.dumps({"id": key, "fail": fails}))
            (failing if fails else accepted).append(key)
        running.kill()
        running = start_server(data=data, set=SETTINGS)
    assert len(accepted) > 10 * ROUNDS
    table = running.client("dynamodb")

    def runs():
        found = {}
        for page in table.get_paginator("scan").paginate(TableName="rows", ConsistentRead=True):
            for item in page["Items"]:
                found[item["id"]["S"]] = int(item["runs"]["N"])
        return found

    def all_done():
        found = runs()
        return all(found.get(key, 0) >= 1 for key in accepted) and all(found.get(key, 0) >= 3 for key in failing)

    lambda_tools.wait_for(all_done, seconds=90, what="every accepted event")

#!/usr/bin/env python3
"""PutItem, GetItem, Query and TransactWriteItems beside DynamoDB Local, at 1, 16 and 64 connections.

Ours checks every signature and answers a write when it is on the disk; DynamoDB Local runs in memory and checks none.
Requests are signed and laid out beforehand and sent by bench/http_load, one thread for all connections. Prints one Markdown table.

    bench/dynamodb_bench.py [--seconds 10] [--likeness build/bench/likeness] [--skip-peer] [--only PutItem,GetItem]
"""

import argparse
import json
import os
import pathlib
import random
import sys
import tempfile

from botocore.credentials import Credentials

import prepared

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/differential")]
CONNECTIONS = (1, 16, 64)
PARTITIONS, IN_PARTITION = 1000, 20
REQUESTS = 20_000


def item(partition, number):
    """About 400 bytes, as an application's record of a photo might be."""
    return {"pk": {"S": f"user#{partition:06}"}, "sk": {"N": str(number)}, "status": {"S": "ACCEPTED"},
            "bucket": {"S": "photos-of-people"}, "key": {"S": f"incoming/2026/11/{partition:06}/{number:04}.jpg"},
            "faces": {"L": [{"M": {"confidence": {"N": "99.87"}, "left": {"N": "0.31"}, "top": {"N": "0.17"}}}]},
            "labels": {"SS": ["Face", "Person", "Portrait"]}, "checked": {"BOOL": True}, "size": {"N": str(20_000 + number)},
            "note": {"S": "x" * 100}}


def key(partition, number):
    return {"pk": {"S": f"user#{partition:06}"}, "sk": {"N": str(number)}}


def one_of(chosen):
    return chosen.randrange(PARTITIONS), chosen.randrange(IN_PARTITION)


def put(chosen):
    return {"TableName": "bench", "Item": item(*one_of(chosen))}


def get(chosen):
    return {"TableName": "bench", "Key": key(*one_of(chosen)), "ConsistentRead": True}


def query(chosen):
    return {"TableName": "bench", "KeyConditionExpression": "pk = :pk AND sk >= :from", "Limit": 10,
            "ExpressionAttributeValues": {":pk": {"S": f"user#{chosen.randrange(PARTITIONS):06}"}, ":from": {"N": "5"}}}


def transact(chosen):
    first, second, third, fourth = (key(chosen.randrange(PARTITIONS), n) for n in (1, 2, 3, 4))
    return {"TransactItems": [
        {"Put": {"TableName": "bench", "Item": item(int(first["pk"]["S"][5:]), 1)}},
        {"Put": {"TableName": "bench", "Item": item(int(second["pk"]["S"][5:]), 2)}},
        {"Update": {"TableName": "bench", "Key": third, "UpdateExpression": "ADD hits :one",
                    "ExpressionAttributeValues": {":one": {"N": "1"}}}},
        {"ConditionCheck": {"TableName": "bench", "Key": fourth, "ConditionExpression": "attribute_exists(pk)"}}]}


PLANS = {"PutItem": put, "GetItem": get, "Query": query, "TransactWriteItems": transact}


def request(endpoint, operation, body):
    return prepared.signed_post(endpoint.port, endpoint.credentials, "dynamodb", "/", {
        "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810." + operation},
        json.dumps(body, separators=(",", ":")).encode())


def fill(endpoint):
    endpoint.send("DeleteTable", {"TableName": "bench"})
    made = endpoint.send("CreateTable", {
        "TableName": "bench", "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "N"}]})
    if made.error:
        sys.exit(f"CreateTable: {made.error}")
    everything = [item(p, n) for p in range(PARTITIONS) for n in range(IN_PARTITION)]
    for start in range(0, len(everything), 25):
        batch = [{"PutRequest": {"Item": one}} for one in everything[start:start + 25]]
        answer = endpoint.send("BatchWriteItem", {"RequestItems": {"bench": batch}})
        if answer.error:
            sys.exit(f"BatchWriteItem: {answer.error}")


def measure(arguments, endpoint, folder):
    """{(operation, connections): {rate, p50_ms, p99_ms}}"""
    found = {}
    fill(endpoint)
    for operation in arguments.only:
        chosen = random.Random(operation)
        requests = folder / f"{operation}.requests"
        prepared.write(requests, (request(endpoint, operation, PLANS[operation](chosen)) for _ in range(REQUESTS)))
        for connections in CONNECTIONS:
            result = prepared.send(arguments.load, endpoint.port, connections, arguments.seconds, requests,
                                   warm_up=arguments.seconds / 5)
            if result["errors"]:
                print(f"{operation}: {result['errors']} of {result['count']} answers are errors: {result['first_error']}",
                      file=sys.stderr)
            found[operation, connections] = result
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--likeness", type=pathlib.Path, default=ROOT / "build/bench/likeness")
    parser.add_argument("--load", type=pathlib.Path, default=ROOT / "build/bench/bench/http_load")
    parser.add_argument("--skip-peer", action="store_true")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(PLANS))
    arguments = parser.parse_args()
    os.environ["LIKENESS_BIN"] = str(arguments.likeness)

    from dynamodb_local import DynamoDbLocal
    from likeness_server import Server
    from wire import Endpoint

    def endpoint_of(*where):
        endpoint = Endpoint(*where)
        endpoint.credentials = Credentials(*(where[1:] or ("local", "local")))
        return endpoint

    peer = {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        server = Server(folder)
        ours = measure(arguments, endpoint_of(server.port, *server.credentials), folder)
        server.stop()
        if not arguments.skip_peer:
            local = DynamoDbLocal(folder / "local.log")
            peer = measure(arguments, endpoint_of(local.port), folder)
            local.stop()

    print("| operation | connections | requests/s | p50 ms | p99 ms | DynamoDB Local: requests/s | p50 ms | p99 ms | times its rate |")
    print("|---|---|---|---|---|---|---|---|---|")
    for (operation, connections), one in ours.items():
        row = f"| {operation} | {connections} | {one['rate']:.0f} | {one['p50_ms']:.2f} | {one['p99_ms']:.2f} |"
        if other := peer.get((operation, connections)):
            row += (f" {other['rate']:.0f} | {other['p50_ms']:.2f} | {other['p99_ms']:.2f} "
                    f"| {one['rate'] / other['rate']:.1f} |")
        print(row)


if __name__ == "__main__":
    main()

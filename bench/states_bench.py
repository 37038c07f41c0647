#!/usr/bin/env python3
"""State transitions a second: chains of Pass and Choice states, standard and express, here and on the peers.

    bench/states_bench.py [--states 100] [--executions 100] [--peer NAME=URL ...] [--moto]

Starts `likeness serve` (LIKENESS_BIN) in a temporary folder. `--moto` starts moto's server of this Python, `--peer` names
one that runs (LocalStack: --peer localstack=http://127.0.0.1:4566). A transition is a state that was entered and left.
"""

import argparse
import concurrent.futures
import json
import pathlib
import sys
import tempfile
import time

import boto3
from botocore.config import Config

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))
from likeness_server import Server  # noqa: E402

TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                            "Principal": {"Service": "states.amazonaws.com"}}]})


def chain(length):
    states = {}
    for i in range(length):
        last = i + 1 == length
        if i % 2 == 0:
            states[f"S{i}"] = {"Type": "Pass", "Result": i, "ResultPath": "$.n"} | ({"End": True} if last else {"Next": f"S{i + 1}"})
        else:
            states[f"S{i}"] = {"Type": "Choice", "Default": "S0" if last else f"S{i + 1}",
                               "Choices": [{"Variable": "$.n", "NumericLessThan": 0, "Next": "S0"}]}
    if length % 2 == 0:  # a Choice can not be the last one
        states[f"S{length - 1}"] = {"Type": "Pass", "End": True}
    return json.dumps({"StartAt": "S0", "States": states})


def measure(name, make, length, count, threads=8):
    sfn = make("stepfunctions")
    role = make("iam").create_role(RoleName="bench", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    machines = {kind: sfn.create_state_machine(name=kind.lower(), type=kind, definition=chain(length), roleArn=role)["stateMachineArn"]
                for kind in ("STANDARD", "EXPRESS")}

    def standard(i):
        return sfn.start_execution(stateMachineArn=machines["STANDARD"], name=f"e{i}", input="{}")["executionArn"]

    def express(i):
        answer = sfn.start_sync_execution(stateMachineArn=machines["EXPRESS"], input="{}")
        assert answer["status"] == "SUCCEEDED", answer

    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        begin = time.monotonic()
        arns = list(pool.map(standard, range(count)))
        for arn in arns:
            while (status := sfn.describe_execution(executionArn=arn)["status"]) == "RUNNING":
                time.sleep(0.002)
            assert status == "SUCCEEDED", status
        seconds = time.monotonic() - begin
        print(f"{name:12} standard {count * length / seconds:10.0f} transitions/s  ({count} executions of {length} states in {seconds:.2f} s)", flush=True)
        try:
            begin = time.monotonic()
            list(pool.map(express, range(count)))
            seconds = time.monotonic() - begin
            print(f"{name:12} express  {count * length / seconds:10.0f} transitions/s", flush=True)
        except Exception as error:
            print(f"{name:12} express  not there: {str(error)[:120]}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", type=int, default=100)
    parser.add_argument("--executions", type=int, default=100)
    parser.add_argument("--peer", action="append", default=[])
    parser.add_argument("--moto", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder)
        config = Config(max_pool_connections=32, retries={"total_max_attempts": 1}, read_timeout=300, inject_host_prefix=False)
        try:
            measure("likeness", lambda service: server.client(service, config=config), arguments.states, arguments.executions)
        finally:
            server.stop()

    def client_of(url):
        return lambda service: boto3.client(service, endpoint_url=url, region_name="us-east-1", aws_access_key_id="x",
                                            aws_secret_access_key="x", config=config)

    if arguments.moto:
        from moto.server import ThreadedMotoServer

        moto = ThreadedMotoServer(port=0)
        moto.start()
        url = "http://%s:%s" % moto.get_host_and_port()
        import urllib.request

        urllib.request.urlopen(urllib.request.Request(url + "/moto-api/config", method="POST",
                                                      data=json.dumps({"stepfunctions": {"execute_state_machine": True}}).encode(),
                                                      headers={"Content-Type": "application/json"}))
        measure("moto", client_of(url), arguments.states, arguments.executions)
        moto.stop()
    for peer in arguments.peer:
        name, url = peer.split("=", 1)
        measure(name, client_of(url), arguments.states, arguments.executions)


if __name__ == "__main__":
    main()

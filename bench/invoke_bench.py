#!/usr/bin/env python3
"""Lambda invokes a second over HTTP, signed: a handler that returns its event, in Python and in Node, with 1, 8 and 32
clients (bench/http_load, one request prepared for all). Prints a Markdown table; with --moto what moto says to the same call.

    bench/invoke_bench.py [--seconds 4] [--likeness build/bench/likeness] [--moto]
"""

import argparse
import io
import json
import pathlib
import sys
import tempfile
import zipfile

import boto3
from botocore.config import Config

import prepared
from http_bench import ROOT, Likeness

CLIENTS = (1, 8, 32)
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
FUNCTIONS = {
    "python3.11": ("app.py", "def handler(event, context):\n    return event\n"),
    "nodejs22.x": ("app.mjs", "export const handler = async (event) => event;\n"),
}


def zipped(name, text):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, text)
    return out.getvalue()


def make(client_of, runtime):
    """The function's name."""
    name = runtime.replace(".", "-")
    role = client_of("iam").create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    functions = client_of("lambda")
    functions.create_function(FunctionName=name, Runtime=runtime, Role=role, Handler="app.handler", Timeout=30,
                              Code={"ZipFile": zipped(*FUNCTIONS[runtime])})
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    answer = json.load(functions.invoke(FunctionName=name, Payload=b'{"n": 1}')["Payload"])
    assert answer == {"n": 1}, answer
    return name


def request(server, function):
    return prepared.signed_post(server.port, server.credentials, "lambda", f"/2015-03-31/functions/{function}/invocations",
                                {"Content-Type": "application/json"}, b'{"n": 1}')


def clients(**options):
    config = Config(retries={"total_max_attempts": 1}, inject_host_prefix=False)
    return lambda service: boto3.client(service, region_name="us-east-1", config=config, **options)


def measure_moto():
    from moto.server import ThreadedMotoServer

    moto = ThreadedMotoServer(port=0)
    moto.start()
    url = "http://%s:%s" % moto.get_host_and_port()
    try:
        make(clients(endpoint_url=url, aws_access_key_id="x", aws_secret_access_key="x"), "python3.11")
        print("moto runs functions here: measure it too")
    except Exception as error:  # it needs Docker
        print(f"\nmoto cannot run the function here: {str(error)[:200]}")
    moto.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--likeness", type=pathlib.Path, default=ROOT / "build/bench/likeness")
    parser.add_argument("--load", type=pathlib.Path, default=ROOT / "build/bench/bench/http_load")
    parser.add_argument("--moto", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Likeness(options.likeness, folder)
        client_of = clients(endpoint_url=server.endpoint, aws_access_key_id=server.credentials.access_key,
                            aws_secret_access_key=server.credentials.secret_key)
        print("| runtime | clients | invokes/s | p50 ms | p99 ms |\n|---|---|---|---|---|")
        try:
            for runtime in FUNCTIONS:
                requests = pathlib.Path(folder) / "requests"
                prepared.write(requests, [request(server, make(client_of, runtime))])
                for count in CLIENTS:
                    result = prepared.send(options.load, server.port, count, options.seconds, requests,
                                           warm_up=options.seconds / 2)
                    if result["errors"]:
                        sys.exit(f"{result['errors']} of {result['count']} answers are errors: {result['first_error']}")
                    print(f"| {runtime} | {count} | {result['rate']:.0f} | {result['p50_ms']:.2f} "
                          f"| {result['p99_ms']:.2f} |", flush=True)
        finally:
            server.stop()
    if options.moto:
        measure_moto()


if __name__ == "__main__":
    main()

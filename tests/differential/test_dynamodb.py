"""Part of the long test: 20,000 random operations without an unknown difference to DynamoDB Local."""

import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from dynamodb_local import DynamoDbLocal, Missing  # noqa: E402
from likeness_server import Server  # noqa: E402
from run import Run  # noqa: E402
from wire import Endpoint  # noqa: E402

OPERATIONS = 20_000
SEEDS = (11, 12, 13, 14)


@pytest.mark.skipif(not os.environ.get("LIKENESS_LONG"), reason="a long test: LIKENESS_LONG=1 runs it")
def test_twenty_thousand_operations_get_the_answers_of_dynamodb_local(tmp_path):
    try:
        peer = DynamoDbLocal(tmp_path / "local.log")
    except Missing as reason:
        pytest.skip(str(reason))
    server = Server(tmp_path)
    try:
        for seed in SEEDS:
            run = Run(Endpoint(peer.port), Endpoint(server.port, *server.credentials), seed)
            for _ in range(OPERATIONS // len(SEEDS)):
                run.step()
            run.finish()
            assert not run.unimplemented
            assert not run.differences
    finally:
        server.stop()
        peer.stop()

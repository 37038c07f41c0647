import hashlib
import itertools

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import s3_tools


@pytest.fixture(scope="session")
def rekognition(server):
    return server.client()


@pytest.fixture(scope="session")
def unchecked(server):
    """A client that sends what it is given, also what the SDK would refuse itself."""
    return server.client(config=Config(parameter_validation=False, retries={"total_max_attempts": 1}))


@pytest.fixture(scope="session")
def s3(server):
    return server.client("s3")


@pytest.fixture
def bucket(s3, request):
    """An empty bucket of the test's own."""
    name = "b" + hashlib.md5(request.node.nodeid.encode()).hexdigest()
    s3.create_bucket(Bucket=name)
    yield name
    s3_tools.remove_bucket(s3, name)


_numbers = itertools.count(1)


@pytest.fixture
def collection(rekognition):
    """An empty collection of the test's own."""
    name = f"test-{next(_numbers)}"
    rekognition.create_collection(CollectionId=name)
    yield name
    try:
        rekognition.delete_collection(CollectionId=name)
    except rekognition.exceptions.ResourceNotFoundException:
        pass


class Refusal:
    """What a refused call answered."""

    code = message = status = None


@pytest.fixture
def refused():
    """`with refused("SomeException", "text") as answer:` expects the call inside to be refused so; the text may be left
    out. Afterwards `answer` has code, message and HTTP status."""

    class Expectation:
        def __init__(self, code, message=None, status=400):
            self.code, self.message, self.status, self.answer = code, message, status, Refusal()

        def __enter__(self):
            return self.answer

        def __exit__(self, kind, error, trace):
            assert isinstance(error, ClientError), f"expected {self.code}, but " + (repr(error) if error else "it worked")
            answer = error.response["Error"]
            self.answer.code, self.answer.message = answer["Code"], answer["Message"]
            self.answer.status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            assert self.answer.code == self.code, self.answer.message
            assert self.answer.status == self.status
            if self.message is not None:
                assert self.answer.message == self.message
            return True

    return Expectation

"""`server` is one for the whole session, `start_server` starts further ones; `sdk` is how SDKs that are programs come to one."""

import itertools
import os

import pytest
from likeness_server import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("server"))
    yield running
    running.stop()


@pytest.fixture
def start_server(tmp_path):
    """start_server(set=[...], data=...) -> Server; what still runs at the end of the test is killed."""
    running, numbers = [], itertools.count()

    def start(**options):
        folder = tmp_path / f"server-{next(numbers)}"
        folder.mkdir()
        running.append(Server(folder, **options))
        return running[-1]

    yield start
    for one in running:
        if one.process.poll() is None:
            one.kill()


@pytest.fixture(scope="session")
def both_server(tmp_path_factory):
    """A server that takes HTTP and HTTPS."""
    running = Server(tmp_path_factory.mktemp("both"), args=("--tls-listen", "127.0.0.1:0", "--tls-self-signed"))
    yield running
    running.stop()


class Sdk:
    """A scheme of a server, and the environment that a user of it would have."""

    def __init__(self, server, scheme):
        self.server, self.scheme = server, scheme
        key, secret = server.credentials
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self.environment |= {"AWS_ENDPOINT_URL": server.tls_endpoint if scheme == "https" else server.endpoint,
                             "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_REGION": "us-east-1",
                             "AWS_DEFAULT_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1"}
        if scheme == "https":
            for name in ("AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"):
                self.environment[name] = str(server.certificate)


@pytest.fixture(params=["http", "https"])
def sdk(both_server, request):
    return Sdk(both_server, request.param)

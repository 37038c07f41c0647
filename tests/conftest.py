"""`server` is one for the whole session, `start_server` starts further ones."""

import itertools

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

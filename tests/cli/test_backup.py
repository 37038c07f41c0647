"""`likeness backup` and `likeness restore`: while the server runs, while none does, and what is refused."""

import subprocess

import pytest

from likeness_server import BINARY, Server


def run(*arguments):
    done = subprocess.run([str(BINARY), *map(str, arguments)], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def server(tmp_path):
    (tmp_path / "one").mkdir()
    running = Server(tmp_path / "one")
    yield running
    if running.process.poll() is None:
        running.kill()


def collections(server):
    return set(server.client().list_collections()["CollectionIds"])


def test_a_backup_of_a_running_server_restores_to_what_was_there(server, tmp_path):
    server.client().create_collection(CollectionId="before")
    code, out, err = run("backup", tmp_path / "backup", "--data", server.data)
    assert (code, err) == (0, "") and "files" in out
    server.client().create_collection(CollectionId="after")
    server.kill()

    code, out, err = run("restore", tmp_path / "backup", "--data", tmp_path / "restored")
    assert (code, err) == (0, "") and "all checked" in out
    (tmp_path / "two").mkdir()
    second = Server(tmp_path / "two", data=tmp_path / "restored")
    try:
        assert second.credentials == server.credentials
        assert collections(second) == {"before"}
    finally:
        second.kill()


def test_without_a_server_the_command_makes_the_backup_itself(server, tmp_path):
    server.client().create_collection(CollectionId="kept")
    assert server.stop() == 0
    assert not (server.data / "control.sock").exists()
    assert run("backup", tmp_path / "backup", "--data", server.data)[0] == 0
    assert run("restore", tmp_path / "backup", "--data", tmp_path / "restored")[0] == 0
    again = Server(tmp_path / "one", data=tmp_path / "restored")
    try:
        assert collections(again) == {"kept"}
    finally:
        again.kill()


def test_after_kill_9_the_socket_that_is_left_does_not_matter(server, tmp_path):
    server.client().create_collection(CollectionId="kept")
    server.kill()
    assert (server.data / "control.sock").exists()
    assert run("backup", tmp_path / "backup", "--data", server.data)[0] == 0
    again = Server(tmp_path / "one", data=server.data)
    try:
        assert collections(again) == {"kept"}
        assert run("backup", tmp_path / "another", "--data", server.data)[0] == 0
    finally:
        again.kill()


def test_what_is_there_is_not_written_over(server, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("x")
    code, _, err = run("backup", tmp_path / "mine", "--data", server.data)
    assert code == 2 and "not an empty folder" in err
    assert run("backup", tmp_path / "backup", "--data", server.data)[0] == 0
    code, _, err = run("restore", tmp_path / "backup", "--data", tmp_path / "mine")
    assert code == 2 and "not an empty folder" in err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["file"]


def test_what_is_no_backup_or_no_data_folder_is_refused(tmp_path):
    (tmp_path / "nothing").mkdir()
    code, _, err = run("restore", tmp_path / "nothing", "--data", tmp_path / "data")
    assert code == 2 and "not a whole backup" in err
    code, _, err = run("backup", tmp_path / "backup", "--data", tmp_path / "nothing")
    assert code == 2 and "not a data folder" in err
    assert not (tmp_path / "data").exists() and not (tmp_path / "backup").exists()


def test_others_may_not_reach_the_socket(server):
    assert (server.data / "control.sock").stat().st_mode & 0o777 == 0o600
    assert server.data.stat().st_mode & 0o777 == 0o700

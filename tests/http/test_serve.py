"""`likeness serve` as a process: what it prints, how it starts and how it ends."""

import json
import signal
import subprocess
import time

import pytest
from likeness_server import BINARY


def refused(*args, **options):
    """Runs `likeness serve` that must not start; its stderr."""
    done = subprocess.run([BINARY, "serve", *args], capture_output=True, text=True, timeout=30, **options)
    assert done.returncode == 2 and done.stdout == ""
    return done.stderr


def test_stdout_is_exactly_one_ready_line(start_server):
    server = start_server()
    assert server.get("/_likeness/health")[0] == 200
    assert server.stop() == 0
    assert server.stdout == [f"ready {server.endpoint}\n"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_status_0(start_server, how):
    server = start_server()
    server.process.send_signal(how)
    assert server.process.wait(10) == 0


def test_health_names_status_and_version(server):
    status, text = server.get("/_likeness/health")
    health = json.loads(text)
    assert status == 200 and health["status"] in ("ok", "starting")
    assert health["version"] == subprocess.run([BINARY, "--version"], capture_output=True, text=True).stdout.split()[1]


def test_metrics_count_requests(server):
    server.get("/_likeness/health")
    status, text = server.get("/_likeness/metrics")
    assert status == 200
    count = [line for line in text.splitlines() if line.startswith("likeness_requests_total{") and 'status="200"' in line]
    assert count and float(count[0].split()[-1]) >= 1


def test_the_front_page_says_where_to_go(server):
    status, text = server.get("/")
    assert status == 200 and f"AWS_ENDPOINT_URL={server.endpoint}" in text


def test_two_servers_cannot_share_a_data_folder(start_server):
    server = start_server()
    assert f"in use by process {server.process.pid}" in refused("--data", server.data, "--listen", "127.0.0.1:0")


def test_a_port_in_use_is_named(start_server, tmp_path):
    server = start_server()
    message = refused("--data", tmp_path / "other", "--listen", f"127.0.0.1:{server.port}")
    assert f"Port {server.port} of 127.0.0.1 is in use" in message


def test_bad_settings_stop_the_start_with_a_sentence(tmp_path):
    settings = tmp_path / "likeness.yaml"
    settings.write_text("region: us-east-1\nmax_face: 3\n")
    data = ["--data", tmp_path / "data", "--listen", "127.0.0.1:0"]
    assert f"{settings}:2: there is no setting 'max_face'; did you mean 'max_faces'?" in refused(*data, "--config", settings)
    assert "'0' is not a value of io_threads" in refused(*data, "--set", "io_threads=0")
    assert not (tmp_path / "data").exists()


def test_a_data_folder_of_a_newer_version_is_left_alone(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "FORMAT").write_text("likeness data, format 999\n")
    assert "newer" in refused("--data", data, "--listen", "127.0.0.1:0")
    assert (data / "FORMAT").read_text() == "likeness data, format 999\n"


def test_the_access_log_has_one_json_line_for_each_request(start_server, tmp_path):
    log = tmp_path / "access.json"
    server = start_server(set=[f"access_log={log}", "access_log_format=json"])
    server.get("/_likeness/health")
    server.get("/_likeness/nowhere")
    end = time.monotonic() + 30
    while log.read_text().count("\n") < 2 and time.monotonic() < end:
        time.sleep(0.02)  # a line is written after the client has its answer
    log.rename(tmp_path / "old.json")
    server.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + 30
    while not log.exists() and time.monotonic() < end:
        time.sleep(0.02)
    server.get("/")
    assert server.stop() == 0
    lines = [json.loads(line) for line in (tmp_path / "old.json").read_text().splitlines()]
    assert [(line["path"], line["status"]) for line in lines[:2]] == [("/_likeness/health", 200), ("/_likeness/nowhere", 404)]
    assert log.read_text().endswith("\n")

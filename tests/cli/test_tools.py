"""doctor, models, completion, version."""

import json
import shutil
import socket
import subprocess

import pytest

from cli.conftest import CACHE


def test_version_and_help(likeness):
    assert likeness("--version").out.startswith("likeness 0.")
    text = likeness("--help").out
    for command in ("check", "detect", "compare", "index", "search", "people", "collections", "doctor", "serve"):
        assert command in text
    assert "Exit codes" in likeness("check", "--help").out


def test_a_machine_in_order_has_no_problem(likeness):
    done = likeness("doctor", "--json", "--listen", "127.0.0.1:0")
    assert done.code == 0, done.out
    subjects = {check["Check"] for check in done.json["Checks"]}
    assert {"processor", "AMX", "inference", "models", "data folder", "disk", "memory", "open files", "fonts"} <= subjects
    assert done.json["Problems"] == 0
    assert likeness("doctor", "--quick", "--listen", "127.0.0.1:0").code == 0


def test_doctor_names_what_is_wrong_and_what_to_do(likeness, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        data = tmp_path / "open"
        data.mkdir()
        (data / "credentials").write_text("secret")
        data.chmod(0o755)
        (data / "credentials").chmod(0o644)
        done = likeness("doctor", "--quick", "--listen", address, "--data", data)
    assert done.code == 1
    assert "taken by another program" in done.out
    assert f"chmod 700 {data}" in done.out and f"chmod 600 {data}/credentials" in done.out


def test_doctor_finds_missing_and_damaged_models(likeness, tmp_path):
    models = tmp_path / "models"
    shutil.copytree(CACHE / "models", models)
    names = sorted(models.iterdir())
    names[0].unlink()
    names[-1].write_bytes(b"x" * names[-1].stat().st_size)
    done = likeness("doctor", "--json", "--listen", "127.0.0.1:0", env={"LIKENESS_MODELS": str(models)})
    assert done.code == 1
    assert any(check["State"] == "problem" and "setup.sh" in check["Advice"] for check in done.json["Checks"])
    listed = likeness("models", "--verify", "--json", env={"LIKENESS_MODELS": str(models)})
    assert listed.code == 1
    assert {"missing", "damaged", "verified"} >= {model["State"] for model in listed.json["Models"]}
    assert "verified" in {model["State"] for model in listed.json["Models"]}


def test_models_carry_their_licence(likeness):
    done = likeness("models", "--json")
    assert done.code == 0
    assert all(model["Licence"] and model["Sha256"] for model in done.json["Models"])
    assert "face_detector" in likeness("models").out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_valid(likeness, shell, tmp_path):
    done = likeness("completion", shell)
    assert done.code == 0 and "--rules" in done.out.replace("-l rules", "--rules")
    if shutil.which(shell):
        script = tmp_path / "script"
        script.write_text(done.out)
        assert subprocess.run([shell, "-n", str(script)]).returncode == 0


def complete(script, *words):
    """What bash would offer after these words."""
    line = " ".join(words)
    program = (f'source {script}; COMP_WORDS=({" ".join(repr(word) for word in words)}); '
               f'COMP_CWORD={len(words) - 1}; COMP_LINE="{line}"; _likeness; printf "%s\\n" "${{COMPREPLY[@]}}"')
    return subprocess.run(["bash", "-c", program], capture_output=True, text=True).stdout.split()


def test_bash_completes_commands_options_values_and_files(likeness, tmp_path):
    script = tmp_path / "script"
    script.write_text(likeness("completion", "bash").out)
    assert {"call", "check", "compare", "collections", "config", "completion"} == set(complete(script, "likeness", "c"))
    assert "--rules" in complete(script, "likeness", "check", "--r")
    assert set(complete(script, "likeness", "check", "--rules", "")) == {"passport", "strict"}
    assert set(complete(script, "likeness", "people", "")) >= {"list", "create", "show", "delete"}
    (tmp_path / "photo.jpg").write_text("x")
    assert f"{tmp_path}/photo.jpg" in complete(script, "likeness", "check", f"{tmp_path}/ph")

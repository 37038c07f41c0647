"""The applications as native functions, set up by `likeness deploy` from their descriptions."""

import json
import pathlib
import subprocess

import pytest
from likeness_server import BINARY

from apps_tools import wait_until

APPS = pathlib.Path(__file__).resolve().parents[2] / "apps"


def deploy(account, application, *settings):
    command = [BINARY, "deploy", APPS / application / "deploy.json", "--data", account.server.data]
    for setting in settings:
        command += ["--set", setting]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def photo_check(account):
    return deploy(account, "photo_check")


@pytest.fixture(scope="module")
def image_workflow(account):
    return deploy(account, "image_workflow", "Email=ben@example.com")


def verdict(account, key):
    return wait_until(lambda: account.row("ValidationRequests", FileName=key))


def test_photos_get_rows_with_reasons(account, photo_check, portraits, no_face, photos):
    expected = {"sample3-3.jpg": [], "sample2-2.jpg": ["EyesOpen"], "sample1-1.jpg": ["Smile", "MouthOpen"]}
    account.upload("photo-check", *(portraits / name for name in expected), no_face, photos / "sample1.jpg")
    account.s3.put_object(Bucket="photo-check", Key="broken & co.jpg", Body=b"no photo")
    for name, reasons in expected.items():
        assert json.loads(verdict(account, name)["FailureReasons"]) == reasons
    assert json.loads(verdict(account, "nobody.png")["FailureReasons"]) == ["NoFace"]
    assert "SeveralFaces" in json.loads(verdict(account, "sample1.jpg")["FailureReasons"])
    assert json.loads(verdict(account, "broken & co.jpg")["FailureReasons"]) == ["UnreadablePhoto"]
    item = account.dynamodb.get_item(TableName="ValidationRequests", Key={"FileName": {"S": "sample2-2.jpg"}})["Item"]
    reason = item["Reasons"]["L"][0]["M"]
    assert reason["Rule"]["S"] == "EyesOpen"
    assert reason["Threshold"]["S"] == "Yes > 90 %"
    assert reason["Measured"]["S"].startswith("No ")


def test_deploying_again_changes_the_settings_only(account, photo_check, portraits):
    again = deploy(account, "photo_check", "Rules=rules:\n  - rule: Smile\n    value: true\n    min_confidence: 90\n")
    assert "CreateFunction" in again and "updated" in again
    account.lambda_.get_waiter("function_updated_v2").wait(FunctionName="photo-check")
    account.upload("photo-check", portraits / "sample1-1.jpg", prefix="smiling-")
    assert verdict(account, "smiling-sample1-1.jpg")["ValidationResult"] == "PASS"
    deploy(account, "photo_check")


def test_the_functions_log_has_awss_lines(account, photo_check, portraits):
    account.upload("photo-check", portraits / "sample1-1.jpg", prefix="logged-")
    verdict(account, "logged-sample1-1.jpg")
    lines = wait_until(lambda: any("logged-sample1-1.jpg: FAIL" in line for line in account.log_lines("photo-check")) and
                       account.log_lines("photo-check"))
    assert any(line.startswith("START RequestId: ") for line in lines)
    assert any("Smile is Yes" in line for line in lines)


def test_the_workflow_stores_and_tells(account, image_workflow, portraits, no_face):
    account.upload("image-workflow", portraits / "sample3-3.jpg", no_face)
    for key, found in (("sample3-3.jpg", True), ("nobody.png", False)):
        assert wait_until(lambda: account.row("ImageMetadata", ImageID=key))["FaceDetected"] is found
    machine = account.stepfunctions.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    done = wait_until(lambda: len(account.stepfunctions.list_executions(
        stateMachineArn=machine, statusFilter="SUCCEEDED")["executions"]) >= 2)
    assert done
    output = json.loads(account.stepfunctions.describe_execution(executionArn=account.stepfunctions.list_executions(
        stateMachineArn=machine)["executions"][0]["executionArn"])["output"])
    assert output["statusCode"] == 200 and output["body"]["message"].endswith(("sample3-3.jpg", "nobody.png"))


def test_a_wrong_description_is_refused_with_the_call_that_is_wrong(account, tmp_path):
    file = tmp_path / "deploy.json"
    file.write_text('{"calls": [{"service": "s3", "operation": "CreateBucket", "input": {"Bucket": "${Nothing}"}}]}')
    wrong = subprocess.run([BINARY, "deploy", file, "--data", account.server.data], capture_output=True, text=True)
    assert wrong.returncode == 2
    assert "Call 1: There is no parameter Nothing." in wrong.stderr


def test_call_asks_the_running_server_as_its_owner(account):
    answer = subprocess.run([BINARY, "call", "s3", "ListBuckets", "--data", account.server.data], check=True,
                            capture_output=True, text=True).stdout
    assert "Buckets" in json.loads(answer)
    wrong = subprocess.run([BINARY, "call", "s3", "GetBucketPolicy", '{"Bucket": "not-here-at-all"}', "--data",
                            account.server.data], capture_output=True, text=True)
    assert (wrong.returncode, wrong.stderr.split(":")[1].strip()) == (2, "NoSuchBucket")

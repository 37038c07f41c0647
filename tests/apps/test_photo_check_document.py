"""The photo check with the Python function exactly as its document has it, deployed as the document tells."""

import json

import pytest

from apps_tools import code_blocks, document, package, wait_until

FUNCTION, TABLE = "PhotoValidationProcessor", "ValidationRequests"
RULES = {"Smile": False, "Sunglasses": False, "EyesOpen": True, "MouthOpen": False}


@pytest.fixture(scope="module")
def code():
    return code_blocks(document(0), "py")[0]


@pytest.fixture(scope="module")
def bucket(account, code):
    """The application, ready to be used."""
    name = code.split('BUCKET_NAME = "')[1].split('"')[0]
    account.s3.create_bucket(Bucket=name)
    account.table(TABLE, "FileName")
    role = account.role("PhotoValidationProcessor-role", [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"},
        {"Effect": "Allow", "Action": "rekognition:DetectFaces", "Resource": "*"},
        {"Effect": "Allow", "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"},
        {"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": f"arn:aws:dynamodb:*:*:table/{TABLE}"}])
    arn = account.function(FUNCTION, code, role)
    account.notify(name, FUNCTION, arn)
    return name


def judged(account, bucket, key):
    """Which attributes fail, by the document's rules over what DetectFaces says."""
    face = account.rekognition.detect_faces(Image={"S3Object": {"Bucket": bucket, "Name": key}},
                                            Attributes=["ALL"])["FaceDetails"][0]
    return [name for name, wanted in RULES.items() if face[name]["Value"] != wanted or face[name]["Confidence"] <= 90]


def test_each_photo_gets_a_row_with_its_verdict(account, bucket, portraits):
    expected = {"sample3-3.jpg": [], "sample2-2.jpg": ["EyesOpen"], "sample1-1.jpg": ["Smile", "MouthOpen"]}
    for name, reasons in expected.items():
        account.upload(bucket, portraits / name)
        row = wait_until(lambda: account.row(TABLE, FileName=name))
        assert json.loads(row["FailureReasons"]) == reasons == judged(account, bucket, name)
        assert row["ValidationResult"] == ("FAIL" if reasons else "PASS")
        assert row["FileLocation"] == f"{bucket}/{name}"
        assert set(json.loads(row["FaceDetails"])) == set(RULES)


def test_the_log_tells_of_the_run(account, bucket, portraits):
    account.upload(bucket, portraits / "sample1-1.jpg", prefix="logged-")
    wait_until(lambda: account.row(TABLE, FileName="logged-sample1-1.jpg"))
    lines = wait_until(lambda: [line for line in account.log_lines(FUNCTION)] if any(
        line.startswith("REPORT") for line in account.log_lines(FUNCTION)) else None)
    for start in ("INIT_START Runtime Version: python:3.", "START RequestId: ", "END RequestId: ", "REPORT RequestId: "):
        assert any(line.startswith(start) for line in lines), start
    assert any("Item added to table successfully!" in line for line in lines)
    assert any(line.startswith("Expected != Actual. FaceAttribute: Smile has a value: True") for line in lines)


def failures(account, key):
    """The log lines of the invocations for a key that end with an error: the document's function names no key itself."""
    return [line for line in account.log_lines(FUNCTION) if "[ERROR]" in line and key in line]


def test_a_photo_without_a_face_fails_in_the_function_three_times(account, bucket, no_face):
    account.upload(bucket, no_face)
    lines = wait_until(lambda: len(failures(account, "IndexError")) >= 3 and failures(account, "IndexError"))
    ids = [line.split("RequestId: ")[1].split()[0] for line in account.log_lines(FUNCTION)
           if line.startswith("START RequestId: ")]
    assert len(lines) == 3
    assert any(ids.count(one) == 3 for one in set(ids)), "an asynchronous event keeps its request id"
    assert account.row(TABLE, FileName="nobody.png") == {}


def test_a_corrupt_photo_is_refused_by_name(account, bucket):
    account.s3.put_object(Bucket=bucket, Key="broken.jpg", Body=b"\xff\xd8 this is no photo")
    wait_until(lambda: failures(account, "InvalidImageFormatException"))
    assert account.row(TABLE, FileName="broken.jpg") == {}


def test_without_the_permission_the_log_says_what_is_missing(account, bucket, portraits):
    policy = account.iam.get_role_policy(RoleName="PhotoValidationProcessor-role", PolicyName="inline")["PolicyDocument"]
    less = dict(policy, Statement=[one for one in policy["Statement"] if one["Action"] != "dynamodb:PutItem"])
    account.iam.put_role_policy(RoleName="PhotoValidationProcessor-role", PolicyName="inline", PolicyDocument=json.dumps(less))
    account.upload(bucket, portraits / "sample3-3.jpg", prefix="denied-")
    line = wait_until(lambda: failures(account, "AccessDeniedException"))[0]
    assert "is not authorized to perform: dynamodb:PutItem" in line
    assert account.row(TABLE, FileName="denied-sample3-3.jpg") == {}
    account.iam.put_role_policy(RoleName="PhotoValidationProcessor-role", PolicyName="inline", PolicyDocument=json.dumps(policy))


def test_a_wrong_table_name_is_told(account, bucket, code, portraits):
    """The document creates ValidationRequest and writes to ValidationRequests."""
    account.iam.put_role_policy(RoleName="PhotoValidationProcessor-role", PolicyName="any-table", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": "*"}]}))
    account.lambda_.update_function_code(FunctionName=FUNCTION, ZipFile=package(
        {"lambda_function.py": code.replace("'ValidationRequests'", "'ValidationRequest'")}))
    account.lambda_.get_waiter("function_updated_v2").wait(FunctionName=FUNCTION)
    account.upload(bucket, portraits / "sample3-3.jpg", prefix="lost-")
    wait_until(lambda: failures(account, "ResourceNotFoundException"))

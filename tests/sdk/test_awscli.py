"""The AWS CLI against the real server: a round trip of each service, as somebody types it."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

AWS = pathlib.Path(sys.executable).parent / "aws"


@pytest.fixture
def aws(sdk, tmp_path):
    """aws("sts", "get-caller-identity") -> what it printed: JSON where it is, else text."""
    assert AWS.exists(), f"{AWS} is missing: scripts/setup.sh --tests installs it"

    def run(*words, ok=True, credentials=None):
        environment = sdk.environment | {"AWS_PAGER": "", "HOME": str(tmp_path)}
        if credentials:
            names = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"
            environment |= dict(zip(names, credentials, strict=True))
        done = subprocess.run([AWS, *map(str, words)], env=environment, capture_output=True, text=True, timeout=120)
        if not ok:
            assert done.returncode != 0, done.stdout
            return done.stderr
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout

    return run


HTTP = pytest.mark.parametrize("sdk", ["http"], indirect=True)


@HTTP
def test_identities(aws, tmp_path):
    trust = tmp_path / "trust.json"
    trust.write_text(json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))
    made = aws("iam", "create-role", "--role-name", "cli-role", "--assume-role-policy-document", f"file://{trust}")["Role"]
    arn = "arn:aws:iam::aws:policy/AmazonRekognitionReadOnlyAccess"
    aws("iam", "attach-role-policy", "--role-name", "cli-role", "--policy-arn", arn)
    listed = aws("iam", "list-attached-role-policies", "--role-name", "cli-role")["AttachedPolicies"]
    assert [policy["PolicyArn"] for policy in listed] == [arn]
    assert aws("iam", "get-role", "--role-name", "cli-role")["Role"]["RoleId"] == made["RoleId"]
    assert "NoSuchEntity" in aws("iam", "get-role", "--role-name", "nobody", ok=False)
    aws("iam", "detach-role-policy", "--role-name", "cli-role", "--policy-arn", arn)
    aws("iam", "delete-role", "--role-name", "cli-role")


@HTTP
def test_temporary_credentials(aws):
    assert aws("sts", "get-caller-identity")["Arn"].endswith(":root")
    issued = aws("sts", "get-session-token", "--duration-seconds", "900")["Credentials"]
    session = (issued["AccessKeyId"], issued["SecretAccessKey"], issued["SessionToken"])
    assert aws("sts", "get-caller-identity", credentials=session)["Arn"].endswith(":root")
    wrong = (issued["AccessKeyId"], issued["SecretAccessKey"], "AAAA")
    assert "InvalidClientTokenId" in aws("sts", "get-caller-identity", credentials=wrong, ok=False)


@HTTP
def test_collections(aws):
    aws("rekognition", "create-collection", "--collection-id", "cli", "--tags", "team=blue")
    assert "cli" in aws("rekognition", "list-collections")["CollectionIds"]
    assert "ResourceAlreadyExistsException" in aws("rekognition", "create-collection", "--collection-id", "cli", ok=False)
    aws("rekognition", "delete-collection", "--collection-id", "cli")


def test_files_to_a_bucket_and_back(aws, tmp_path):
    folder = tmp_path / "up"
    (folder / "deep").mkdir(parents=True)
    (folder / "a b.txt").write_text("a photo\n")
    (folder / "deep" / "large.bin").write_bytes(os.urandom(9_000_000))  # above the CLI's limit for parts
    aws("s3", "mb", "s3://cli-bucket")
    aws("s3", "cp", "--recursive", "--quiet", folder, "s3://cli-bucket/photos")
    listing = aws("s3", "ls", "--recursive", "s3://cli-bucket")
    assert "photos/a b.txt" in listing and "9000000 photos/deep/large.bin" in listing
    aws("s3", "sync", "--quiet", "s3://cli-bucket/photos", tmp_path / "down")
    for name in ("a b.txt", "deep/large.bin"):
        assert (tmp_path / "down" / name).read_bytes() == (folder / name).read_bytes()
    aws("s3", "rb", "--force", "s3://cli-bucket")
    assert "NoSuchBucket" in aws("s3", "ls", "s3://cli-bucket", ok=False)


@HTTP
def test_a_table(aws):
    aws("dynamodb", "create-table", "--table-name", "cli", "--billing-mode", "PAY_PER_REQUEST", "--key-schema",
        "AttributeName=id,KeyType=HASH", "--attribute-definitions", "AttributeName=id,AttributeType=S")
    aws("dynamodb", "wait", "table-exists", "--table-name", "cli")
    item = {"id": {"S": "a"}, "sum": {"N": "12345678901234567890123456789012345678"}}
    aws("dynamodb", "put-item", "--table-name", "cli", "--item", json.dumps(item))
    assert aws("dynamodb", "get-item", "--table-name", "cli", "--key", '{"id": {"S": "a"}}')["Item"] == item
    assert aws("dynamodb", "scan", "--table-name", "cli")["Count"] == 1
    aws("dynamodb", "delete-table", "--table-name", "cli")
    assert "ResourceNotFoundException" in aws("dynamodb", "describe-table", "--table-name", "cli", ok=False)

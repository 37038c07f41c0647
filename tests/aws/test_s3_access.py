"""Who may read and write: bucket policies, ACLs, ownership, public access blocks."""

import json

import pytest

from s3_tools import send

ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
FORBIDDEN = b"<Code>AccessDenied</Code>"


def statement(action, resource, effect="Allow", principal="*", **more):
    return {"Effect": effect, "Principal": principal, "Action": action, "Resource": resource} | more


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture
def open_bucket(s3, bucket):
    """A bucket whose owner takes policies and ACLs for the public."""
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_ownership_controls(Bucket=bucket,
                                     OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]})
    return bucket


def test_a_stranger_sees_nothing(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"text")
    for method, path in (("GET", "/a"), ("GET", "/missing"), ("GET", "/"), ("PUT", "/new"), ("DELETE", "/a")):
        status, _, body = send(server, method, f"/{bucket}{path}", body=b"" if method == "PUT" else None)
        assert status == 403 and FORBIDDEN in body, (method, path)
    assert send(server, "HEAD", f"/{bucket}/a")[0] == 403


def test_a_policy_lets_strangers_read(server, s3, open_bucket):
    s3.put_object(Bucket=open_bucket, Key="public/a", Body=b"text")
    s3.put_object(Bucket=open_bucket, Key="private", Body=b"text")
    text = policy(statement("s3:GetObject", f"arn:aws:s3:::{open_bucket}/public/*"))
    s3.put_bucket_policy(Bucket=open_bucket, Policy=text)
    assert s3.get_bucket_policy(Bucket=open_bucket)["Policy"] == text
    assert s3.get_bucket_policy_status(Bucket=open_bucket)["PolicyStatus"]["IsPublic"]
    assert send(server, "GET", f"/{open_bucket}/public/a")[::2] == (200, b"text")
    assert send(server, "GET", f"/{open_bucket}/private")[0] == 403
    # What is missing cannot be told from what is forbidden without the right to list.
    assert send(server, "GET", f"/{open_bucket}/public/missing")[0] == 403
    s3.put_bucket_policy(Bucket=open_bucket, Policy=policy(
        statement("s3:GetObject", f"arn:aws:s3:::{open_bucket}/*"),
        statement("s3:ListBucket", f"arn:aws:s3:::{open_bucket}")))
    assert send(server, "GET", f"/{open_bucket}/public/missing")[0] == 404
    s3.delete_bucket_policy(Bucket=open_bucket)
    assert send(server, "GET", f"/{open_bucket}/public/a")[0] == 403


def test_a_deny_of_the_policy_binds_the_owner_too(s3, bucket, refused):
    s3.put_object(Bucket=bucket, Key="a", Body=b"text")
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(
        statement("s3:PutObject", f"arn:aws:s3:::{bucket}/*", "Deny",
                  Condition={"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}})))
    with refused("AccessDenied", status=403):
        s3.put_object(Bucket=bucket, Key="a", Body=b"other")
    s3.put_object(Bucket=bucket, Key="a", Body=b"other", ServerSideEncryption="aws:kms")
    s3.delete_bucket_policy(Bucket=bucket)


def test_conditions_on_prefixes(server, s3, open_bucket):
    s3.put_bucket_policy(Bucket=open_bucket, Policy=policy(
        statement("s3:ListBucket", f"arn:aws:s3:::{open_bucket}",
                  Condition={"StringLike": {"s3:prefix": "public/*"}})))
    assert send(server, "GET", f"/{open_bucket}?list-type=2&prefix=public/a")[0] == 200
    assert send(server, "GET", f"/{open_bucket}?list-type=2&prefix=private/")[0] == 403
    assert send(server, "GET", f"/{open_bucket}?list-type=2")[0] == 403


def test_policies_are_checked(s3, bucket, refused):
    with refused("MalformedPolicy"):
        s3.put_bucket_policy(Bucket=bucket, Policy="{}")
    with refused("MalformedPolicy"):
        s3.put_bucket_policy(Bucket=bucket, Policy="nonsense")
    with refused("MalformedPolicy", "Policy has invalid resource"):
        s3.put_bucket_policy(Bucket=bucket, Policy=policy(statement("s3:GetObject", "arn:aws:s3:::other/*")))
    with refused("NoSuchBucketPolicy", "The bucket policy does not exist", status=404):
        s3.get_bucket_policy(Bucket=bucket)


def test_new_buckets_are_not_for_the_public(s3, bucket, refused):
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert block == dict.fromkeys(
        ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], True)
    with refused("AccessDenied", status=403):
        s3.put_bucket_policy(Bucket=bucket, Policy=policy(statement("s3:GetObject", f"arn:aws:s3:::{bucket}/*")))
    rules = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    with refused("AccessControlListNotSupported", "The bucket does not allow ACLs"):
        s3.put_object(Bucket=bucket, Key="a", Body=b"", ACL="public-read")
    s3.put_object(Bucket=bucket, Key="a", Body=b"", ACL="bucket-owner-full-control")
    s3.delete_public_access_block(Bucket=bucket)
    with refused("NoSuchPublicAccessBlockConfiguration", status=404):
        s3.get_public_access_block(Bucket=bucket)
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    with refused("OwnershipControlsNotFoundError", status=404):
        s3.get_bucket_ownership_controls(Bucket=bucket)


def test_a_block_turns_an_open_policy_off(server, s3, open_bucket):
    s3.put_object(Bucket=open_bucket, Key="a", Body=b"text")
    s3.put_bucket_policy(Bucket=open_bucket, Policy=policy(
        statement("s3:GetObject", f"arn:aws:s3:::{open_bucket}/*")))
    assert send(server, "GET", f"/{open_bucket}/a")[0] == 200
    s3.put_public_access_block(Bucket=open_bucket, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    assert send(server, "GET", f"/{open_bucket}/a")[0] == 403


def test_acls(server, s3, open_bucket, refused):
    s3.put_object(Bucket=open_bucket, Key="a", Body=b"text")
    owner = s3.get_bucket_acl(Bucket=open_bucket)["Owner"]["ID"]
    grants = s3.get_object_acl(Bucket=open_bucket, Key="a")["Grants"]
    assert [(g["Grantee"]["ID"], g["Permission"]) for g in grants] == [(owner, "FULL_CONTROL")]
    assert send(server, "GET", f"/{open_bucket}/a")[0] == 403
    s3.put_object_acl(Bucket=open_bucket, Key="a", ACL="public-read")
    public = [g for g in s3.get_object_acl(Bucket=open_bucket, Key="a")["Grants"] if "URI" in g["Grantee"]]
    assert [(g["Grantee"]["URI"], g["Grantee"]["Type"], g["Permission"]) for g in public] == [
        (ALL_USERS, "Group", "READ")]
    assert send(server, "GET", f"/{open_bucket}/a")[::2] == (200, b"text")
    s3.put_object_acl(Bucket=open_bucket, Key="a", AccessControlPolicy={"Owner": {"ID": owner}, "Grants": [
        {"Grantee": {"Type": "CanonicalUser", "ID": owner}, "Permission": "FULL_CONTROL"}]})
    assert send(server, "GET", f"/{open_bucket}/a")[0] == 403
    s3.put_object(Bucket=open_bucket, Key="b", Body=b"text", GrantRead=f'uri="{ALL_USERS}"')
    assert send(server, "GET", f"/{open_bucket}/b")[0] == 200
    s3.put_bucket_acl(Bucket=open_bucket, ACL="public-read-write")
    assert send(server, "GET", f"/{open_bucket}?list-type=2")[0] == 200
    assert send(server, "PUT", f"/{open_bucket}/by-a-stranger", body=b"hi")[0] == 200
    with refused("InvalidArgument"):
        s3.put_object_acl(Bucket=open_bucket, Key="a", GrantRead="uri=http://example.com/nobody")


def test_public_acls_can_be_blocked_or_ignored(server, s3, open_bucket, refused):
    s3.put_object(Bucket=open_bucket, Key="a", Body=b"text", ACL="public-read")
    assert send(server, "GET", f"/{open_bucket}/a")[0] == 200
    s3.put_public_access_block(Bucket=open_bucket, PublicAccessBlockConfiguration={"IgnorePublicAcls": True})
    assert send(server, "GET", f"/{open_bucket}/a")[0] == 403
    s3.put_public_access_block(Bucket=open_bucket, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    with refused("AccessDenied", status=403):
        s3.put_object_acl(Bucket=open_bucket, Key="a", ACL="public-read")


def test_the_expected_owner_is_compared(s3, bucket, refused):
    s3.put_object(Bucket=bucket, Key="a", Body=b"text", ExpectedBucketOwner="000000000000")
    with refused("AccessDenied", status=403):
        s3.get_object(Bucket=bucket, Key="a", ExpectedBucketOwner="111111111111")

"""Object lock: retention and legal holds."""

import datetime

import pytest

import s3_tools


def in_days(days):
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(days=days)


@pytest.fixture
def locked_bucket(s3):
    s3.create_bucket(Bucket="with-locks", ObjectLockEnabledForBucket=True)
    yield "with-locks"
    s3_tools.remove_bucket(s3, "with-locks")


def test_a_bucket_made_with_lock_has_versions(s3, locked_bucket, refused):
    assert s3.get_bucket_versioning(Bucket=locked_bucket)["Status"] == "Enabled"
    lock = s3.get_object_lock_configuration(Bucket=locked_bucket)["ObjectLockConfiguration"]
    assert lock == {"ObjectLockEnabled": "Enabled"}
    with refused("InvalidBucketState", status=409):
        s3.put_bucket_versioning(Bucket=locked_bucket, VersioningConfiguration={"Status": "Suspended"})


def test_a_retained_version_stays(s3, locked_bucket, refused):
    until = in_days(1)
    version = s3.put_object(Bucket=locked_bucket, Key="a", Body=b"x", ObjectLockMode="GOVERNANCE",
                            ObjectLockRetainUntilDate=until)["VersionId"]
    head = s3.head_object(Bucket=locked_bucket, Key="a")
    assert head["ObjectLockMode"] == "GOVERNANCE" and head["ObjectLockRetainUntilDate"] == until
    s3.delete_object(Bucket=locked_bucket, Key="a")  # a marker only
    with refused("AccessDenied", "Access Denied because object protected by object lock.", status=403):
        s3.delete_object(Bucket=locked_bucket, Key="a", VersionId=version)
    answer = s3.delete_objects(Bucket=locked_bucket, Delete={"Objects": [{"Key": "a", "VersionId": version}]})
    assert [e["Code"] for e in answer["Errors"]] == ["AccessDenied"]
    assert s3.get_object(Bucket=locked_bucket, Key="a", VersionId=version)["Body"].read() == b"x"
    s3.delete_object(Bucket=locked_bucket, Key="a", VersionId=version, BypassGovernanceRetention=True)


def test_retention_grows_and_only_governance_shrinks(s3, locked_bucket, refused):
    version = s3.put_object(Bucket=locked_bucket, Key="a", Body=b"x")["VersionId"]
    retain = lambda until, **more: s3.put_object_retention(  # noqa: E731
        Bucket=locked_bucket, Key="a", Retention={"Mode": "GOVERNANCE", "RetainUntilDate": until}, **more)
    with refused("NoSuchObjectLockConfiguration", status=404):
        s3.get_object_retention(Bucket=locked_bucket, Key="a")
    retain(in_days(1))
    retain(in_days(2))
    with refused("AccessDenied", status=403):
        retain(in_days(1))
    kept = s3.get_object_retention(Bucket=locked_bucket, Key="a", VersionId=version)["Retention"]
    assert kept["Mode"] == "GOVERNANCE" and kept["RetainUntilDate"] > in_days(1)
    retain(in_days(1), BypassGovernanceRetention=True)
    with refused("InvalidArgument", "The retain until date must be in the future!"):
        retain(in_days(-1), BypassGovernanceRetention=True)


def test_a_legal_hold_holds(s3, locked_bucket, refused):
    version = s3.put_object(Bucket=locked_bucket, Key="a", Body=b"x", ObjectLockLegalHoldStatus="ON")["VersionId"]
    assert s3.get_object_legal_hold(Bucket=locked_bucket, Key="a")["LegalHold"]["Status"] == "ON"
    with refused("AccessDenied", status=403):
        s3.delete_object(Bucket=locked_bucket, Key="a", VersionId=version, BypassGovernanceRetention=True)
    s3.put_object_legal_hold(Bucket=locked_bucket, Key="a", LegalHold={"Status": "OFF"})
    s3.delete_object(Bucket=locked_bucket, Key="a", VersionId=version)


def test_a_default_retention_goes_to_new_objects(s3, locked_bucket, refused):
    s3.put_object_lock_configuration(Bucket=locked_bucket, ObjectLockConfiguration={
        "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3}}})
    s3.put_object(Bucket=locked_bucket, Key="a", Body=b"x")
    until = s3.head_object(Bucket=locked_bucket, Key="a")["ObjectLockRetainUntilDate"]
    assert abs((until - in_days(3)).total_seconds()) < 60


def test_locks_need_a_bucket_for_them(s3, bucket, refused):
    s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    text = "Bucket is missing Object Lock Configuration"
    with refused("InvalidRequest", text):
        s3.put_object(Bucket=bucket, Key="a", Body=b"x", ObjectLockLegalHoldStatus="ON")
    with refused("InvalidRequest", text):
        s3.put_object_retention(Bucket=bucket, Key="a",
                                Retention={"Mode": "GOVERNANCE", "RetainUntilDate": in_days(1)})
    with refused("InvalidRequest", text):
        s3.get_object_legal_hold(Bucket=bucket, Key="a")

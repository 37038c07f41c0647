"""What callers may: denied calls answer as AWS does, and the access log names what decided."""

import itertools
import json
import time

import pytest

_numbers = itertools.count(1)
ACCOUNT = "000000000000"
COLLECTION = f"arn:aws:rekognition:us-east-1:{ACCOUNT}:collection/"


def statement(effect, actions, resource="*", sid=None, **condition):
    out = {"Effect": effect, "Action": actions, "Resource": resource}
    if sid:
        out["Sid"] = sid
    if condition:
        out["Condition"] = condition
    return out


def logged(server, *words):
    """Waits for a line of the access log with all of these: it is written after the answer."""
    until = time.monotonic() + 10
    while not any(all(word in line for word in words) for line in server.log_text().splitlines()):
        assert time.monotonic() < until, f"no line of the log has {words}"
        time.sleep(0.05)


@pytest.fixture
def user(server):
    """user(*statements, boundary=...) -> a function that makes clients of a new user with that policy."""
    iam = server.client("iam")

    def make(*statements, boundary=None):
        name = f"policy-user-{next(_numbers)}"
        iam.create_user(UserName=name, **({"PermissionsBoundary": boundary} if boundary else {}))
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="p",
                                PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))
        key = iam.create_access_key(UserName=name)["AccessKey"]

        def client(service="rekognition", **options):
            return server.client(service, aws_access_key_id=key["AccessKeyId"],
                                 aws_secret_access_key=key["SecretAccessKey"], **options)

        client.name, client.key = name, key
        return client

    return make


def test_without_a_policy_nothing_is_allowed(server, user, refused):
    client = user()
    with refused("AccessDeniedException",
                 f"User: arn:aws:iam::{ACCOUNT}:user/{client.name} is not authorized to perform: rekognition:ListCollections "
                 "on resource: * because no identity-based policy allows the rekognition:ListCollections action") as answer:
        client().list_collections()
    assert answer.status == 400
    logged(server, client.key["AccessKeyId"], "the caller has no policies")


def test_permissions_go_by_resource(user, refused):
    name = f"mine-{next(_numbers)}"
    rekognition = user(statement("Allow", "rekognition:*", COLLECTION + "mine-*"))()
    rekognition.create_collection(CollectionId=name)
    rekognition.describe_collection(CollectionId=name)
    with refused("AccessDeniedException") as answer:
        rekognition.create_collection(CollectionId="theirs")
    assert f"on resource: {COLLECTION}theirs because no identity-based policy" in answer.message
    with refused("AccessDeniedException"):
        rekognition.list_collections()
    rekognition.delete_collection(CollectionId=name)


def test_an_explicit_deny_wins_and_the_log_names_it(server, user, refused):
    client = user(statement("Allow", "*"), statement("Deny", "rekognition:Delete*", sid="KeepThem"))
    client().list_collections()
    with refused("AccessDeniedException") as answer:
        client().delete_collection(CollectionId="people")
    assert answer.message.endswith("with an explicit deny in an identity-based policy")
    logged(server, client.key["AccessKeyId"], f"denied by statement KeepThem of policy user/{client.name}/p")


def test_a_boundary_bounds(user, refused):
    rekognition = user(statement("Allow", "*"), boundary="arn:aws:iam::aws:policy/AmazonRekognitionReadOnlyAccess")()
    rekognition.list_collections()
    with refused("AccessDeniedException") as answer:
        rekognition.create_collection(CollectionId="x")
    assert answer.message.endswith("because no permissions boundary allows the rekognition:CreateCollection action")


@pytest.mark.parametrize("condition,allowed", [
    ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, True),
    ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False),
    ({"Bool": {"aws:SecureTransport": "true"}}, False),
    ({"StringLike": {"aws:UserAgent": "*Boto3*"}}, True),
    ({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}, True),
    ({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}, False),
    ({"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, False),
    ({"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, True),
    ({"StringLike": {"aws:username": "policy-user-*"}}, True),
    ({"Null": {"aws:TokenIssueTime": "true"}}, True),
])
def test_conditions_see_the_request(user, refused, condition, allowed):
    rekognition = user(statement("Allow", "rekognition:ListCollections", **condition))()
    if allowed:
        rekognition.list_collections()
    else:
        with refused("AccessDeniedException"):
            rekognition.list_collections()


def test_users_may_manage_their_own_keys_only(user, refused):
    own = f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}"
    client = user(statement("Allow", "iam:*AccessKey*", own))
    other = user()
    iam = client("iam")
    assert len(iam.list_access_keys()["AccessKeyMetadata"]) == 1
    with refused("AccessDenied",
                 f"User: arn:aws:iam::{ACCOUNT}:user/{client.name} is not authorized to perform: iam:CreateAccessKey on "
                 f"resource: arn:aws:iam::{ACCOUNT}:user/{other.name} because no identity-based policy allows the "
                 "iam:CreateAccessKey action", 403):
        iam.create_access_key(UserName=other.name)


def test_a_key_that_is_switched_off_or_deleted_is_unknown(server, user, refused):
    client = user(statement("Allow", "*"))
    iam = server.client("iam")
    client().list_collections()
    iam.update_access_key(UserName=client.name, AccessKeyId=client.key["AccessKeyId"], Status="Inactive")
    with refused("UnrecognizedClientException", "The security token included in the request is invalid."):
        client().list_collections()
    iam.update_access_key(UserName=client.name, AccessKeyId=client.key["AccessKeyId"], Status="Active")
    client().list_collections()
    iam.delete_access_key(UserName=client.name, AccessKeyId=client.key["AccessKeyId"])
    with refused("UnrecognizedClientException"):
        client().list_collections()


def test_changes_hold_from_the_next_call_on(server, user, refused):
    client = user()
    iam = server.client("iam")
    with refused("AccessDeniedException"):
        client().list_collections()
    iam.attach_user_policy(UserName=client.name, PolicyArn="arn:aws:iam::aws:policy/AmazonRekognitionFullAccess")
    client().list_collections()
    iam.detach_user_policy(UserName=client.name, PolicyArn="arn:aws:iam::aws:policy/AmazonRekognitionFullAccess")
    with refused("AccessDeniedException"):
        client().list_collections()


def test_identities_survive_a_restart(start_server):
    first = start_server()
    iam = first.client("iam")
    iam.create_user(UserName="ann")
    iam.attach_user_policy(UserName="ann", PolicyArn="arn:aws:iam::aws:policy/AmazonRekognitionReadOnlyAccess")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    session = first.client("sts", **keys).get_session_token()["Credentials"]
    first.kill()
    second = start_server(data=first.data)
    second.client("rekognition", **keys).list_collections()
    second.client("rekognition", aws_access_key_id=session["AccessKeyId"], aws_session_token=session["SessionToken"],
                  aws_secret_access_key=session["SecretAccessKey"]).list_collections()


def test_policies_can_be_off_but_signatures_are_checked(start_server, refused):
    server = start_server(set=["policies=off"])
    server.client("iam").create_user(UserName="ann")
    key = server.client("iam").create_access_key(UserName="ann")["AccessKey"]
    server.client(aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]).list_collections()
    with refused("InvalidSignatureException"):
        server.client(aws_access_key_id=key["AccessKeyId"], aws_secret_access_key="wrong").list_collections()

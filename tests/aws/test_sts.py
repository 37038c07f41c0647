"""Temporary credentials: who may have them, what they may do, and when they end."""

import base64
import itertools
import json
import subprocess
import time

import pytest

_numbers = itertools.count(1)
ACCOUNT = "000000000000"


@pytest.fixture(scope="session")
def iam(server):
    return server.client("iam")


@pytest.fixture(scope="session")
def sts(server):
    return server.client("sts")


def client_of(server, service, credentials):
    return server.client(service, aws_access_key_id=credentials["AccessKeyId"],
                         aws_secret_access_key=credentials["SecretAccessKey"],
                         aws_session_token=credentials.get("SessionToken"))


def trust(principal, **condition):
    statement = {"Effect": "Allow", "Principal": principal, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def allow(*actions, resource="*", **condition):
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def make_role(iam):
    made = []

    def make(document=None, *policies):
        name = f"sts-role-{next(_numbers)}"
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document or trust({"AWS": ACCOUNT}))["Role"]
        made.append(name)
        for number, policy in enumerate(policies):
            iam.put_role_policy(RoleName=name, PolicyName=f"p{number}", PolicyDocument=policy)
        return role

    yield make
    for name in made:
        try:
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
                iam.delete_role_policy(RoleName=name, PolicyName=policy)
            iam.delete_role(RoleName=name)
        except iam.exceptions.NoSuchEntityException:
            pass


@pytest.fixture
def make_user(server, iam):
    def make(*policies):
        name = f"sts-user-{next(_numbers)}"
        iam.create_user(UserName=name)
        for number, policy in enumerate(policies):
            iam.put_user_policy(UserName=name, PolicyName=f"p{number}", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return name, key

    return make


def test_root_and_users_are_told_who_they_are(server, sts, make_user):
    root = sts.get_caller_identity()
    assert (root["Account"], root["Arn"], root["UserId"]) == (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
    name, key = make_user()
    me = client_of(server, "sts", key).get_caller_identity()
    assert me["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/{name}" and me["UserId"].startswith("AIDA")


def test_a_role_is_assumed_and_acts_within_its_policies(server, sts, make_role, refused):
    role = make_role(None, allow("rekognition:ListCollections"))
    answer = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="s1", DurationSeconds=900)
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{role['RoleName']}/s1"
    assert answer["AssumedRoleUser"]["AssumedRoleId"] == role["RoleId"] + ":s1"
    assert answer["Credentials"]["AccessKeyId"].startswith("ASIA")
    assert 890 < answer["Credentials"]["Expiration"].timestamp() - time.time() < 910
    assert client_of(server, "sts", answer["Credentials"]).get_caller_identity()["Arn"] == answer["AssumedRoleUser"]["Arn"]
    rekognition = client_of(server, "rekognition", answer["Credentials"])
    rekognition.list_collections()
    with refused("AccessDeniedException",
                 f"User: {answer['AssumedRoleUser']['Arn']} is not authorized to perform: rekognition:CreateCollection on "
                 f"resource: arn:aws:rekognition:us-east-1:{ACCOUNT}:collection/x because no identity-based policy allows "
                 "the rekognition:CreateCollection action"):
        rekognition.create_collection(CollectionId="x")


def test_a_session_policy_cuts_the_role(server, sts, make_role, refused):
    role = make_role(None, allow("rekognition:*"))
    answer = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="s1", Policy=allow("rekognition:DescribeCollection"))
    assert answer["PackedPolicySize"] > 0
    with refused("AccessDeniedException") as denied:
        client_of(server, "rekognition", answer["Credentials"]).list_collections()
    assert denied.message.endswith("because no session policy allows the rekognition:ListCollections action")
    by_arn = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="s1",
                             PolicyArns=[{"arn": "arn:aws:iam::aws:policy/AmazonRekognitionReadOnlyAccess"}])
    rekognition = client_of(server, "rekognition", by_arn["Credentials"])
    rekognition.list_collections()
    with refused("AccessDeniedException"):
        rekognition.create_collection(CollectionId="x")


def test_only_whom_the_role_trusts_may_assume_it(server, make_role, make_user, refused):
    name, key = make_user()
    stranger, strangers_key = make_user(allow("sts:AssumeRole"))
    role = make_role(trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/{name}"}))
    client_of(server, "sts", key).assume_role(RoleArn=role["Arn"], RoleSessionName="s1")
    text = f"User: arn:aws:iam::{ACCOUNT}:user/{stranger} is not authorized to perform: sts:AssumeRole on resource: "
    with refused("AccessDenied", text + role["Arn"], 403):
        client_of(server, "sts", strangers_key).assume_role(RoleArn=role["Arn"], RoleSessionName="s1")
    # A role that is not there is answered alike.
    ghost = f"arn:aws:iam::{ACCOUNT}:role/ghost"
    with refused("AccessDenied", text + ghost, 403):
        client_of(server, "sts", strangers_key).assume_role(RoleArn=ghost, RoleSessionName="s1")


def test_a_role_that_trusts_the_account_wants_the_users_policies(server, make_role, make_user, refused):
    role = make_role()
    _, key = make_user()
    with refused("AccessDenied", status=403):
        client_of(server, "sts", key).assume_role(RoleArn=role["Arn"], RoleSessionName="s1")
    _, key = make_user(allow("sts:AssumeRole", resource=role["Arn"]))
    client_of(server, "sts", key).assume_role(RoleArn=role["Arn"], RoleSessionName="s1")


def test_the_external_id_is_asked_for(sts, make_role, refused):
    role = make_role(trust({"AWS": ACCOUNT}, StringEquals={"sts:ExternalId": "secret"}))
    sts.assume_role(RoleArn=role["Arn"], RoleSessionName="s1", ExternalId="secret")
    for wrong in ({}, {"ExternalId": "guess"}):
        with refused("AccessDenied", status=403):
            sts.assume_role(RoleArn=role["Arn"], RoleSessionName="s1", **wrong)


def test_session_tags_reach_conditions_and_further_roles(server, sts, make_role, refused):
    tagged = allow("rekognition:ListCollections", StringEquals={"aws:PrincipalTag/team": "faces"})
    second = make_role(None, tagged)
    first = make_role(None, tagged, allow("sts:AssumeRole"))
    plain = sts.assume_role(RoleArn=first["Arn"], RoleSessionName="s1")["Credentials"]
    with refused("AccessDeniedException"):
        client_of(server, "rekognition", plain).list_collections()
    tags = [{"Key": "team", "Value": "faces"}]
    once = sts.assume_role(RoleArn=first["Arn"], RoleSessionName="s1", Tags=tags, TransitiveTagKeys=["team"])["Credentials"]
    client_of(server, "rekognition", once).list_collections()
    chained = client_of(server, "sts", once).assume_role(RoleArn=second["Arn"], RoleSessionName="s2")["Credentials"]
    client_of(server, "rekognition", chained).list_collections()


def test_durations_are_bounded(server, iam, sts, make_role, refused):
    role = make_role(None, allow("sts:AssumeRole"))
    with refused("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."):
        sts.assume_role(RoleArn=role["Arn"], RoleSessionName="s1", DurationSeconds=7200)
    iam.update_role(RoleName=role["RoleName"], MaxSessionDuration=7200)
    session = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="s1", DurationSeconds=7200)["Credentials"]
    with refused("ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
                 "role chaining."):
        client_of(server, "sts", session).assume_role(RoleArn=role["Arn"], RoleSessionName="s2", DurationSeconds=7200)


def test_a_session_ends_with_its_role(server, iam, sts, make_role, refused):
    role = make_role()
    session = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="s1")["Credentials"]
    client_of(server, "sts", session).get_caller_identity()
    iam.delete_role(RoleName=role["RoleName"])
    with refused("InvalidClientTokenId", status=403):
        client_of(server, "sts", session).get_caller_identity()


def test_a_changed_or_missing_token_is_refused(server, sts, make_role, refused):
    session = sts.assume_role(RoleArn=make_role()["Arn"], RoleSessionName="s1")["Credentials"]
    token = bytearray(base64.b64decode(session["SessionToken"]))
    token[-1] ^= 1
    for wrong in (base64.b64encode(bytes(token)).decode(), None):
        with refused("InvalidClientTokenId", "The security token included in the request is invalid.", 403):
            client_of(server, "sts", session | {"SessionToken": wrong}).get_caller_identity()


def test_session_tokens_of_users_and_root(server, sts, make_user, refused):
    _, key = make_user(allow("rekognition:ListCollections"))
    session = client_of(server, "sts", key).get_session_token(DurationSeconds=900)["Credentials"]
    client_of(server, "rekognition", session).list_collections()
    with refused("AccessDenied", "Cannot call GetSessionToken with session credentials", 403):
        client_of(server, "sts", session).get_session_token()
    roots = sts.get_session_token()["Credentials"]
    assert client_of(server, "sts", roots).get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"


def test_federated_users_act_within_their_policy(server, make_user, refused):
    _, key = make_user(allow("rekognition:*", "sts:GetFederationToken"))
    sts = client_of(server, "sts", key)
    bare = sts.get_federation_token(Name="bob")
    assert bare["FederatedUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:federated-user/bob"
    with refused("AccessDeniedException"):
        client_of(server, "rekognition", bare["Credentials"]).list_collections()
    cut = sts.get_federation_token(Name="bob", Policy=allow("rekognition:ListCollections", "s3:*"))["Credentials"]
    client_of(server, "rekognition", cut).list_collections()
    with refused("AccessDeniedException"):
        client_of(server, "rekognition", cut).create_collection(CollectionId="x")


# -- web identities

def encode(data):
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.fixture(scope="session")
def signer(tmp_path_factory):
    """An RSA key: its JSON Web Key Set, and a function that signs claims with it."""
    folder = tmp_path_factory.mktemp("oidc")
    key = folder / "key.pem"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    modulus = subprocess.run(["openssl", "rsa", "-in", str(key), "-noout", "-modulus"], check=True, capture_output=True,
                             text=True).stdout.strip().split("=")[1]
    key_set = {"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "k1", "n": encode(bytes.fromhex(modulus)),
                         "e": "AQAB"}]}

    def sign(claims, head=None):
        text = encode({"alg": "RS256", "kid": "k1"} | (head or {})) + "." + encode(claims)
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", str(key)], input=text.encode(), check=True,
                                   capture_output=True).stdout
        return text + "." + encode(signature)

    return key_set, sign


@pytest.fixture
def provider(server, iam, signer):
    folder = server.data / "oidc"
    folder.mkdir(exist_ok=True)
    (folder / "idp.example.org_pool.json").write_text(json.dumps(signer[0]))
    arn = iam.create_open_id_connect_provider(Url="https://idp.example.org/pool", ClientIDList=["app"],
                                              ThumbprintList=["a" * 40])["OpenIDConnectProviderArn"]
    yield arn
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)


def test_a_web_identity_assumes_the_role_that_trusts_it(server, sts, iam, provider, signer, refused):
    role = iam.create_role(RoleName=f"web-{next(_numbers)}", AssumeRolePolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {"idp.example.org/pool:sub": "ann"}}}]}))["Role"]
    claims = {"iss": "https://idp.example.org/pool", "sub": "ann", "aud": "app", "exp": int(time.time()) + 600}
    sign = signer[1]

    def assume(token):
        from botocore import UNSIGNED
        from botocore.config import Config
        client = server.client("sts", config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}))
        return client.assume_role_with_web_identity(RoleArn=role["Arn"], RoleSessionName="s1", WebIdentityToken=token)

    answer = assume(sign(claims))
    assert answer["SubjectFromWebIdentityToken"] == "ann" and answer["Audience"] == "app"
    assert client_of(server, "sts", answer["Credentials"]).get_caller_identity()["Arn"].endswith("/s1")
    with refused("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403):
        assume(sign(claims | {"sub": "bob"}))
    with refused("InvalidIdentityToken", "Incorrect token audience"):
        assume(sign(claims | {"aud": "other"}))
    with refused("ExpiredTokenException"):
        assume(sign(claims | {"exp": int(time.time()) - 1}))
    with refused("InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://evil.example.org"):
        assume(sign(claims | {"iss": "https://evil.example.org"}))
    good = sign(claims)
    head, _, signature = good.split(".")
    with refused("InvalidIdentityToken"):
        assume(f"{head}.{encode(claims | {'sub': 'eve'})}.{signature}")
    with refused("InvalidIdentityToken"):
        assume(f"{encode({'alg': 'none'})}.{encode(claims)}.")
    with refused("InvalidIdentityToken"):
        assume("no token")
    iam.delete_role(RoleName=role["RoleName"])

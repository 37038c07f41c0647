"""IAM through the SDK: entities, policies, quotas and the words of its errors."""

import itertools
import json
import subprocess

import pytest

ALLOW_GET = json.dumps({"Version": "2012-10-17",
                        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}]})
LAMBDA = json.dumps({"Version": "2012-10-17",
                     "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
                                    "Action": "sts:AssumeRole"}]})
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def iam(server):
    return server.client("iam")


def name_of(kind):
    return f"{kind}-{next(_numbers)}"


@pytest.fixture
def user(iam):
    name = name_of("User")
    iam.create_user(UserName=name)
    yield name
    try:
        for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
            iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        for policy in iam.list_user_policies(UserName=name)["PolicyNames"]:
            iam.delete_user_policy(UserName=name, PolicyName=policy)
        for policy in iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]:
            iam.detach_user_policy(UserName=name, PolicyArn=policy["PolicyArn"])
        for group in iam.list_groups_for_user(UserName=name)["Groups"]:
            iam.remove_user_from_group(UserName=name, GroupName=group["GroupName"])
        iam.delete_user(UserName=name)
    except iam.exceptions.NoSuchEntityException:
        pass


@pytest.fixture
def role(iam):
    name = name_of("Role")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=LAMBDA)
    yield name
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=name)


def test_a_user_comes_back_as_it_was_made(iam):
    name = name_of("User")
    made = iam.create_user(UserName=name, Path="/staff/", Tags=[{"Key": "team", "Value": "faces"}])["User"]
    assert made["Arn"] == f"arn:aws:iam::000000000000:user/staff/{name}"
    assert made["UserId"].startswith("AIDA") and len(made["UserId"]) == 21
    found = iam.get_user(UserName=name)["User"]
    assert found == made
    assert name in [u["UserName"] for u in iam.list_users(PathPrefix="/staff/")["Users"]]
    iam.update_user(UserName=name, NewUserName=name + "-new", NewPath="/")
    assert iam.get_user(UserName=name + "-new")["User"]["UserId"] == made["UserId"]
    iam.delete_user(UserName=name + "-new")


def test_unknown_entities_are_named(iam, refused):
    with refused("NoSuchEntity", "The user with name nobody cannot be found.", 404):
        iam.get_user(UserName="nobody")
    with refused("NoSuchEntity", "The role with name nobody cannot be found.", 404):
        iam.get_role(RoleName="nobody")
    with refused("NoSuchEntity", "The group with name nobody cannot be found.", 404):
        iam.get_group(GroupName="nobody")
    with refused("NoSuchEntity", "Instance Profile nobody cannot be found.", 404):
        iam.get_instance_profile(InstanceProfileName="nobody")
    with refused("NoSuchEntity", "Policy arn:aws:iam::000000000000:policy/none was not found.", 404):
        iam.get_policy(PolicyArn="arn:aws:iam::000000000000:policy/none")


def test_a_name_is_taken_in_any_case(iam, user, refused):
    with refused("EntityAlreadyExists", f"User with name {user.upper()} already exists.", 409):
        iam.create_user(UserName=user.upper())


def test_the_constraints_of_the_model_hold(server, unchecked_iam, refused):
    with refused("ValidationError") as answer:
        unchecked_iam.create_user(UserName="a" * 65)
    assert "Member must have length less than or equal to 64" in answer.message
    with refused("ValidationError"):
        unchecked_iam.create_user()


@pytest.fixture(scope="session")
def unchecked_iam(server):
    from botocore.config import Config
    return server.client("iam", config=Config(parameter_validation=False, retries={"total_max_attempts": 1}))


def test_access_keys_are_made_switched_off_and_deleted(iam, user, refused):
    key = iam.create_access_key(UserName=user)["AccessKey"]
    assert key["AccessKeyId"].startswith("AKIA") and len(key["AccessKeyId"]) == 20
    assert len(key["SecretAccessKey"]) == 40 and key["Status"] == "Active"
    iam.update_access_key(UserName=user, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    listed = iam.list_access_keys(UserName=user)["AccessKeyMetadata"]
    assert [(k["AccessKeyId"], k["Status"]) for k in listed] == [(key["AccessKeyId"], "Inactive")]
    iam.create_access_key(UserName=user)
    with refused("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2", 409):
        iam.create_access_key(UserName=user)
    with refused("DeleteConflict", "Cannot delete entity, must delete access keys first.", 409):
        iam.delete_user(UserName=user)


@pytest.mark.parametrize("document,message", [
    ("", None),
    ("{", "Syntax errors in policy."),
    ('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"x","Resource":"*"}]}',
     "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
    ('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"b"}]}',
     'Resource b must be in ARN format or "*".'),
    ('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*","Principal":"*"}]}',
     "Policy document should not specify a principal."),
])
def test_a_malformed_policy_is_refused_and_not_kept(unchecked_iam, iam, role, refused, document, message):
    with refused("MalformedPolicyDocument" if document else "ValidationError", message):
        unchecked_iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=document)
    assert iam.list_role_policies(RoleName=role)["PolicyNames"] == []


def test_inline_policies_of_a_role(iam, role, refused):
    iam.put_role_policy(RoleName=role, PolicyName="read", PolicyDocument=ALLOW_GET)
    assert iam.get_role_policy(RoleName=role, PolicyName="read")["PolicyDocument"] == json.loads(ALLOW_GET)
    iam.delete_role_policy(RoleName=role, PolicyName="read")
    with refused("NoSuchEntity", "The role policy with name read cannot be found.", 404):
        iam.get_role_policy(RoleName=role, PolicyName="read")


def test_managed_policies_of_aws_are_there(iam, role):
    arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    assert policy["PolicyName"] == "AWSLambdaBasicExecutionRole" and policy["IsAttachable"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]["Document"]
    assert "logs:PutLogEvents" in document["Statement"][0]["Action"]
    iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == [
        {"PolicyName": "AWSLambdaBasicExecutionRole", "PolicyArn": arn}]
    users = iam.list_entities_for_policy(PolicyArn=arn)
    assert role in [r["RoleName"] for r in users["PolicyRoles"]]
    names = {p["PolicyName"] for page in iam.get_paginator("list_policies").paginate(Scope="AWS") for p in page["Policies"]}
    assert {"AdministratorAccess", "AmazonRekognitionFullAccess", "AmazonS3ReadOnlyAccess", "AmazonDynamoDBFullAccess",
            "AWSLambdaExecute", "CloudWatchLogsFullAccess", "PowerUserAccess", "ReadOnlyAccess"} <= names


def test_versions_of_a_managed_policy(iam, refused):
    arn = iam.create_policy(PolicyName=name_of("Policy"), PolicyDocument=ALLOW_GET, Description="d")["Policy"]["Arn"]
    for number in range(2, 6):
        made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=ALLOW_GET, SetAsDefault=number == 3)
        assert made["PolicyVersion"]["VersionId"] == f"v{number}"
    with refused("LimitExceeded", status=409):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=ALLOW_GET)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v3"
    with refused("DeleteConflict", "Cannot delete the default version of a policy.", 409):
        iam.delete_policy_version(PolicyArn=arn, VersionId="v3")
    with refused("DeleteConflict", status=409):
        iam.delete_policy(PolicyArn=arn)
    assert [v["VersionId"] for v in iam.list_policy_versions(PolicyArn=arn)["Versions"]] == ["v5", "v4", "v3", "v2", "v1"]
    for number in (1, 2, 4, 5):
        iam.delete_policy_version(PolicyArn=arn, VersionId=f"v{number}")
    iam.delete_policy(PolicyArn=arn)


def test_groups_and_their_members(iam, user, refused):
    group = name_of("Group")
    iam.create_group(GroupName=group)
    iam.add_user_to_group(GroupName=group, UserName=user)
    assert [u["UserName"] for u in iam.get_group(GroupName=group)["Users"]] == [user]
    with refused("DeleteConflict", "Cannot delete entity, must remove users from group first.", 409):
        iam.delete_group(GroupName=group)
    iam.remove_user_from_group(GroupName=group, UserName=user)
    iam.delete_group(GroupName=group)


def test_roles_boundaries_tags_and_profiles(iam, role, refused):
    boundary = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=boundary)
    iam.tag_role(RoleName=role, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    iam.untag_role(RoleName=role, TagKeys=["a"])
    iam.update_role(RoleName=role, Description="reads", MaxSessionDuration=7200)
    found = iam.get_role(RoleName=role)["Role"]
    assert found["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    assert found["Tags"] == [{"Key": "b", "Value": "2"}]
    assert found["Description"] == "reads" and found["MaxSessionDuration"] == 7200
    assert found["AssumeRolePolicyDocument"] == json.loads(LAMBDA)
    profile = name_of("Profile")
    iam.create_instance_profile(InstanceProfileName=profile)
    iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=role)
    with refused("DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.", 409):
        iam.delete_role(RoleName=role)
    assert iam.list_instance_profiles_for_role(RoleName=role)["InstanceProfiles"][0]["InstanceProfileName"] == profile
    iam.remove_role_from_instance_profile(InstanceProfileName=profile, RoleName=role)
    iam.delete_instance_profile(InstanceProfileName=profile)
    iam.delete_role_permissions_boundary(RoleName=role)


def test_listings_come_in_pages(iam):
    names = [name_of("Paged") for _ in range(5)]
    for name in names:
        iam.create_user(UserName=name, Path="/paged/")
    pages = list(iam.get_paginator("list_users").paginate(PathPrefix="/paged/", PaginationConfig={"PageSize": 2}))
    assert [len(p["Users"]) for p in pages] == [2, 2, 1]
    assert sorted(u["UserName"] for p in pages for u in p["Users"]) == sorted(names)
    for name in names:
        iam.delete_user(UserName=name)


def test_the_account_tells_all_of_itself(iam, user, role):
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=ALLOW_GET)
    details = iam.get_account_authorization_details(Filter=["User", "Role"])
    mine = next(u for u in details["UserDetailList"] if u["UserName"] == user)
    assert mine["UserPolicyList"] == [{"PolicyName": "p", "PolicyDocument": json.loads(ALLOW_GET)}]
    assert role in [r["RoleName"] for r in details["RoleDetailList"]]
    assert iam.get_account_summary()["SummaryMap"]["Users"] >= 1
    iam.create_account_alias(AccountAlias="my-faces")
    assert iam.list_account_aliases()["AccountAliases"] == ["my-faces"]
    iam.delete_account_alias(AccountAlias="my-faces")


def test_policies_are_simulated(iam, user):
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=ALLOW_GET)
    arn = iam.get_user(UserName=user)["User"]["Arn"]
    results = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["s3:GetObject", "s3:PutObject"],
                                            ResourceArns=["arn:aws:s3:::b/k"])["EvaluationResults"]
    assert [(r["EvalActionName"], r["EvalDecision"]) for r in results] == [
        ("s3:GetObject", "allowed"), ("s3:PutObject", "implicitDeny")]
    assert results[0]["MatchedStatements"][0]["SourcePolicyId"] == f"user/{user}/p"
    conditional = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"StringEquals": {"aws:SourceVpc": "v"}}}]})
    denied = iam.simulate_custom_policy(
        PolicyInputList=[ALLOW_GET, conditional], ActionNames=["s3:GetObject"], ResourceArns=["arn:aws:s3:::b/k"],
        ContextEntries=[{"ContextKeyName": "aws:SourceVpc", "ContextKeyValues": ["v"], "ContextKeyType": "string"}])
    assert denied["EvaluationResults"][0]["EvalDecision"] == "explicitDeny"
    open_question = iam.simulate_custom_policy(PolicyInputList=[ALLOW_GET, conditional], ActionNames=["s3:GetObject"],
                                               ResourceArns=["arn:aws:s3:::b/k"])["EvaluationResults"][0]
    assert open_question["EvalDecision"] == "allowed" and open_question["MissingContextValues"] == ["aws:SourceVpc"]


def test_lists_tell_less_than_gets(iam):
    name = name_of("Told")
    boundary = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    tags = [{"Key": "k", "Value": "v"}]
    iam.create_role(RoleName=name, Path="/told/", AssumeRolePolicyDocument=LAMBDA, Description="d",
                    PermissionsBoundary=boundary, Tags=tags)
    whole = iam.get_role(RoleName=name)["Role"]
    assert whole["Tags"] == tags and whole["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    [listed] = iam.list_roles(PathPrefix="/told/")["Roles"]
    assert not {"Tags", "PermissionsBoundary", "RoleLastUsed"} & set(listed)
    iam.delete_role(RoleName=name)
    made = iam.create_policy(PolicyName=name, Path="/told/", PolicyDocument=ALLOW_GET, Description="d")["Policy"]
    assert not {"Tags", "Description"} & set(made)
    whole = iam.get_policy(PolicyArn=made["Arn"])["Policy"]
    assert whole["Description"] == "d" and whole["Tags"] == []
    [listed] = iam.list_policies(PathPrefix="/told/")["Policies"]
    assert not {"Tags", "Description"} & set(listed)
    iam.delete_policy(PolicyArn=made["Arn"])


def certificate(folder, name):
    """A self-signed certificate in PEM."""
    made = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout",
                           folder / "key.pem", "-days", "1"], check=True, capture_output=True, text=True)
    return made.stdout


def test_signing_certificates_of_a_user(iam, user, refused, tmp_path):
    first, second, third = (certificate(tmp_path, name) for name in "abc")
    made = iam.upload_signing_certificate(UserName=user, CertificateBody=first)["Certificate"]
    assert made["CertificateBody"] == first and made["Status"] == "Active" and len(made["CertificateId"]) == 32
    iam.update_signing_certificate(UserName=user, CertificateId=made["CertificateId"], Status="Inactive")
    [listed] = iam.list_signing_certificates(UserName=user)["Certificates"]
    assert listed == made | {"Status": "Inactive"}
    with refused("DuplicateCertificate", status=409):
        iam.upload_signing_certificate(UserName=user, CertificateBody=first)
    other = iam.upload_signing_certificate(UserName=user, CertificateBody=second)["Certificate"]
    with refused("LimitExceeded", "Cannot exceed quota for CertificatesPerUser: 2", 409):
        iam.upload_signing_certificate(UserName=user, CertificateBody=third)
    with refused("MalformedCertificate"):
        iam.upload_signing_certificate(UserName=user, CertificateBody="notacert")
    with refused("NoSuchEntity", f"The Certificate with id {'x' * 32} cannot be found.", 404):
        iam.update_signing_certificate(UserName=user, CertificateId="x" * 32, Status="Inactive")
    with refused("NoSuchEntity", "The user with name notauser cannot be found.", 404):
        iam.list_signing_certificates(UserName="notauser")
    with refused("DeleteConflict", "Cannot delete entity, must delete signing certificates first.", 409):
        iam.delete_user(UserName=user)
    for one in (made, other):
        iam.delete_signing_certificate(UserName=user, CertificateId=one["CertificateId"])
    assert iam.list_signing_certificates(UserName=user)["Certificates"] == []


def test_root_asks_who_it_is(iam):
    me = iam.get_user()["User"]
    assert me["Arn"] == "arn:aws:iam::000000000000:root" and me["UserId"] == "000000000000"
    assert iam.get_user()["User"]["CreateDate"] == me["CreateDate"]


def test_tags_of_profiles_and_providers(iam, refused):
    name = name_of("Tagged")
    iam.create_instance_profile(InstanceProfileName=name, Tags=[{"Key": "a", "Value": "1"}])
    iam.tag_instance_profile(InstanceProfileName=name, Tags=[{"Key": "b", "Value": "2"}])
    iam.untag_instance_profile(InstanceProfileName=name, TagKeys=["a"])
    assert iam.list_instance_profile_tags(InstanceProfileName=name)["Tags"] == [{"Key": "b", "Value": "2"}]
    iam.delete_instance_profile(InstanceProfileName=name)
    arn = iam.create_open_id_connect_provider(Url="https://tagged.example.org", ThumbprintList=["a" * 40])[
        "OpenIDConnectProviderArn"]
    iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=[{"Key": "b", "Value": "2"}])
    assert iam.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    iam.untag_open_id_connect_provider(OpenIDConnectProviderArn=arn, TagKeys=["b"])
    iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=["b" * 40])
    found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert found["ThumbprintList"] == ["b" * 40] and found["Tags"] == []
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    with refused("NoSuchEntity", f"OpenIDConnect Provider not found for arn {arn}", 404):
        iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=[{"Key": "b", "Value": "2"}])


def test_the_keys_that_policies_ask_for(iam, user):
    document = json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::home/${aws:username}/${*}",
        "Condition": {"StringLike": {"s3:prefix": "${aws:PrincipalTag/team, 'none'}/*"},
                      "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}]})
    wanted = ["aws:PrincipalTag/team", "aws:SourceIp", "aws:username", "s3:prefix"]
    assert iam.get_context_keys_for_custom_policy(PolicyInputList=[document])["ContextKeyNames"] == wanted
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=document)
    arn = iam.get_user(UserName=user)["User"]["Arn"]
    assert iam.get_context_keys_for_principal_policy(PolicySourceArn=arn)["ContextKeyNames"] == wanted


def test_of_what_cannot_be_made_there_is_none(iam, user, refused):
    assert iam.list_mfa_devices(UserName=user)["MFADevices"] == []
    assert iam.list_ssh_public_keys(UserName=user)["SSHPublicKeys"] == []
    assert iam.list_service_specific_credentials(UserName=user)["ServiceSpecificCredentials"] == []
    assert iam.list_virtual_mfa_devices()["VirtualMFADevices"] == []
    assert iam.list_server_certificates()["ServerCertificateMetadataList"] == []
    with refused("NoSuchEntity", f"Login Profile for User {user} cannot be found.", 404):
        iam.get_login_profile(UserName=user)
    with refused("NoSuchEntity", "The user with name notauser cannot be found.", 404):
        iam.list_mfa_devices(UserName="notauser")


def test_when_a_key_and_a_role_were_last_used(server, iam, user, refused):
    key = iam.create_access_key(UserName=user)["AccessKey"]
    unused = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    assert unused["UserName"] == user
    assert unused["AccessKeyLastUsed"] == {"ServiceName": "N/A", "Region": "N/A"}
    client = server.client("rekognition", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    with refused("AccessDeniedException"):
        client.list_collections()
    used = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]
    assert (used["ServiceName"], used["Region"]) == ("rekognition", "us-east-1") and used["LastUsedDate"]
    with refused("AccessDenied", status=403):
        iam.get_access_key_last_used(AccessKeyId="AKIAUNKNOWNUNKNOWN00")
    name = name_of("Role")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"}]}))["Role"]["Arn"]
    assert iam.get_role(RoleName=name)["Role"]["RoleLastUsed"] == {}
    session = server.client("sts").assume_role(RoleArn=arn, RoleSessionName="s1")["Credentials"]
    with refused("AccessDeniedException"):
        server.client("rekognition", aws_access_key_id=session["AccessKeyId"], aws_session_token=session["SessionToken"],
                      aws_secret_access_key=session["SecretAccessKey"]).list_collections()
    assert iam.get_role(RoleName=name)["Role"]["RoleLastUsed"]["Region"] == "us-east-1"
    iam.delete_role(RoleName=name)

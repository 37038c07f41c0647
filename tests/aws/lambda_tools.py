"""What tests of functions share: packages, roles, waiting."""

import io
import json
import time
import zipfile

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
                                                 "Action": "sts:AssumeRole"}]}


def package(**files):
    """A ZIP file: package(index="def handler(event, context): ...") holds index.py."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name + ".py", text)
    return out.getvalue()


def role(server, name="runner", actions="*"):
    """A role that Lambda may take; gives its ARN."""
    iam = server.client("iam")
    try:
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    except iam.exceptions.EntityAlreadyExistsException:
        return iam.get_role(RoleName=name)["Role"]["Arn"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    iam.put_role_policy(RoleName=name, PolicyName="all",
                        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    return arn


def create(server, name, code, **more):
    """Makes a Python function of the text `code`, whose handler is called handler."""
    client = server.client("lambda")
    options = {"Runtime": "python3.12", "Handler": "index.handler", "Timeout": 20} | more
    return client.create_function(FunctionName=name, Role=role(server), Code={"ZipFile": package(index=code)}, **options)


def invoke(server, name, event=None, **more):
    """(answer, the whole response)."""
    client = server.client("lambda")
    response = client.invoke(FunctionName=name, Payload=json.dumps(event), **more)
    text = response["Payload"].read()
    return (json.loads(text) if text else None), response


def wait_for(check, seconds=20, what="it"):
    """What `check` gives as soon as that is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = check()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen in {seconds} s")

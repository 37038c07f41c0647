"""Function URLs as any HTTP client sees them; the functions run for real."""

import base64
import http.client
import io
import json
import re
import urllib.parse
import zipfile

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
from botocore.exceptions import ClientError

from lambda_tools import create, invoke, role, wait_for

# Answers as the path says, with the event by default.
CODE = """
import base64, json, time
def handler(event, context):
    path = event["rawPath"]
    if path == "/created":
        return {"statusCode": 201, "headers": {"content-type": "text/html", "x-number": 5}, "cookies": ["a=1", "b=2; Secure"],
                "body": "<p>made</p>"}
    if path == "/binary":
        return {"statusCode": 200, "headers": {"Content-Type": "image/png"}, "isBase64Encoded": True,
                "body": base64.b64encode(bytes(range(256))).decode()}
    if path == "/text":
        return "Hello"
    if path == "/none":
        return None
    if path == "/raise":
        raise ValueError("secret detail")
    if path == "/split":
        return {"statusCode": 200, "headers": {"x": "a\\r\\nSet-Cookie: evil=1"}}
    if path == "/cors":
        return {"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "https://of.the.function"}, "body": "x"}
    return {"event": event, "arn": context.invoked_function_arn, "id": context.aws_request_id}
"""

STREAM = """
export const handler = awslambda.streamifyResponse(async (event, stream, context) => {
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  if (event.rawPath === "/plain") {
    stream.setContentType("text/csv");
    stream.write("a,b\\n");
    stream.end("1,2\\n");
    return;
  }
  if (event.rawPath === "/early") throw new Error("before");
  if (event.rawPath === "/odd") {
    stream = awslambda.HttpResponseStream.from(stream, { statusCode: 99 });
    stream.end("never seen");
    return;
  }
  stream = awslambda.HttpResponseStream.from(stream, { statusCode: 207, headers: { "x-stream": "yes" }, cookies: ["s=1"] });
  stream.write("first\\n");
  await wait(event.rawPath === "/slow" ? 1500 : 10);
  if (event.rawPath === "/late") throw new Error("after");
  stream.write("second\\n");
  stream.end();
});
"""


class Answer:
    def __init__(self, response):
        self.status, self.headers = response.status, response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)


def send(url, method="GET", path="", body=None, headers=None, host=None):
    """One request, with nothing that a client library would add or decode."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    connection.request(method, parts.path.rstrip("/") + path if path else parts.path, body,
                       ({"Host": host} if host else {}) | (headers or {}))
    answer = Answer(connection.getresponse())
    connection.close()
    return answer


def signed(server, url, method="GET", body=b"", service="lambda", key=None, token=None, headers=None):
    """The headers of a request as botocore signs it."""
    key = key or server.credentials
    request = botocore.awsrequest.AWSRequest(method, url, data=body, headers=headers or {})
    botocore.auth.SigV4Auth(botocore.credentials.Credentials(*key, token), service, "us-east-1").add_auth(request)
    return dict(request.headers)


def allow_everybody(lambdas, name, **more):
    lambdas.add_permission(FunctionName=name, StatementId="url", Action="lambda:InvokeFunctionUrl", Principal="*",
                           FunctionUrlAuthType="NONE", **more)


@pytest.fixture(scope="module")
def lambdas(server):
    return server.client("lambda")


@pytest.fixture(scope="module")
def open_url(server, lambdas):
    create(server, "url-open", CODE)
    allow_everybody(lambdas, "url-open")
    return lambdas.create_function_url_config(FunctionName="url-open", AuthType="NONE")["FunctionUrl"]


@pytest.fixture(scope="module")
def signed_url(server, lambdas):
    create(server, "url-signed", CODE)
    return lambdas.create_function_url_config(FunctionName="url-signed", AuthType="AWS_IAM")["FunctionUrl"]


def test_a_url_is_made_read_changed_listed_and_deleted(server, lambdas, refused):
    create(server, "url-managed", CODE)
    version = lambdas.publish_version(FunctionName="url-managed")["Version"]
    lambdas.create_alias(FunctionName="url-managed", Name="live", FunctionVersion=version)
    cors = {"AllowOrigins": ["https://a.example"], "AllowMethods": ["GET"], "MaxAge": 60, "AllowCredentials": True}
    made = lambdas.create_function_url_config(FunctionName="url-managed", AuthType="AWS_IAM", Cors=cors)
    assert made["FunctionArn"].endswith(":function:url-managed") and made["AuthType"] == "AWS_IAM"
    assert made["InvokeMode"] == "BUFFERED" and made["Cors"] == cors
    assert re.fullmatch(re.escape(server.endpoint) + r"/_likeness/functions/[a-z2-7]{32}/", made["FunctionUrl"])
    found = lambdas.get_function_url_config(FunctionName="url-managed")
    assert {k: found[k] for k in made if k != "ResponseMetadata"} == {k: made[k] for k in made if k != "ResponseMetadata"}
    assert found["LastModifiedTime"] == found["CreationTime"]
    alias = lambdas.create_function_url_config(FunctionName="url-managed", Qualifier="live", AuthType="NONE")
    assert alias["FunctionUrl"] != made["FunctionUrl"] and alias["FunctionArn"].endswith(":function:url-managed:live")
    listed = lambdas.list_function_url_configs(FunctionName="url-managed", MaxItems=1)
    more = lambdas.list_function_url_configs(FunctionName="url-managed", Marker=listed["NextMarker"])
    assert [one["FunctionUrl"] for one in listed["FunctionUrlConfigs"] + more["FunctionUrlConfigs"]] == \
        [made["FunctionUrl"], alias["FunctionUrl"]]
    updated = lambdas.update_function_url_config(FunctionName="url-managed", InvokeMode="RESPONSE_STREAM")
    assert updated["InvokeMode"] == "RESPONSE_STREAM" and updated["Cors"] == cors
    assert updated["FunctionUrl"] == made["FunctionUrl"]

    with refused("ResourceConflictException", status=409):
        lambdas.create_function_url_config(FunctionName="url-managed", AuthType="NONE")
    with refused("ResourceNotFoundException", status=404):
        lambdas.create_function_url_config(FunctionName="url-managed", AuthType="NONE", Qualifier="nothing")
    with refused("ResourceNotFoundException", status=404):
        lambdas.create_function_url_config(FunctionName="nobody", AuthType="NONE")
    with refused("ValidationException", status=400):
        lambdas.create_function_url_config(FunctionName="url-managed", AuthType="NONE", Qualifier=version)
    lambdas.delete_function_url_config(FunctionName="url-managed")
    with refused("ResourceNotFoundException", "The resource you requested does not exist.", status=404):
        lambdas.get_function_url_config(FunctionName="url-managed")
    gone = send(made["FunctionUrl"])
    assert gone.status == 403 and gone.json() == {"Message": None}
    lambdas.delete_alias(FunctionName="url-managed", Name="live")
    assert send(alias["FunctionUrl"]).status == 403


def test_the_function_gets_the_event_of_format_2(open_url):
    got = send(open_url, "POST", "/my/path%20here?a=1&a=2&b=%C3%A9&c", b'{"n": 1}',
               {"Content-Type": "application/json", "X-Custom": "v", "Cookie": "one=1; two=2", "User-Agent": "tests/1"})
    assert got.status == 200 and got.headers["content-type"] == "application/json"
    answer = got.json()
    event = answer["event"]
    url_id = open_url.rstrip("/").rsplit("/", 1)[1]
    context = event.pop("requestContext")
    http_part = context.pop("http")
    assert http_part == {"method": "POST", "path": "/my/path%20here", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1",
                         "userAgent": "tests/1"}
    assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000", context.pop("time"))
    assert isinstance(context.pop("timeEpoch"), int)
    assert context.pop("requestId") == answer["id"] == got.headers["x-amzn-RequestId"]
    assert context == {"accountId": "anonymous", "apiId": url_id, "domainName": "127.0.0.1", "domainPrefix": url_id,
                       "routeKey": "$default", "stage": "$default"}
    headers = event.pop("headers")
    assert headers["x-custom"] == "v" and headers["content-type"] == "application/json"
    assert headers["x-forwarded-for"] == "127.0.0.1" and headers["x-forwarded-proto"] == "http"
    assert headers["x-amzn-trace-id"].startswith("Root=1-") and "cookie" not in headers
    assert event == {"version": "2.0", "routeKey": "$default", "rawPath": "/my/path%20here",
                     "rawQueryString": "a=1&a=2&b=%C3%A9&c", "cookies": ["one=1", "two=2"],
                     "queryStringParameters": {"a": "1,2", "b": "é", "c": ""}, "body": '{"n": 1}', "isBase64Encoded": False}


def test_a_bare_request_has_no_body_and_no_parameters(open_url):
    event = send(open_url).json()["event"]
    assert event["rawPath"] == "/" and event["isBase64Encoded"] is False
    assert not {"body", "cookies", "queryStringParameters"} & set(event)


def test_bytes_come_as_base64_both_ways(open_url):
    body = bytes(range(256)) * 4
    event = send(open_url, "PUT", body=body, headers={"Content-Type": "image/png"}).json()["event"]
    assert event["isBase64Encoded"] and base64.b64decode(event["body"]) == body
    answer = send(open_url, path="/binary")
    assert answer.body == bytes(range(256)) and answer.headers["content-type"] == "image/png"


def test_status_headers_and_cookies_are_the_functions(open_url):
    answer = send(open_url, path="/created")
    assert (answer.status, answer.body) == (201, b"<p>made</p>")
    assert answer.headers["content-type"] == "text/html" and answer.headers["x-number"] == "5"
    assert answer.headers.get_all("set-cookie") == ["a=1", "b=2; Secure"]


def test_without_a_status_the_answer_is_the_body(open_url):
    text = send(open_url, path="/text")
    assert (text.status, text.body, text.headers["content-type"]) == (200, b"Hello", "application/json")
    assert send(open_url, path="/none").body == b"null"


def test_what_the_function_does_wrong_is_a_502_without_details(open_url):
    for path in ("/raise", "/split"):
        answer = send(open_url, path=path)
        assert (answer.status, answer.body) == (502, b"Internal Server Error")
        assert "set-cookie" not in answer.headers and b"secret" not in answer.body


def test_a_body_over_6_mb_is_refused(open_url):
    for size in (5 << 20, 7 << 20):  # the first is too large as base64 only
        try:
            answer = send(open_url, "PUT", body=b"\xff" * size, headers={"Content-Type": "image/png"})
        except (BrokenPipeError, ConnectionResetError):
            continue  # told before all was sent
        assert answer.status == 413
    event = send(open_url, "PUT", body=b"x" * (2 << 20), headers={"Content-Type": "text/plain"}).json()["event"]
    assert len(event["body"]) == 2 << 20


def test_a_url_has_a_name_too(open_url, server):
    url_id = open_url.rstrip("/").rsplit("/", 1)[1]
    host = f"{url_id}.lambda-url.us-east-1.localhost:{server.port}"
    event = send(server.endpoint, path="/a/b?c=d", host=host).json()["event"]
    assert event["requestContext"]["domainName"] == f"{url_id}.lambda-url.us-east-1.localhost"
    assert event["rawPath"] == "/a/b" and event["rawQueryString"] == "c=d"


def test_names_are_told_where_they_lead_here(start_server):
    server = start_server(set=["function_url_domain=localhost"])
    client = server.client("lambda")
    create(server, "named", CODE)
    url = client.create_function_url_config(FunctionName="named", AuthType="NONE")["FunctionUrl"]
    assert re.fullmatch(rf"http://[a-z2-7]{{32}}\.lambda-url\.us-east-1\.localhost:{server.port}/", url)
    allow_everybody(client, "named")
    host = urllib.parse.urlsplit(url).netloc
    assert send(server.endpoint + "/", host=host).json()["event"]["headers"]["host"] == host
    server.stop()
    # The address of a URL is for good.
    server = start_server(set=["function_url_domain=localhost"], data=server.data)
    assert send(server.endpoint + "/", host=host).status == 200


def test_nobody_may_without_a_policy(server, lambdas):
    create(server, "url-closed", CODE)
    url = lambdas.create_function_url_config(FunctionName="url-closed", AuthType="NONE")["FunctionUrl"]
    answer = send(url)
    assert answer.status == 403 and answer.json() == {"Message": "Forbidden"}
    assert answer.headers["x-amzn-ErrorType"] == "AccessDeniedException"
    # A statement for the other kind of URL does not count.
    lambdas.add_permission(FunctionName="url-closed", StatementId="iam", Action="lambda:InvokeFunctionUrl", Principal="*",
                           FunctionUrlAuthType="AWS_IAM")
    assert send(url).status == 403
    policy = json.loads(lambdas.get_policy(FunctionName="url-closed")["Policy"])
    assert policy["Statement"][0]["Condition"] == {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}
    allow_everybody(lambdas, "url-closed")
    assert send(url).status == 200


def test_a_signed_url_takes_signatures_of_those_who_may(server, lambdas, signed_url):
    body = b'{"a": 1}'
    headers = {"Content-Type": "application/json"}
    answer = send(signed_url, "POST", body=body, headers=signed(server, signed_url, "POST", body, headers=headers))
    assert answer.status == 200, answer.body
    event = answer.json()["event"]
    iam = event["requestContext"]["authorizer"]["iam"]
    assert iam == {"accessKey": server.credentials[0], "accountId": "000000000000", "callerId": "000000000000",
                   "cognitoIdentity": None, "principalOrgId": None, "userArn": "arn:aws:iam::000000000000:root",
                   "userId": "000000000000"}
    assert event["requestContext"]["accountId"] == "000000000000" and event["body"] == '{"a": 1}'
    assert "authorization" not in event["headers"]

    assert send(signed_url).json() == {"Message": "Forbidden"}
    wrong = send(signed_url, "POST", body=b"other", headers=signed(server, signed_url, "POST", body))
    assert wrong.status == 403 and "signature" in wrong.json()["Message"]
    other = send(signed_url, headers=signed(server, signed_url, service="s3"))
    assert other.status == 403 and "lambda" in other.json()["Message"]


def test_policies_say_who_may_invoke_a_url(server, lambdas, signed_url):
    iam = server.client("iam")
    iam.create_user(UserName="caller")
    made = iam.create_access_key(UserName="caller")["AccessKey"]
    key = (made["AccessKeyId"], made["SecretAccessKey"])

    def status():
        return send(signed_url, headers=signed(server, signed_url, key=key)).status

    def may(condition):
        iam.put_user_policy(UserName="caller", PolicyName="p", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "lambda:InvokeFunctionUrl",
                                                    "Resource": "*", "Condition": condition}}))

    assert status() == 403
    may({"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}})
    assert status() == 403
    may({"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}})
    assert status() == 200
    iam.delete_user_policy(UserName="caller", PolicyName="p")
    assert status() == 403
    # The function's own policy does as well.
    lambdas.add_permission(FunctionName="url-signed", StatementId="u", Action="lambda:InvokeFunctionUrl",
                           Principal="arn:aws:iam::000000000000:user/caller", FunctionUrlAuthType="AWS_IAM")
    assert status() == 200
    # A right that holds for URLs only.
    lambdas.add_permission(FunctionName="url-signed", StatementId="i", Action="lambda:InvokeFunction",
                           Principal="arn:aws:iam::000000000000:user/caller", InvokedViaFunctionUrl=True)
    direct = server.client("lambda", aws_access_key_id=key[0], aws_secret_access_key=key[1])
    with pytest.raises(ClientError, match="not authorized to perform: lambda:InvokeFunction"):
        direct.invoke(FunctionName="url-signed")


def test_an_alias_has_a_url_and_a_policy_of_its_own(server, lambdas):
    create(server, "url-staged", CODE)
    version = lambdas.publish_version(FunctionName="url-staged")["Version"]
    lambdas.create_alias(FunctionName="url-staged", Name="live", FunctionVersion=version)
    url = lambdas.create_function_url_config(FunctionName="url-staged", Qualifier="live", AuthType="NONE")["FunctionUrl"]
    allow_everybody(lambdas, "url-staged")
    assert send(url).status == 403
    allow_everybody(lambdas, "url-staged", Qualifier="live")
    assert send(url).json()["arn"].endswith(":function:url-staged:live")


def test_browsers_of_other_origins(server, lambdas):
    create(server, "url-cors", CODE)
    allow_everybody(lambdas, "url-cors")
    url = lambdas.create_function_url_config(
        FunctionName="url-cors", AuthType="NONE",
        Cors={"AllowOrigins": ["https://a.example"], "AllowMethods": ["PUT"], "AllowHeaders": ["x-token"],
              "ExposeHeaders": ["x-amzn-RequestId"], "MaxAge": 300})["FunctionUrl"]
    ask = {"Origin": "https://a.example", "Access-Control-Request-Method": "PUT",
           "Access-Control-Request-Headers": "x-token"}
    answer = send(url, "OPTIONS", headers=ask)
    assert answer.status == 200 and answer.body == b""
    assert answer.headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert answer.headers["Access-Control-Allow-Methods"] == "PUT"
    assert answer.headers["Access-Control-Max-Age"] == "300"
    assert "Access-Control-Allow-Origin" not in send(url, "OPTIONS", headers=ask | {"Origin": "https://b.example"}).headers
    # An answer has the URL's headers, not those of the function.
    answer = send(url, path="/cors", headers={"Origin": "https://a.example"})
    assert answer.headers.get_all("Access-Control-Allow-Origin") == ["https://a.example"]
    assert answer.headers["Access-Control-Expose-Headers"] == "x-amzn-RequestId"
    # OPTIONS that ask for nothing are the function's.
    assert send(url, "OPTIONS").json()["event"]["requestContext"]["http"]["method"] == "OPTIONS"


def test_a_throttled_url_is_a_429(server, lambdas):
    create(server, "url-throttled", CODE)
    allow_everybody(lambdas, "url-throttled")
    url = lambdas.create_function_url_config(FunctionName="url-throttled", AuthType="NONE")["FunctionUrl"]
    lambdas.put_function_concurrency(FunctionName="url-throttled", ReservedConcurrentExecutions=0)
    answer = send(url)
    assert answer.status == 429 and answer.json() == {"Message": "Rate Exceeded."}
    assert answer.headers["x-amzn-ErrorType"] == "TooManyRequestsException"


@pytest.fixture(scope="module")
def stream_url(server, lambdas):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("index.mjs", STREAM)
    lambdas.create_function(FunctionName="url-streams", Runtime="nodejs20.x", Handler="index.handler", Timeout=20,
                            Role=role(server), Code={"ZipFile": out.getvalue()})
    allow_everybody(lambdas, "url-streams")
    return lambdas.create_function_url_config(FunctionName="url-streams", AuthType="NONE",
                                              InvokeMode="RESPONSE_STREAM")["FunctionUrl"]


def test_a_stream_begins_with_its_head_and_comes_as_it_is_made(stream_url):
    parts = urllib.parse.urlsplit(stream_url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    connection.request("GET", parts.path + "slow")
    response = connection.getresponse()
    assert response.status == 207 and response.headers["x-stream"] == "yes"
    assert response.headers["set-cookie"] == "s=1" and "content-length" not in response.headers
    assert response.readline() == b"first\n"
    assert response.read() == b"second\n"
    connection.close()


def test_a_stream_without_a_head_is_the_body(stream_url):
    answer = send(stream_url, path="/plain")
    assert (answer.status, answer.headers["content-type"], answer.body) == (200, "text/csv", b"a,b\n1,2\n")


def test_a_stream_that_fails_is_a_502_or_is_cut_off(stream_url):
    for path in ("/early", "/odd"):
        answer = send(stream_url, path=path)
        assert (answer.status, answer.body) == (502, b"Internal Server Error")
    with pytest.raises(http.client.IncompleteRead):
        send(stream_url, path="/late")


def test_a_function_that_streams_can_be_read_as_a_whole(server, lambdas, stream_url):
    lambdas.update_function_url_config(FunctionName="url-streams", InvokeMode="BUFFERED")
    answer = send(stream_url, path="/all")
    lambdas.update_function_url_config(FunctionName="url-streams", InvokeMode="RESPONSE_STREAM")
    assert (answer.status, answer.body) == (207, b"first\nsecond\n")
    assert answer.headers["x-stream"] == "yes" and "content-length" in answer.headers


def test_requests_to_urls_are_measured(server, open_url):
    import datetime

    send(open_url)
    metrics = server.client("cloudwatch")
    now = datetime.datetime.now(datetime.timezone.utc)

    def count():
        found = metrics.get_metric_statistics(
            Namespace="AWS/Lambda", MetricName="UrlRequestCount", Dimensions=[{"Name": "FunctionName", "Value": "url-open"}],
            StartTime=now - datetime.timedelta(hours=1), EndTime=now + datetime.timedelta(hours=1), Period=3600,
            Statistics=["Sum"])
        return sum(point["Sum"] for point in found["Datapoints"])

    assert wait_for(count, what="a measured request") >= 1

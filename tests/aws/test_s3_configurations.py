"""What a bucket can be told, and what it answers when it was told nothing."""

import datetime

import pytest

ABSENT = [
    ("get_bucket_cors", "NoSuchCORSConfiguration", "The CORS configuration does not exist"),
    ("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration",
     "The lifecycle configuration does not exist"),
    ("get_bucket_website", "NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration"),
    ("get_bucket_replication", "ReplicationConfigurationNotFoundError", "The replication configuration was not found"),
    ("get_object_lock_configuration", "ObjectLockConfigurationNotFoundError",
     "Object Lock configuration does not exist for this bucket"),
    ("get_bucket_tagging", "NoSuchTagSet", "The TagSet does not exist"),
]


@pytest.mark.parametrize("operation, code, text", ABSENT)
def test_what_is_not_configured_is_404(s3, bucket, refused, operation, code, text):
    with refused(code, text, status=404):
        getattr(s3, operation)(Bucket=bucket)


def content(answer):
    return {k: v for k, v in answer.items() if k != "ResponseMetadata"}


def test_what_is_empty_by_default(s3, bucket):
    assert content(s3.get_bucket_logging(Bucket=bucket)) == {}
    assert content(s3.get_bucket_accelerate_configuration(Bucket=bucket)) == {}
    assert content(s3.get_bucket_versioning(Bucket=bucket)) == {}
    assert content(s3.get_bucket_notification_configuration(Bucket=bucket)) == {}
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    for operation in ("list_bucket_analytics_configurations", "list_bucket_inventory_configurations",
                      "list_bucket_metrics_configurations", "list_bucket_intelligent_tiering_configurations"):
        assert content(getattr(s3, operation)(Bucket=bucket)).get("IsTruncated") is False


def test_no_configuration_of_that_id(s3, bucket, refused):
    with refused("NoSuchConfiguration", "The specified configuration does not exist.", status=404):
        s3.get_bucket_metrics_configuration(Bucket=bucket, Id="x")


CORS = {"CORSRules": [{"ID": "web", "AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["https://*.example.com"],
                       "AllowedHeaders": ["x-amz-*"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 60}]}
LIFECYCLE = {"Rules": [
    {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 30}},
    {"ID": "parts", "Status": "Disabled", "Filter": {"And": {"Prefix": "a", "Tags": [{"Key": "k", "Value": "v"}]}},
     "NoncurrentVersionExpiration": {"NoncurrentDays": 5, "NewerNoncurrentVersions": 2}}]}
WEBSITE = {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"},
           "RoutingRules": [{"Condition": {"KeyPrefixEquals": "docs/"},
                             "Redirect": {"ReplaceKeyPrefixWith": "documents/"}}]}


def test_cors_comes_back(s3, bucket, refused):
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration=CORS)
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == CORS["CORSRules"]
    bad = {"CORSRules": [{"AllowedMethods": ["FETCH"], "AllowedOrigins": ["*"]}]}
    with refused("InvalidRequest", "Found unsupported HTTP method in CORS config. Unsupported method is FETCH"):
        s3.put_bucket_cors(Bucket=bucket, CORSConfiguration=bad)
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == CORS["CORSRules"]
    s3.delete_bucket_cors(Bucket=bucket)
    with refused("NoSuchCORSConfiguration", status=404):
        s3.get_bucket_cors(Bucket=bucket)


@pytest.mark.parametrize("rule, message", [
    ({"Redirect": {"HttpRedirectCode": "3-1"}},
     "The provided HTTP redirect code (3-1) is not valid. Valid codes are 3XX except 300."),
    ({"Redirect": {"HttpRedirectCode": "300"}},
     "The provided HTTP redirect code (300) is not valid. Valid codes are 3XX except 300."),
    ({"Redirect": {"ReplaceKeyWith": "a", "ReplaceKeyPrefixWith": "b"}},
     "You can only define ReplaceKeyPrefix or ReplaceKey but not both."),
    ({"Condition": {"HttpErrorCodeReturnedEquals": "302"}, "Redirect": {"HostName": "example.com"}},
     "The provided HTTP error code (302) is not valid. Valid codes are 4XX or 5XX.")])
def test_routing_rules_are_checked(s3, bucket, refused, rule, message):
    with refused("InvalidRequest", message):
        s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"},
                                                                   "RoutingRules": [rule]})


def test_lifecycle_rules_come_back(s3, bucket, refused):
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=LIFECYCLE)
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == LIFECYCLE["Rules"]
    midday = {"Rules": [{"ID": "x", "Status": "Enabled", "Filter": {},
                         "Expiration": {"Date": datetime.datetime(2030, 1, 1, 12)}}]}
    with refused("InvalidArgument", "'Date' must be at midnight GMT"):
        s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=midday)
    zero = {"Rules": [{"ID": "x", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 0}}]}
    with refused("InvalidArgument", "'Days' for Expiration action must be a positive integer"):
        s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=zero)
    s3.delete_bucket_lifecycle(Bucket=bucket)


def test_an_object_past_its_day_expires(start_server):
    """The lifecycle runs by itself: here every second, on an object whose day is in the past."""
    server = start_server(set=["lifecycle_interval=1s"])
    s3 = server.client("s3")
    s3.create_bucket(Bucket="kept")
    for key in ("old/a", "old/b", "new"):
        s3.put_object(Bucket="kept", Key=key, Body=b"x")
    yesterday = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    s3.put_bucket_lifecycle_configuration(Bucket="kept", LifecycleConfiguration={"Rules": [
        {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": "old/"}, "Expiration": {"Date": yesterday}}]})
    for _ in range(50):
        keys = [o["Key"] for o in s3.list_objects_v2(Bucket="kept")["Contents"]]
        if keys == ["new"]:
            break
        import time

        time.sleep(0.2)
    assert keys == ["new"]


def test_websites_come_back(s3, bucket, refused):
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=WEBSITE)
    assert content(s3.get_bucket_website(Bucket=bucket)) == WEBSITE
    with refused("InvalidArgument"):
        s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "a/b"}})
    s3.delete_bucket_website(Bucket=bucket)


def test_encryption_comes_back(s3, bucket):
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "key"},
            "BucketKeyEnabled": True}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    (kept,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert kept == rule
    s3.delete_bucket_encryption(Bucket=bucket)
    (kept,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert kept["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


def test_logging_accelerate_and_payment_come_back(s3, bucket):
    status = {"LoggingEnabled": {"TargetBucket": bucket, "TargetPrefix": "log/"}}
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus=status)
    assert s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"] == status["LoggingEnabled"]
    s3.put_bucket_accelerate_configuration(Bucket=bucket, AccelerateConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_accelerate_configuration(Bucket=bucket)["Status"] == "Enabled"
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "Requester"


QUEUE = "arn:aws:sqs:us-east-1:000000000000:photos"


def test_notifications_are_kept_and_checked(s3, bucket, refused):
    wanted = {"QueueConfigurations": [
        {"Id": "q", "QueueArn": QUEUE, "Events": ["s3:ObjectCreated:*"],
         "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".jpg"}]}}}],
        "LambdaFunctionConfigurations": [
            {"Id": "f", "LambdaFunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:check",
             "Events": ["s3:ObjectRemoved:Delete"]}],
        "EventBridgeConfiguration": {}}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=wanted,
                                             SkipDestinationValidation=True)
    kept = content(s3.get_bucket_notification_configuration(Bucket=bucket))
    assert kept["EventBridgeConfiguration"] == {}
    assert kept["LambdaFunctionConfigurations"] == wanted["LambdaFunctionConfigurations"]
    (queue,) = kept["QueueConfigurations"]
    assert queue["QueueArn"] == QUEUE and queue["Events"] == ["s3:ObjectCreated:*"]
    assert [(r["Name"].lower(), r["Value"]) for r in queue["Filter"]["Key"]["FilterRules"]] == [
        ("prefix", "in/"), ("suffix", ".jpg")]

    def put(**configuration):
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)

    with refused("InvalidArgument"):
        put(QueueConfigurations=[{"QueueArn": QUEUE, "Events": ["s3:ObjectEaten:*"]}])
    with refused("InvalidArgument"):
        put(QueueConfigurations=[{"QueueArn": "nonsense", "Events": ["s3:ObjectCreated:*"]}])
    with refused("InvalidArgument"):  # two for the same keys and events
        put(QueueConfigurations=[{"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:*"]},
                                 {"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:Put"]}])
    assert content(s3.get_bucket_notification_configuration(Bucket=bucket)) == kept
    put()
    assert content(s3.get_bucket_notification_configuration(Bucket=bucket)) == {}


def test_versioning_can_be_suspended_but_not_forgotten(s3, bucket, refused):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="a", Body=b"1")["VersionId"]
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert s3.put_object(Bucket=bucket, Key="a", Body=b"2")["VersionId"] == "null"
    s3.put_object(Bucket=bucket, Key="a", Body=b"3")
    listed = s3.list_object_versions(Bucket=bucket)["Versions"]
    assert [v["VersionId"] for v in listed] == ["null", first]
    assert s3.get_object(Bucket=bucket, Key="a", VersionId=first)["Body"].read() == b"1"
    assert s3.delete_object(Bucket=bucket, Key="a")["VersionId"] == "null"  # the marker takes the null version's place
    assert [v["VersionId"] for v in s3.list_object_versions(Bucket=bucket)["Versions"]] == [first]
    with refused("IllegalVersioningConfigurationException"):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={})
